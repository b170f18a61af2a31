import { describe, expect, test } from "vitest";
import { messageTypes, type NetlinkAnswer } from "../../../../src/export/vip/netlink.ts";
import { keepVip, type KeptVip, type VipEvent } from "../../../../src/export/vip/keeping.ts";
import type { VipTrouble, VipWorld } from "../../../../src/export/vip/vip.ts";
import { parseVip } from "../../../../src/export/vip/written.ts";
import { handClock } from "../../fakes/clock.ts";
import { hex } from "../../fakes/server.ts";

const vip = { address: "192.0.2.9", prefixLength: 24 };
const conflict = hex(`ff ff ff ff ff ff 02 00 00 00 00 02 08 06 00 01 08 00 06 04 00 02
  02 00 00 00 00 02 c0 00 02 09 00 00 00 00 00 00 00 00 00 00`);

/** The same from an interface of this machine, and a question of another host that waits for the address. */
const ownConflict = hex(`ff ff ff ff ff ff 02 00 00 00 01 01 08 06 00 01 08 00 06 04 00 02
  02 00 00 00 01 01 c0 00 02 09 00 00 00 00 00 00 00 00 00 00`);
const otherProbe = hex(`ff ff ff ff ff ff 02 00 00 00 00 02 08 06 00 01 08 00 06 04 00 01
  02 00 00 00 00 02 00 00 00 00 00 00 00 00 00 00 c0 00 02 09`);

interface Kernel {
  /** It refuses changes with it where that is not 0. */
  errno: number;
  isRunning: boolean;
  /** The address is there from an instance before. */
  hasLeft: boolean;
  /** What comes as an answer to a question. */
  answer: Uint8Array | undefined;
}

/** A machine with eth0, number 3, on the network of the address, and eth1. */
function machine({ othersUntilMs = 0, hasLeft = false } = {}) {
  const log: string[] = [];
  const kernel: Kernel = { errno: 0, isRunning: true, hasLeft, answer: undefined };
  const clock = handClock();
  const startedMs = clock.nowMs();
  const nowMs = () => clock.nowMs() - startedMs;
  const answer = (type: number, ...bodies: readonly string[]): NetlinkAnswer => ({
    kind: "answer",
    messages: bodies.map((body) => ({ type, sequence: 1, body: hex(body) })),
  });
  const request = (message: Uint8Array): NetlinkAnswer => {
    switch (message[4]) {
      case messageTypes.getLink:
        return answer(
          16,
          `00 00 01 00 03 00 00 00 ${kernel.isRunning ? "43 10 01 00" : "03 10 00 00"} 00 00 00 00
           09 00 03 00 65 74 68 30 00 00 00 00 0a 00 01 00 02 00 00 00 00 01 00 00`,
          `00 00 01 00 04 00 00 00 43 10 01 00 00 00 00 00
           09 00 03 00 65 74 68 31 00 00 00 00 0a 00 01 00 02 00 00 00 01 01 00 00`,
        );
      case messageTypes.getRoute:
        return answer(24, "02 20 00 00 fe 00 00 01 00 00 00 00 08 00 04 00 03 00 00 00");
      case messageTypes.getAddress:
        return kernel.hasLeft ? answer(20, "02 18 00 00 03 00 00 00 08 00 02 00 c0 00 02 09") : answer(20);
      case messageTypes.newAddress:
      case messageTypes.deleteAddress:
        log.push(`${message[4] === messageTypes.newAddress ? "add" : "delete"} at ${nowMs()}`);
        return kernel.errno === 0 ? { kind: "answer", messages: [] } : { kind: "error", errno: kernel.errno };
      default:
        return { kind: "answer", messages: [] };
    }
  };
  const world: VipWorld = {
    request: (message) => Promise.resolve(request(message)),
    openFrames: () => {
      let onFrame = (_frame: Uint8Array): void => {};
      return {
        send: (frame) => {
          // Who sends it: nobody yet, or the address.
          log.push(`${frame[28] === 0 ? "ask" : "tell"} at ${nowMs()}`);
          if (frame[28] !== 0) return;
          if (nowMs() < othersUntilMs) onFrame(conflict);
          if (kernel.answer !== undefined) onFrame(kernel.answer);
        },
        onFrame: (call) => {
          onFrame = call;
        },
        close: () => log.push("closed"),
      };
    },
    openSegments: () => {
      throw new Error("nobody is to be told");
    },
    advertise: () => {},
    random: clock.random,
    sleep: clock.sleep,
  };
  return { world, kernel, log, pass: clock.pass };
}

/** Keeps the address for so long. */
async function kept(given: ReturnType<typeof machine>, ms: number, signal = new AbortController().signal) {
  const events: VipEvent[] = [];
  let found: KeptVip | undefined;
  let lost: VipTrouble | undefined;
  const done = keepVip(given.world, vip, (event) => events.push(event), signal).then((one) => {
    if (!("held" in one)) return one;
    found = one;
    void one.lost.then((trouble) => (lost = trouble));
    return one;
  });
  done.catch(() => {});
  await given.pass(ms);
  return { events, done, release: () => found?.release(), lost: () => lost };
}

test("it asks three times before it takes the address, and tells three times afterwards", async () => {
  const given = machine();
  const { events } = await kept(given, 2_000);
  expect(given.log).toEqual([
    "ask at 100",
    "ask at 300",
    "ask at 500",
    "closed",
    "add at 800",
    "tell at 800",
    "tell at 1050",
    "tell at 1300",
    "closed",
  ]);
  expect(events).toEqual([{ kind: "held", held: { kind: "held", interfaceIndex: 3, device: "eth0", wasThere: "no" } }]);
});

test("it asks again every second or so while another host answers, and says so once", async () => {
  const given = machine({ othersUntilMs: 5_000 });
  const { events } = await kept(given, 10_000);
  const added = given.log.findIndex((line) => line.startsWith("add"));
  expect(given.log[added]).toMatch(/^add at [56]\d{3}$/);
  // One question is enough where somebody answers.
  expect(given.log.slice(0, 2)).toEqual(["ask at 100", "closed"]);
  expect(events.map(({ kind }) => kind)).toEqual(["waiting", "held"]);
  expect(events[0]).toEqual({ kind: "waiting", trouble: { kind: "taken", hardware: "02:00:00:00:00:02" } });
});

describe("an address that is held", () => {
  const added = (log: readonly string[]) => log.filter((line) => line.startsWith("add"));

  test("is renewed well before its time is over, until it is given back", async () => {
    const given = machine();
    const { release } = await kept(given, 40_000);
    // Every 8 s, once nobody has answered for 0.3 s.
    expect(added(given.log)).toEqual(["add at 800", "add at 9100", "add at 17400", "add at 25700", "add at 34000"]);
    await release();
    await given.pass(40_000);
    expect(given.log.at(-1)).toBe("delete at 40000");
  });

  test("that cannot be renewed is said to be going, and tried again", async () => {
    const given = machine();
    const { events } = await kept(given, 2_000);
    given.kernel.errno = 19;
    await given.pass(17_000);
    const losing = { kind: "losing", trouble: { kind: "no-device", device: "interface 3" } };
    expect(events.slice(1)).toEqual([losing, losing]);
  });
});

describe("an address that another host has, too,", () => {
  const contested = { kind: "contested", hardware: "02:00:00:00:00:02" };

  test("stays where that host gives way once it is told", async () => {
    const given = machine();
    const { events, lost } = await kept(given, 2_000);
    given.kernel.answer = conflict;
    given.log.splice(0);
    await given.pass(7_500);
    given.kernel.answer = undefined;
    await given.pass(2_000);
    expect(given.log.slice(0, 9)).toEqual([
      "ask at 8800",
      "closed",
      "tell at 9100",
      "tell at 9350",
      "tell at 9600",
      "closed",
      "ask at 10600",
      "closed",
      "add at 10900",
    ]);
    expect(events.slice(1)).toEqual([contested]);
    expect(lost()).toBeUndefined();
  });

  test("is given up where that host answers again, and that is told", async () => {
    const given = machine();
    const { events, lost } = await kept(given, 2_000);
    given.kernel.answer = conflict;
    await given.pass(20_000);
    expect(events.slice(1)).toEqual([contested]);
    expect(lost()).toEqual({ kind: "taken", hardware: "02:00:00:00:00:02" });
    // It is not asked for again.
    expect(given.log.at(-1)).toMatch(/^delete at 1\d{4}$/);
  });

  test("is found at once where it was left there", async () => {
    const given = machine({ hasLeft: true });
    given.kernel.answer = conflict;
    const { lost } = await kept(given, 3_000);
    expect(lost()).toEqual({ kind: "taken", hardware: "02:00:00:00:00:02" });
  });

  test.each([
    ["whose frame came from an interface of this machine", ownConflict],
    ["who only waits for it", otherProbe],
  ])("is not one of somebody %s", async (_who, frame) => {
    const given = machine();
    const { events, lost } = await kept(given, 2_000);
    given.kernel.answer = frame;
    await given.pass(20_000);
    expect(events).toHaveLength(1);
    expect(lost()).toBeUndefined();
  });
});

describe("an address whose interface is cut off", () => {
  test("is not renewed meanwhile, and taken as if it were new once nobody else has it", async () => {
    const given = machine();
    const { events, lost } = await kept(given, 2_000);
    given.kernel.isRunning = false;
    given.log.splice(0);
    await given.pass(30_000);
    expect(given.log).toEqual([]);
    given.kernel.isRunning = true;
    await given.pass(4_000);
    const words = given.log.map((line) => line.split(" ")[0]);
    expect(words).toEqual(["delete", "ask", "ask", "ask", "closed", "add", "tell", "tell", "tell", "closed"]);
    expect(events.slice(1).map(({ kind }) => kind)).toEqual(["losing", "held"]);
    expect(lost()).toBeUndefined();
  });

  test("is lost where another host has it by then", async () => {
    const given = machine();
    const { lost } = await kept(given, 2_000);
    given.kernel.isRunning = false;
    await given.pass(30_000);
    given.kernel.isRunning = true;
    given.kernel.answer = conflict;
    await given.pass(4_000);
    expect(lost()).toEqual({ kind: "taken", hardware: "02:00:00:00:00:02" });
    expect(given.log.filter((line) => line.startsWith("add"))).toEqual(["add at 800"]);
  });
});

test("what will not change is told at once", async () => {
  const given = machine();
  given.kernel.errno = 1;
  const { done } = await kept(given, 2_000);
  expect(await done).toEqual({ kind: "not-permitted", capability: "NET_ADMIN" });
});

test("a stop while it waits ends the waiting, with nothing taken", async () => {
  const given = machine({ othersUntilMs: 1e9 });
  const stop = new AbortController();
  const { done } = await kept(given, 3_000, stop.signal);
  stop.abort();
  await expect(done).rejects.toThrow();
  expect(given.log.filter((line) => line.startsWith("add"))).toEqual([]);
  expect(given.log.at(-1)).toBe("closed");
});

describe("the text of the variable", () => {
  test.each([
    ["192.0.2.9/24", { address: "192.0.2.9", prefixLength: 24 }],
    ["192.0.2.9/32@eth0.7", { address: "192.0.2.9", prefixLength: 32, device: "eth0.7" }],
    // As the kernel writes it, by which it is found again.
    ["2001:DB8:0:0::9/64@br0", { address: "2001:db8::9", prefixLength: 64, device: "br0" }],
  ])("%s", (text, parsed) => {
    expect(parseVip(text)).toEqual(parsed);
  });

  test.each([
    "192.0.2.9",
    "192.0.2.9/0",
    "192.0.2.9/33",
    "192.0.2.9/24@",
    "192.0.2.9/24@a/b",
    "192.0.2.9/24@sixteen-letters-",
    "192.0.2.9/24 @eth0",
    "nas/24",
    "127.0.0.1/8",
    "0.0.0.0/8",
    "224.0.0.1/24",
    "::1/128",
    "ff02::1/64",
    "fe80::1%eth0/64",
    "",
  ])("%j is none", (text) => {
    expect(parseVip(text)).toBeUndefined();
  });
});
