import { describe, expect, test } from "vitest";
import type { MonitorRecords } from "../../../../src/export/v3/monitor-records.ts";
import {
  startVersion3,
  type ListenAt,
  type Version3,
  type Version3Event,
  type Version3World,
} from "../../../../src/export/v3/version3.ts";
import type { RpcProgram } from "../../../../src/rpc/service.ts";
import { handClock, leapingClock, type HandClock } from "../../fakes/clock.ts";
import {
  accepted,
  answers,
  fakeNetwork,
  fragment,
  opaque,
  words,
  type SeenCall,
  type Service,
} from "../../fakes/server.ts";
import { ask, client, kernel, overUdp, result } from "./asked.ts";

const lockd = 100_021;
const peer = "192.0.2.7";
const wanted = { mountd: 20_048, statd: 32_765 };

/** A portmapper that knows these programs, and takes registrations unless it is `stubborn`. */
function portmapper(
  calls: SeenCall[],
  { isStubborn = false, ports = {} }: { isStubborn?: boolean; ports?: Readonly<Record<number, number>> } = {},
): Service {
  return (call) => {
    calls.push(call);
    if (call.procedure === 0) return answers(call);
    if (call.version === 2 && call.procedure === 3) return answers(call, words(ports[call.args[0] ?? 0] ?? 0));
    return answers(call, words(isStubborn ? 0 : 1));
  };
}

interface Given {
  readonly clock?: HandClock;
  readonly services?: Readonly<Record<string, Service | "silent">>;
  readonly records?: MonitorRecords;
  /** Why a place cannot be listened on. */
  readonly refuse?: (at: ListenAt) => string | undefined;
}

function given({ services = {}, records, refuse = () => undefined, clock = leapingClock() }: Given = {}) {
  const network = fakeNetwork(services);
  const listening = new Map<string, readonly RpcProgram[]>();
  const events: Version3Event[] = [];
  const saved: MonitorRecords[] = [];
  const states: number[] = [];
  const ended = { count: 0 };
  const startedMs = clock.nowMs();
  const world: Version3World = {
    dial: network.dial,
    listen: (at, programs) => {
      const code = refuse(at);
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      const place = at.transport === "local" ? at.path : `${at.transport} ${at.address}:${at.port}`;
      listening.set(place, programs);
      return at.transport === "local" ? 0 : at.port;
    },
    closeAll: () => listening.clear(),
    mount: {
      allow: () => Promise.resolve({ kind: "mount-error", status: "ACCES" }),
      fileHandle: () => Promise.resolve({ kind: "mount-error", status: "ACCES" }),
      exports: () => [],
    },
    loadRecords: () => records,
    saveRecords: (one) => saved.push(one),
    setLocalState: (state) => states.push(state),
    endLockGrace: () => (ended.count += 1),
    onEvent: (event) => events.push(event),
    ownNames: ["srv", "192.0.2.100"],
    clock,
    resolve: (name) => Promise.resolve([name]),
  };
  const programAt = (place: string): RpcProgram => {
    const [program] = listening.get(place) ?? [];
    if (program === undefined) throw new Error(`nothing listens at ${place}`);
    return program;
  };
  const start = async (): Promise<Version3> => {
    const started = await startVersion3(world, wanted);
    if (started.kind === "failed") throw new Error(started.reason);
    return started;
  };
  return {
    world,
    network,
    listening,
    events,
    saved,
    states,
    programAt,
    start,
    tookMs: () => clock.nowMs() - startedMs,
  };
}

const places = (...ports: readonly number[]) =>
  ports.flatMap((port) => [`tcp 0.0.0.0:${port}`, `udp 0.0.0.0:${port}`, `tcp :::${port}`, `udp :::${port}`]);

describe("where no portmapper answers", () => {
  test("one of ours does, with the other two registered, by TCP, UDP and the kernel's path", async () => {
    const { start, listening, programAt } = given();
    expect((await start()).portmapper).toBe("own");
    expect([...listening.keys()]).toEqual([...places(111, 20_048, 32_765), "/run/rpcbind.sock"]);
    const registered = async (program: number, version: number, protocol: number) =>
      ask(programAt("tcp 0.0.0.0:111"), {
        version: 2,
        procedure: 3,
        args: [words(program, version, protocol, 0)],
      });
    expect(await registered(100_005, 3, 6)).toEqual(result(words(20_048)));
    expect(await registered(100_005, 1, 17)).toEqual(result(words(20_048)));
    expect(await registered(100_024, 1, 17)).toEqual(result(words(32_765)));
    expect(await registered(100_000, 2, 17)).toEqual(result(words(111)));
  });

  test("a machine without IPv6, and one whose /run cannot be written, are served all the same", async () => {
    const { start, listening } = given({
      refuse: (at) => (at.transport === "local" ? "EROFS" : at.address === "::" ? "EAFNOSUPPORT" : undefined),
    });
    await start();
    expect([...listening.keys()]).toEqual(places(111, 20_048, 32_765).filter((place) => !place.includes("::")));
  });

  test("a port that is taken is named, and nothing stays open", async () => {
    const { world, listening } = given({
      refuse: (at) => (at.transport === "udp" && at.port === 20_048 ? "EADDRINUSE" : undefined),
    });
    expect(await startVersion3(world, wanted)).toEqual({
      kind: "failed",
      reason: "port 20048 (MOUNT service): EADDRINUSE",
    });
    expect(listening.size).toBe(0);
  });
});

describe("where a portmapper answers", () => {
  test("our programs are registered there in place of what is left, and taken away at the end", async () => {
    const calls: SeenCall[] = [];
    const { start, listening, network } = given({ services: { "127.0.0.1:111": portmapper(calls) } });
    const version3 = await start();
    expect(version3.portmapper).toBe("other");
    expect([...listening.keys()]).toEqual(places(20_048, 32_765));
    const changes = () =>
      calls.splice(0).flatMap(({ procedure, args }) => (procedure === 0 ? [] : [[procedure, ...args.slice(0, 2)]]));
    const programs = [...[1, 2, 3].map((version) => [100_005, version]), [100_024, 1]];
    const registered = changes();
    for (const one of programs) {
      expect(
        registered.filter(([procedure, ...rest]) => procedure === 1 && rest.join(" ") === one.join(" ")),
      ).toHaveLength(4);
    }
    // UNSET comes before SET.
    expect(registered.slice(0, 2).map(([procedure]) => procedure)).toEqual([2, 1]);
    await version3.close();
    expect(changes().map(([procedure]) => procedure)).toEqual(Array.from({ length: 16 }, () => 2));
    expect(listening.size).toBe(0);
    expect(network.open()).toBe(0);
    // It believes low ports alone.
    expect(network.dialed.slice(1).every((dialed) => dialed.endsWith(" reserved"))).toBe(true);
  });

  test("one that takes no registration is a reason not to serve", async () => {
    const { world, listening } = given({ services: { "127.0.0.1:111": portmapper([], { isStubborn: true }) } });
    expect(await startVersion3(world, wanted)).toEqual({
      kind: "failed",
      reason: "the portmapper of this machine does not take program 100005",
    });
    expect(listening.size).toBe(0);
  });
});

describe("after a restart", () => {
  const records: MonitorRecords = {
    state: 5,
    monitored: [{ name: peer, myName: "srv", program: lockd, version: 3, procedure: 16, priv: "00".repeat(16) }],
    toNotify: [],
  };
  /** Two words after a string of up to four bytes. */
  const notices = (calls: readonly SeenCall[]) =>
    calls.map(({ program, version, procedure, args }) => [program, version, procedure, args.at(-1)]);

  test("clients that had locks are told under each of our names, once lockd is there, and then no more", async () => {
    const calls: SeenCall[] = [];
    const { start, saved, states, events } = given({
      records,
      services: {
        [`${peer}:111`]: portmapper([], { ports: { 100_024: 700 } }),
        [`${peer}:700`]: (call) => {
          calls.push(call);
          return answers(call);
        },
      },
    });
    const version3 = await start();
    expect(saved).toEqual([{ state: 7, monitored: [], toNotify: [peer] }]);
    expect(calls).toEqual([]);
    await version3.announce();
    expect(states).toEqual([7]);
    expect(notices(calls)).toEqual([
      [100_024, 1, 6, 7],
      [100_024, 1, 6, 7],
    ]);
    expect(calls.map(({ args }) => args[0])).toEqual([3, 11]);
    expect(events).toEqual([{ kind: "peer", peer, isTold: true }]);
    expect(saved.at(-1)).toEqual({ state: 7, monitored: [], toNotify: [] });
  });

  test("one that does not answer is asked again for a quarter of an hour", async () => {
    const { start, events, tookMs, network } = given({ records });
    await (await start()).announce();
    expect(events).toEqual([{ kind: "peer", peer, isTold: false }]);
    expect(tookMs()).toBeGreaterThan(14 * 60_000);
    expect(tookMs()).toBeLessThanOrEqual(15 * 60_000);
    expect(network.open()).toBe(0);
  });

  test("one that is not told when we end is told the next time", async () => {
    const { world, start, events, saved } = given({ records });
    const version3 = await start();
    const closing = { ...world, clock: { ...world.clock, sleep: () => version3.close() } };
    Object.assign(world, closing);
    await version3.announce();
    expect(events).toEqual([]);
    expect(saved.at(-1)?.toNotify).toEqual([peer]);
  });
});

describe("a client that has started again", () => {
  const monitor = async (program: RpcProgram) => {
    const args = [opaque(peer), opaque("srv"), words(lockd, 3, 16), Uint8Array.from({ length: 16 }, () => 9)];
    expect(await ask(program, { version: 1, procedure: 2, args }, overUdp(kernel))).toHaveProperty("result");
  };
  const notice = (program: RpcProgram, state: number) =>
    ask(
      program,
      { version: 1, procedure: 6, args: [opaque("c1"), words(state)] },
      overUdp({ ...client, address: peer }),
    );
  /** As long as lockd is left alone after a word of one client. */
  const pauseMs = 10_000;

  test("lockd is told, with what it gave us to know the client by, once for each state", async () => {
    const calls: SeenCall[] = [];
    const clock = handClock();
    const { start, programAt, events } = given({
      clock,
      services: {
        "127.0.0.1:111": portmapper([], { ports: { [lockd]: 4_045 } }),
        "127.0.0.1:4045": (call) => {
          calls.push(call);
          return answers(call);
        },
      },
    });
    await start();
    const program = programAt("udp 0.0.0.0:32765");
    await monitor(program);
    for (const state of [3, 3, 5]) {
      await notice(program, state);
      await clock.pass(pauseMs);
    }
    expect(calls.map(({ version, procedure }) => [version, procedure])).toEqual([
      [3, 16],
      [3, 16],
    ]);
    const nine = 0x0909_0909;
    expect(calls[0]?.args.slice(-5)).toEqual([3, nine, nine, nine, nine]);
    expect(events).toEqual([
      { kind: "client-restarted", client: peer, isFreed: true },
      { kind: "client-restarted", client: peer, isFreed: true },
    ]);
  });

  test("of what a client says while lockd is told, the last word counts, after a pause", async () => {
    const states: (number | undefined)[] = [];
    const clock = handClock();
    const { start, programAt, events, tookMs } = given({
      clock,
      services: {
        "127.0.0.1:111": portmapper([], { ports: { [lockd]: 4_045 } }),
        "127.0.0.1:4045": (call) => {
          states.push(call.args.at(-5));
          return answers(call);
        },
      },
    });
    await start();
    const program = programAt("udp 0.0.0.0:32765");
    await monitor(program);
    await Promise.all([3, 5, 7, 9, 11].map((state) => notice(program, state)));
    await clock.pass(pauseMs);
    expect(states).toEqual([3, 11]);
    expect(events).toHaveLength(2);
    expect(tookMs()).toBe(pauseMs);
  });

  test("where lockd does not take it, the next word of the client is another try", async () => {
    let isRefusing = true;
    const clock = handClock();
    const { start, programAt, events } = given({
      clock,
      services: {
        "127.0.0.1:111": portmapper([], { ports: { [lockd]: 4_045 } }),
        "127.0.0.1:4045": (call) => (isRefusing ? [fragment(accepted(call.xid, 5))] : answers(call)),
      },
    });
    await start();
    const program = programAt("udp 0.0.0.0:32765");
    await monitor(program);
    for (let times = 0; times < 2; times++) {
      await notice(program, 3);
      await clock.pass(pauseMs);
      isRefusing = false;
    }
    expect(events.map((event) => event.kind === "client-restarted" && event.isFreed)).toEqual([false, true]);
  });
});
