// Timers, watched descriptors, faults and promises.
import * as native from "native";
import { after, check, code, equal, eventually } from "./report.ts";

export const cases = {
  "timers come in the order of their time, and of their setting where it is the same": async () => {
    const order: string[] = [];
    native.setTimer(30, () => order.push("c"));
    native.setTimer(10, () => order.push("a"));
    native.setTimer(20, () => order.push("b"));
    native.setTimer(0, () => order.push("0"));
    native.setTimer(0.5, () => order.push("half"));
    await after(60);
    equal(order, ["0", "half", "a", "b", "c"]);
  },
  "a timer is not early": async () => {
    for (const ms of [0.3, 1, 7.25, 20]) {
      const start = native.bootTimeMs();
      await after(ms);
      check(native.bootTimeMs() - start >= ms, `${ms} ms took ${native.bootTimeMs() - start}`);
    }
  },
  "a timer that was cleared does not come, not even in the turn of another": async () => {
    const order: string[] = [];
    const late = native.setTimer(10, () => order.push("late"));
    const same = { timer: 0 };
    native.setTimer(5, () => {
      order.push("first");
      native.clearTimer(same.timer);
      native.clearTimer(late);
    });
    same.timer = native.setTimer(5, () => order.push("same"));
    native.clearTimer(123_456);
    native.clearTimer(0);
    await after(30);
    equal(order, ["first"]);
  },
  "a timer may clear itself while it runs": async () => {
    let ran = 0;
    const own = native.setTimer(1, () => {
      ran++;
      native.clearTimer(own);
    });
    await after(10);
    equal(ran, 1);
  },
  "a thousand timers come, each once and in order": async () => {
    const all = Array.from({ length: 1_000 }, (_, index) => ({ index, ms: ((index * 7_919) % 4) * 200 }));
    const came: number[] = [];
    for (const { index, ms } of all) native.setTimer(ms, () => came.push(index));
    await after(900);
    equal(
      came,
      all.toSorted((left, right) => left.ms - right.ms).map(({ index }) => index),
    );
  },
  "timers that set timers do not keep descriptors from their turn": async () => {
    const { readEnd, writeEnd } = native.pipe(0);
    let isReady = false;
    let turns = 0;
    native.watch(readEnd, native.POLLIN, () => {
      isReady = true;
      native.unwatch(readEnd);
    });
    native.write(writeEnd, new Uint8Array(1));
    await new Promise<void>((resolve) => {
      const again = () => {
        if (isReady || ++turns > 1_000) resolve();
        else native.setTimer(0, again);
      };
      again();
    });
    check(turns < 10, `${turns} turns`);
  },
  "promises go on after each callback, before the next": async () => {
    const order: string[] = [];
    native.setTimer(1, () => {
      order.push("one");
      void Promise.resolve().then(() => order.push("then"));
    });
    native.setTimer(1, () => order.push("two"));
    await after(10);
    equal(order, ["one", "then", "two"]);
  },
  "a watch tells what is ready, and may be replaced and ended in a callback": async () => {
    const pipes = Array.from({ length: 3 }, () => native.pipe(0));
    const told: string[] = [];
    const [a, b, c] = pipes.map(({ readEnd }) => readEnd) as [number, number, number];
    native.watch(a, native.POLLIN, (events) => {
      told.push(`a${events}`);
      native.unwatch(a);
      // It is ready in the same turn, and must not come by the old callback.
      native.watch(b, native.POLLIN, () => {
        told.push("new b");
        native.unwatch(b);
      });
      native.unwatch(c);
    });
    native.watch(b, native.POLLIN, () => told.push("old b"));
    native.watch(c, native.POLLIN, () => told.push("c"));
    for (const { writeEnd } of pipes) native.write(writeEnd, new Uint8Array(1));
    await eventually(() => told.length >= 2, "both came");
    await after(10);
    equal(told, ["a1", "new b"]);
  },
  "a descriptor that is closed and opened anew in a callback is not told of the old one's events": async () => {
    const first = native.pipe(0);
    const second = native.pipe(0);
    const told: string[] = [];
    native.watch(first.readEnd, native.POLLIN, () => {
      native.unwatch(first.readEnd);
      native.unwatch(second.readEnd);
      native.close(second.readEnd);
      const third = native.pipe(0);
      equal(third.readEnd, second.readEnd, "the same number");
      native.watch(third.readEnd, native.POLLIN, () => told.push("third"));
    });
    native.watch(second.readEnd, native.POLLIN, () => told.push("second"));
    native.write(first.writeEnd, new Uint8Array(1));
    native.write(second.writeEnd, new Uint8Array(1));
    await after(20);
    equal(told, []);
    native.unwatch(second.readEnd);
  },
  "a descriptor that is closed without a word is told once": async () => {
    const { readEnd } = native.pipe(0);
    const told: number[] = [];
    native.watch(readEnd, native.POLLIN, (events) => told.push(events));
    native.close(readEnd);
    await after(20);
    equal(told, [32]);
  },
  "the end of a pipe is told": async () => {
    const { readEnd, writeEnd } = native.pipe(0);
    const told: number[] = [];
    native.watch(readEnd, 0, (events) => {
      told.push(events);
      native.unwatch(readEnd);
    });
    native.close(writeEnd);
    await eventually(() => told.length > 0, "POLLHUP");
    equal(told, [native.POLLHUP]);
  },
  "a write that has room is told": async () => {
    const { writeEnd } = native.pipe(native.O_NONBLOCK);
    await new Promise<void>((resolve) => {
      native.watch(writeEnd, native.POLLOUT, () => {
        native.unwatch(writeEnd);
        resolve();
      });
    });
    while (code(() => native.write(writeEnd, new Uint8Array(65_536)) < 0 || check(false, "wrote")) !== "EAGAIN");
  },
  "four hundred descriptors are watched at once": async () => {
    const pipes = Array.from({ length: 400 }, () => native.pipe(0));
    const told = new Set<number>();
    for (const { readEnd } of pipes) {
      native.watch(readEnd, native.POLLIN, () => {
        told.add(readEnd);
        native.unwatch(readEnd);
      });
    }
    for (const { writeEnd } of pipes) native.write(writeEnd, new Uint8Array(1));
    await eventually(() => told.size === 400, "all were told");
  },
  "an exception out of a callback is told, and the rest goes on": async () => {
    const faults: unknown[] = [];
    native.onFault((error) => faults.push(error));
    const thrown = new Error("out of a timer");
    native.setTimer(1, () => {
      throw thrown;
    });
    const { readEnd, writeEnd } = native.pipe(0);
    native.watch(readEnd, native.POLLIN, () => {
      native.unwatch(readEnd);
      throw thrown;
    });
    native.write(writeEnd, new Uint8Array(1));
    await after(20);
    equal(faults.length, 2);
    check(
      faults.every((fault) => fault === thrown),
      "the same error",
    );
  },
  "an exception out of the one who is told of faults is no end": async () => {
    native.onFault(() => {
      throw new Error("from the fault's own callback");
    });
    native.setTimer(1, () => {
      throw new Error("printed");
    });
    await after(10);
  },
  "a promise that is rejected with nobody to take it is told, and again when somebody does": async () => {
    const told: string[] = [];
    native.onRejection((promise, reason, isHandled) => {
      check(promise instanceof Promise, "a promise");
      told.push(`${String(reason)} ${isHandled}`);
    });
    const rejected = Promise.reject(new Error("alone"));
    await after(5);
    equal(told, ["Error: alone false"]);
    rejected.catch(() => {});
    await after(5);
    equal(told, ["Error: alone false", "Error: alone true"]);
  },
  "a promise whose rejection is taken at once is told twice, in this order": async () => {
    const told: boolean[] = [];
    native.onRejection((_promise, _reason, isHandled) => told.push(isHandled));
    Promise.reject(new Error("taken")).catch(() => {});
    await after(5);
    equal(told, [false, true]);
  },
  "an exception out of the one who is told of rejections is told as a fault": async () => {
    const faults: string[] = [];
    native.onFault((error) => faults.push(String(error)));
    native.onRejection((_promise, _reason, isHandled) => {
      if (!isHandled) throw new Error("from the callback");
    });
    void Promise.reject(new Error("alone"));
    await after(5);
    equal(faults, ["Error: from the callback"]);
  },
  "the time since boot runs on": () => {
    const start = native.bootTimeMs();
    const uptime = Number(native.decodeUtf8(native.read(native.open("/proc/uptime", 0), 100)).split(" ")[0]) * 1_000;
    check(Math.abs(uptime - start) < 1_000, `${start} and ${uptime}`);
    check(native.bootTimeMs() >= start, "it does not go back");
  },
};
