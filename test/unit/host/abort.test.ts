// Our AbortSignal does what Node's does: each scenario runs with both, and tells the same.
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { abortClasses, type AbortTimers } from "../../../src/host/abort.ts";

/** Timers of Node, and how many of them have been set and neither fired nor been cleared. */
function nodeTimers(): AbortTimers & { readonly pending: () => number } {
  const timers = new Map<number, NodeJS.Timeout>();
  let last = 0;
  return {
    nowMs: () => performance.now(),
    setTimer: (ms, call) => {
      const id = ++last;
      // Node's may fire a fraction of a millisecond early.
      timers.set(
        id,
        setTimeout(
          () => {
            timers.delete(id);
            call();
          },
          Math.ceil(ms) + 1,
        ),
      );
      return id;
    },
    clearTimer: (id) => {
      clearTimeout(timers.get(id));
      timers.delete(id);
    },
    pending: () => timers.size,
  };
}

type Controllers = new () => AbortController;
type Signals = Pick<typeof AbortSignal, "any" | "timeout">;
type Scenario = (parts: { readonly Controller: Controllers; readonly Signal: Signals }) => unknown;

const own = abortClasses(nodeTimers());
const ours = { Controller: own.Controller as unknown as Controllers, Signal: own.Signal as unknown as Signals };
const nodes = { Controller: AbortController, Signal: AbortSignal };

/** What a reason is, that both have in common. */
function shown(reason: unknown): unknown {
  return reason instanceof Error ? `${reason.name}: ${reason.message}` : reason;
}

function caught(call: () => void): unknown {
  try {
    call();
    return "nothing is thrown";
  } catch (error) {
    return shown(error);
  }
}

const told: readonly (readonly [string, Scenario])[] = [
  [
    "a fresh one is not aborted",
    ({ Controller }) => {
      const { signal } = new Controller();
      return [signal.aborted, signal.reason, caught(() => signal.throwIfAborted())];
    },
  ],
  [
    "an aborted one says so, and why",
    ({ Controller }) => {
      const controller = new Controller();
      controller.abort();
      const { signal } = controller;
      return [signal.aborted, shown(signal.reason), caught(() => signal.throwIfAborted())];
    },
  ],
  [
    "a reason may be anything, undefined stands for the usual one",
    ({ Controller }) =>
      [0, "", null, false, "why", new TypeError("why"), undefined].map((reason) => {
        const controller = new Controller();
        controller.abort(reason);
        return [controller.signal.aborted, shown(controller.signal.reason)];
      }),
  ],
  [
    "the first reason stays, and nobody is told twice",
    ({ Controller }) => {
      const controller = new Controller();
      let count = 0;
      controller.signal.addEventListener("abort", () => (count += 1));
      controller.abort("first");
      controller.abort("second");
      return [controller.signal.reason, count];
    },
  ],
  [
    "the same error is thrown and kept as was given",
    ({ Controller }) => {
      const controller = new Controller();
      const error = new Error("why");
      controller.abort(error);
      return controller.signal.reason === error;
    },
  ],
  [
    "listeners are called in their order, each once however often it was added",
    ({ Controller }) => {
      const log: string[] = [];
      const controller = new Controller();
      const first = () => log.push("first");
      controller.signal.addEventListener("abort", first);
      controller.signal.addEventListener("abort", () => log.push("second"));
      controller.signal.addEventListener("abort", first);
      controller.signal.addEventListener("abort", first, { once: true });
      controller.abort();
      return log;
    },
  ],
  [
    "one that is removed is not called, once or not",
    ({ Controller }) => {
      const log: string[] = [];
      const controller = new Controller();
      const { signal } = controller;
      const first = () => log.push("first");
      const second = () => log.push("second");
      signal.addEventListener("abort", first);
      signal.addEventListener("abort", second, { once: true });
      signal.addEventListener("abort", () => log.push("third"));
      signal.removeEventListener("abort", first);
      signal.removeEventListener("abort", second);
      signal.removeEventListener("abort", second);
      controller.abort();
      return log;
    },
  ],
  [
    "one that removes itself, or another one, while they are called",
    ({ Controller }) => {
      const log: string[] = [];
      const controller = new Controller();
      const { signal } = controller;
      const second = () => log.push("second");
      const itself = () => {
        log.push("itself");
        signal.removeEventListener("abort", itself);
        signal.removeEventListener("abort", second);
      };
      signal.addEventListener("abort", itself);
      signal.addEventListener("abort", second);
      signal.addEventListener("abort", () => log.push("third"));
      controller.abort();
      return log;
    },
  ],
  [
    "one that is added once it is aborted is not called",
    ({ Controller, Signal }) => {
      const log: string[] = [];
      const controller = new Controller();
      controller.abort();
      controller.signal.addEventListener("abort", () => log.push("late"));
      Signal.any([controller.signal]).addEventListener("abort", () => log.push("late"));
      controller.abort();
      return log;
    },
  ],
  [
    "a listener finds it aborted, and may abort it again",
    ({ Controller }) => {
      const log: unknown[] = [];
      const controller = new Controller();
      controller.signal.addEventListener("abort", () => {
        controller.abort("again");
        log.push(controller.signal.aborted, controller.signal.reason);
      });
      controller.abort("first");
      return log;
    },
  ],
  [
    "any of several, with the reason of the one",
    ({ Controller, Signal }) => {
      const controllers = [new Controller(), new Controller(), new Controller()];
      const any = Signal.any(controllers.map(({ signal }) => signal));
      const before = any.aborted;
      controllers[1]?.abort("second");
      controllers[0]?.abort("first");
      return [before, any.aborted, any.reason, caught(() => any.throwIfAborted())];
    },
  ],
  [
    "any tells its listeners as soon as one is aborted, once",
    ({ Controller, Signal }) => {
      const log: unknown[] = [];
      const [one, other] = [new Controller(), new Controller()];
      const any = Signal.any([one.signal, other.signal]);
      any.addEventListener("abort", () => log.push(any.reason));
      other.abort("other");
      log.push("aborted");
      one.abort("one");
      return log;
    },
  ],
  [
    "any tells the listener that is left where another was removed",
    ({ Controller, Signal }) => {
      const log: unknown[] = [];
      const controller = new Controller();
      const any = Signal.any([controller.signal]);
      const first = () => log.push("first");
      any.addEventListener("abort", first);
      any.addEventListener("abort", () => log.push("second"));
      any.removeEventListener("abort", first);
      controller.abort();
      return log;
    },
  ],
  [
    "any of one that is aborted already is so from the start",
    ({ Controller, Signal }) => {
      const [before, too] = [new Controller(), new Controller()];
      before.abort("before");
      too.abort("too");
      const any = Signal.any([new Controller().signal, before.signal, too.signal]);
      return [any.aborted, any.reason];
    },
  ],
  [
    "any of none never is",
    ({ Signal }) => {
      const any = Signal.any([]);
      return [any.aborted, any.reason];
    },
  ],
  [
    "any of any, listened to at both ends",
    ({ Controller, Signal }) => {
      const log: unknown[] = [];
      const [one, other] = [new Controller(), new Controller()];
      const inner = Signal.any([one.signal]);
      const outer = Signal.any([inner, other.signal]);
      inner.addEventListener("abort", () => log.push("inner"));
      outer.addEventListener("abort", () => log.push("outer"));
      one.abort("why");
      return [log, inner.reason, outer.reason];
    },
  ],
  [
    "any of one that comes twice",
    ({ Controller, Signal }) => {
      const controller = new Controller();
      let count = 0;
      Signal.any([controller.signal, controller.signal]).addEventListener("abort", () => (count += 1));
      controller.abort();
      return count;
    },
  ],
  [
    "after a time, whether somebody listens or only looks",
    async ({ Signal }) => {
      const log: unknown[] = [];
      const [looked, heard] = [Signal.timeout(30), Signal.timeout(30)];
      heard.addEventListener("abort", () => log.push("heard"));
      const before = [looked.aborted, heard.aborted];
      await sleep(80);
      return [before, looked.aborted, heard.aborted, shown(looked.reason), shown(heard.reason), log];
    },
  ],
  [
    "any of a time and another, whichever is first",
    async ({ Controller, Signal }) => {
      const controller = new Controller();
      const byTime = Signal.any([controller.signal, Signal.timeout(20)]);
      const byHand = Signal.any([controller.signal, Signal.timeout(10_000)]);
      const log: unknown[] = [];
      byTime.addEventListener("abort", () => log.push("by time"));
      byHand.addEventListener("abort", () => log.push("by hand"), { once: true });
      await sleep(70);
      controller.abort("by hand");
      await sleep(5);
      return [log, shown(byTime.reason), shown(byHand.reason)];
    },
  ],
  [
    "any of a time and another, both of which are over when somebody looks",
    async ({ Controller, Signal }) => {
      const controller = new Controller();
      const any = Signal.any([controller.signal, Signal.timeout(20)]);
      const other = Signal.any([Signal.timeout(90), controller.signal]);
      await sleep(60);
      controller.abort("by hand");
      await sleep(60);
      return [shown(any.reason), shown(other.reason)];
    },
  ],
  [
    "a listener is told by a time only as long as it is one",
    async ({ Signal }) => {
      const log: unknown[] = [];
      const signal = Signal.timeout(20);
      const listener = () => log.push("called");
      signal.addEventListener("abort", listener);
      signal.removeEventListener("abort", listener);
      await sleep(60);
      return [log, signal.aborted];
    },
  ],
];

test.each(told)("%s", async (_, scenario) => {
  expect(await scenario(ours)).toEqual(await scenario(nodes));
});

test("a listener that throws keeps no other from being called, and its fault is told by itself", () => {
  const later: (() => void)[] = [];
  const { Controller } = abortClasses({
    nowMs: () => 0,
    setTimer: (_, call) => later.push(call),
    clearTimer: () => {},
  });
  const controller = new Controller();
  const log: string[] = [];
  controller.signal.addEventListener("abort", () => {
    throw new Error("a fault");
  });
  controller.signal.addEventListener("abort", () => log.push("second"));
  controller.abort();
  expect(log).toEqual(["second"]);
  expect(later).toHaveLength(1);
  expect(later[0]).toThrow("a fault");
});

describe("a listener that is added after a look which found nothing", () => {
  /** Time that stands still until it is set; what is due is called by `turn`. */
  function stillTime() {
    let nowMs = 0;
    let due: (() => void)[] = [];
    const classes = abortClasses({
      nowMs: () => nowMs,
      setTimer: (ms, call) => {
        if (ms === 0) due.push(call);
        return 1;
      },
      clearTimer: () => {},
    });
    const turn = () => {
      const calls = due;
      due = [];
      for (const call of calls) call();
    };
    return { ...classes, turn, setNow: (ms: number) => (nowMs = ms) };
  }

  test.each(["the time itself", "any of it", "any of it, of which another one was told"])(
    "is called where the time is up in between: %s",
    (kind) => {
      const { Controller, Signal, turn, setNow } = stillTime();
      const time = Signal.timeout(10);
      const signal = kind === "the time itself" ? time : Signal.any([new Controller().signal, time]);
      expect(signal.aborted).toBe(false);
      setNow(10);
      if (kind.endsWith("told")) expect(time.aborted).toBe(true);
      let count = 0;
      signal.addEventListener("abort", () => (count += 1));
      turn();
      turn();
      expect(count).toBe(1);
      expect(shown(signal.reason)).toMatch(/^TimeoutError/);
    },
  );

  test("is not called where it is taken away before the next turn", () => {
    const { Signal, turn, setNow } = stillTime();
    const signal = Signal.any([Signal.timeout(10)]);
    const listener = () => expect.unreachable();
    setNow(10);
    signal.addEventListener("abort", listener);
    signal.removeEventListener("abort", listener);
    turn();
  });
});

describe("a signal that lives long", () => {
  /** One that counts its listeners. */
  function counted() {
    const timers = nodeTimers();
    const { Controller, Signal } = abortClasses(timers);
    let listeners = 0;
    class Counting extends Signal {
      override addEventListener(...given: Parameters<InstanceType<typeof Signal>["addEventListener"]>): void {
        listeners += 1;
        super.addEventListener(...given);
      }
      override removeEventListener(...given: Parameters<InstanceType<typeof Signal>["removeEventListener"]>): void {
        listeners -= 1;
        super.removeEventListener(...given);
      }
    }
    return { Controller, Signal, life: new Counting(), listeners: () => listeners, timers };
  }

  test("keeps nothing of those made from it that nobody listens to", () => {
    const { Signal, life, listeners, timers } = counted();
    for (let count = 0; count < 1_000; count++) {
      const any = Signal.any([life, Signal.timeout(60_000)]);
      expect(any.aborted).toBe(false);
    }
    expect([listeners(), timers.pending()]).toEqual([0, 0]);
  });

  test("keeps nothing of those whose listeners have gone, or that were aborted", () => {
    const { Controller, Signal, life, listeners, timers } = counted();
    for (let count = 0; count < 1_000; count++) {
      const controller = new Controller();
      const any = Signal.any([life, controller.signal, Signal.timeout(60_000)]);
      const listener = () => {};
      any.addEventListener("abort", listener, { once: count % 2 === 0 });
      if (count % 3 === 0) any.removeEventListener("abort", listener);
      else controller.abort();
    }
    expect([listeners(), timers.pending()]).toEqual([0, 0]);
  });

  test("is told of by those that are listened to, once for each", () => {
    const { Signal, life, listeners } = counted();
    let count = 0;
    const listening = Array.from({ length: 10 }, () => Signal.any([life]));
    for (const signal of listening) {
      signal.addEventListener("abort", () => (count += 1));
      signal.addEventListener("abort", () => (count += 1));
    }
    expect(listeners()).toBe(10);
    life.fire("over");
    expect(count).toBe(20);
    expect(listening.every(({ reason }) => reason === "over")).toBe(true);
  });
});
