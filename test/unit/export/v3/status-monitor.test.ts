import { describe, expect, test } from "vitest";
import type { Monitored, MonitorRecords } from "../../../../src/export/v3/monitor-records.ts";
import { statusMonitor } from "../../../../src/export/v3/status-monitor.ts";
import type { Caller } from "../../../../src/rpc/service.ts";
import { opaque, words } from "../../fakes/server.ts";
import { ask, client, garbage, kernel, overUdp, result, somebody, tooWeak } from "./asked.ts";

const priv = Uint8Array.from({ length: 16 }, (_, at) => at * 16);
const record = (name: string, procedure = 16): Monitored => ({
  name,
  myName: "srv",
  program: 100_021,
  version: 3,
  procedure,
  priv: "00102030405060708090a0b0c0d0e0f0",
});
const myId = (procedure = 16) => [opaque("srv"), words(100_021, 3, procedure)];
const monId = (name: string, procedure = 16) => [opaque(name), ...myId(procedure)];

function served(start: Partial<MonitorRecords> = {}) {
  const saved: MonitorRecords[] = [];
  const restarts: unknown[] = [];
  const disk = { isFull: false };
  let crashes = 0;
  const monitor = statusMonitor(
    { state: 7, monitored: [], toNotify: [], ...start },
    {
      save: (records) => {
        if (disk.isFull) throw new Error("no space");
        saved.push(records);
      },
      onRestarted: ({ name }, state) => restarts.push([name, state]),
      onCrashSimulated: () => (crashes += 1),
    },
  );
  const call = (procedure: number, args: readonly Uint8Array[] = [], caller: Caller = overUdp(kernel)) =>
    ask(monitor.program, { version: 1, procedure, args }, caller);
  return { monitor, saved, restarts, disk, call, crashes: () => crashes };
}

const [stat, mon, unmon, unmonAll, simulateCrash, notify] = [1, 2, 3, 4, 5, 6] as const;
const succeeded = result(words(0, 7));

describe("for lockd", () => {
  test("a host is monitored once it is kept, and no longer after UNMON", async () => {
    const { monitor, saved, call } = served();
    expect(await call(mon, [...monId("192.0.2.7"), priv])).toEqual(succeeded);
    expect(saved).toEqual([{ state: 7, monitored: [record("192.0.2.7")], toNotify: [] }]);
    expect(await call(unmon, monId("192.0.2.7"))).toEqual(result(words(7)));
    expect(monitor.records().monitored).toEqual([]);
    expect(saved.at(-1)).toEqual(monitor.records());
  });

  test("the same again is kept once, and not written again", async () => {
    const { monitor, saved, call } = served();
    for (let times = 0; times < 3; times++) await call(mon, [...monId("192.0.2.7"), priv]);
    expect([monitor.records().monitored.length, saved.length]).toEqual([1, 1]);
    // Another private word takes the place of the old one.
    await call(mon, [...monId("192.0.2.7"), new Uint8Array(16)]);
    expect(monitor.records().monitored).toEqual([{ ...record("192.0.2.7"), priv: "0".repeat(32) }]);
  });

  test("what cannot be kept is refused: such a lock would be lost with a restart", async () => {
    const { monitor, disk, call } = served();
    disk.isFull = true;
    expect(await call(mon, [...monId("192.0.2.7"), priv])).toEqual(result(words(1, 7)));
    expect(monitor.records().monitored).toEqual([]);
  });

  test("UNMON and UNMON_ALL take away what they name and nothing else", async () => {
    const monitored = [record("192.0.2.7"), record("192.0.2.8"), record("192.0.2.7", 17)];
    const { monitor, call } = served({ monitored });
    await call(unmon, monId("192.0.2.9"));
    await call(unmon, monId("192.0.2.7", 17));
    expect(monitor.records().monitored).toEqual(monitored.slice(0, 2));
    expect(await call(unmonAll, myId())).toEqual(result(words(7)));
    expect(monitor.records().monitored).toEqual([]);
  });

  test("STAT tells the state", async () => {
    expect(await served().call(stat, [opaque("192.0.2.7")])).toEqual(succeeded);
  });

  test("SIMU_CRASH makes a new state, and everybody who is monitored is to be told", async () => {
    const { monitor, call, crashes } = served({ monitored: [record("192.0.2.7"), record("192.0.2.7", 17)] });
    expect(await call(simulateCrash)).toEqual(result());
    expect(monitor.records()).toMatchObject({ state: 9, toNotify: ["192.0.2.7"] });
    expect(crashes()).toBe(1);
  });

  test("arguments cut short are garbage and change nothing", async () => {
    const { saved, call } = served();
    expect(await call(mon, [...monId("192.0.2.7"), new Uint8Array(12)])).toEqual(garbage);
    expect(await call(mon, [opaque("x".repeat(1_025)), ...myId(), priv])).toEqual(garbage);
    expect(saved).toEqual([]);
  });

  test("there is an end to how many are monitored", async () => {
    const monitored = Array.from({ length: 4_096 }, (_, index) => record(`192.0.${index >> 8}.${index & 255}`));
    const { monitor, call } = served({ monitored });
    expect(await call(mon, [...monId("198.51.100.1"), priv])).toEqual(result(words(1, 7)));
    expect(monitor.records().monitored).toHaveLength(4_096);
  });

  test.each([
    ["a stranger", client],
    ["a process that is not root's", somebody],
  ])("%s can do none of it", async (_name, caller) => {
    const { monitor, call } = served({ monitored: [record("192.0.2.7")] });
    expect(await call(stat, [opaque("x")], caller)).toEqual(tooWeak);
    expect(await call(mon, [...monId("192.0.2.8"), priv], caller)).toEqual(tooWeak);
    expect(await call(unmon, monId("192.0.2.7"), caller)).toEqual(tooWeak);
    expect(await call(unmonAll, myId(), caller)).toEqual(tooWeak);
    expect(await call(simulateCrash, [], caller)).toEqual(tooWeak);
    expect(monitor.records()).toEqual({ state: 7, monitored: [record("192.0.2.7")], toNotify: [] });
  });
});

describe("a host that has started again", () => {
  const monitored = [record("192.0.2.7"), record("192.0.2.8"), record("nas")];

  test.each([
    ["is known by its address, whatever it calls itself", "whatever", client, [["192.0.2.7", 3]]],
    ["cannot speak for another address", "192.0.2.8", { ...client, address: "203.0.113.5" }, []],
    ["is known by its name where lockd knows it so", "nas", { ...client, address: "203.0.113.5" }, [["nas", 3]]],
    ["that nobody asked about is of no interest", "other", { ...client, address: "203.0.113.5" }, []],
  ])("%s", async (_name, name, caller, expected) => {
    const { restarts, call } = served({ monitored });
    expect(await call(notify, [opaque(name), words(3)], overUdp(caller))).toEqual(result());
    expect(restarts).toEqual(expected);
  });
});

test("peers that have been told are told no more", () => {
  const { monitor, saved } = served({ toNotify: ["192.0.2.7", "192.0.2.8"] });
  monitor.forget(["192.0.2.7"]);
  expect(saved).toEqual([{ state: 7, monitored: [], toNotify: ["192.0.2.8"] }]);
  monitor.forget(["192.0.2.7"]);
  expect(saved).toHaveLength(1);
});
