// The counters of the NFS client: texts of a real kernel, and texts that are odd.
import { describe, expect, test } from "vitest";
import { parseMountstats, retransmissionsOf, statsOn, trafficOf } from "../../../src/report/mountstats.ts";
import { labTarget, mountstatsText } from "./statuses.ts";

function onlyRecord(text: string) {
  const [record, ...others] = parseMountstats(text);
  if (record === undefined || others.length > 0) throw new Error("not one record");
  return record;
}

describe("the text of a real kernel", () => {
  test("is read for version 3 with two connections", () => {
    const { operations, ...record } = onlyRecord(mountstatsText("3"));
    expect(record).toEqual({
      source: "10.77.0.1:/srv/exp",
      target: labTarget,
      ageMs: 0,
      readBytes: 300_006,
      writtenBytes: 300_000,
      serverReadBytes: 6,
      serverWrittenBytes: 300_000,
      connects: 4,
      sends: 29,
      receives: 29,
    });
    expect(operations.map(({ name }) => name)).toEqual(
      "NULL GETATTR LOOKUP ACCESS READ WRITE CREATE REMOVE READDIRPLUS FSSTAT FSINFO PATHCONF COMMIT".split(" "),
    );
    expect(operations.find(({ name }) => name === "LOOKUP")).toEqual({
      name: "LOOKUP",
      operations: 2,
      transmissions: 2,
      timeouts: 0,
      sentBytes: 180,
      receivedBytes: 344,
      queueMs: 0,
      rttMs: 0,
      executionMs: 0,
      errors: 1,
    });
  });

  test("is read for version 4.2", () => {
    const record = onlyRecord(mountstatsText("4.2"));
    expect(record).toMatchObject({ connects: 2, sends: 46, receives: 46, writtenBytes: 300_000 });
    expect(record.operations.find(({ name }) => name === "ACCESS")).toMatchObject({ rttMs: 8, executionMs: 8 });
    expect(record.operations).toHaveLength(18);
  });
});

const record = (lines: string, target = "/a") =>
  `device nas:/x mounted on ${target} with fstype nfs4 statvers=1.1\n\tage:\t90\n${lines}\n`;

describe("an odd text", () => {
  test.each([
    ["nothing", ""],
    ["local file systems", "device tmpfs mounted on /a with fstype tmpfs\nno device mounted on /b with fstype proc\n"],
    ["a line cut short", "device nas:/x mounted on"],
    ["a file system like NFS", "device nas:/x mounted on /a with fstype nfsd statvers=1.1\n"],
  ])("without a record has none: %s", (_, text) => {
    expect(parseMountstats(text)).toEqual([]);
  });

  test("counts what is absent or no number as 0", () => {
    expect(onlyRecord(record("\tbytes:\tmany"))).toMatchObject({
      ageMs: 90_000,
      readBytes: 0,
      operations: [],
      sends: 0,
    });
  });

  test("has its names unescaped", () => {
    expect(onlyRecord(record("", String.raw`/with\040blank`)).target).toBe("/with blank");
  });

  test("of an old kernel has no errors", () => {
    const [read] = onlyRecord(record("\tper-op statistics\n\t        READ: 4 6 1 10 20 1 2 3")).operations;
    expect(read).toEqual({
      name: "READ",
      operations: 4,
      transmissions: 6,
      timeouts: 1,
      sentBytes: 10,
      receivedBytes: 20,
      queueMs: 1,
      rttMs: 2,
      executionMs: 3,
      errors: undefined,
    });
  });

  test("has udp's shorter line", () => {
    expect(onlyRecord(record("\txprt:\tudp 800 1 30 29 0 30 0 2 0 0"))).toMatchObject({
      connects: 0,
      sends: 30,
      receives: 29,
    });
  });

  test("finds the mount that was made last on a target", () => {
    const records = parseMountstats(
      record("\tbytes:\t1 0 0 0 0 0") + record("", "/b") + record("\tbytes:\t2 0 0 0 0 0"),
    );
    expect(statsOn(records, "/a")?.readBytes).toBe(2);
    expect(statsOn(records, "/c")).toBeUndefined();
  });
});

describe("traffic", () => {
  const at = (ageS: number, operation: string) =>
    onlyRecord(record(`\tper-op statistics\n\t        READ: ${operation}`).replace("\t90\n", `\t${ageS}\n`));
  const early = at(100, "100 104 2 1000 2000 5 300 400 0");
  const late = at(110, "150 160 3 1500 9000 6 800 900 0");

  test("is an average since the mount", () => {
    expect(trafficOf(early)).toEqual({
      spanMs: 100_000,
      operations: 100,
      retransmissions: 4,
      timeouts: 2,
      sentBytes: 1_000,
      receivedBytes: 2_000,
      operationsPerSecond: 1,
      averageRttMs: 3,
    });
  });

  test("is a rate between two moments", () => {
    expect(trafficOf(late, { stats: early, agoMs: 10_000 })).toEqual({
      spanMs: 10_000,
      operations: 50,
      retransmissions: 6,
      timeouts: 1,
      sentBytes: 500,
      receivedBytes: 7_000,
      operationsPerSecond: 5,
      averageRttMs: 10,
    });
  });

  test.each([
    ["younger", at(3, "30 30 0 1 1 1 60 60 0")],
    ["as old, with fewer operations", at(100, "30 30 0 1 1 1 60 60 0")],
  ])("is since the mount where that is another one: %s", (_, fresh) => {
    const traffic = trafficOf(fresh, { stats: early, agoMs: 2_000 });
    expect(traffic).toMatchObject({ operations: 30, averageRttMs: 2 });
  });

  test("of a mount without operations has no round-trip time", () => {
    const idle = onlyRecord(record(""));
    expect(trafficOf(idle)).toMatchObject({ operations: 0, operationsPerSecond: 0, averageRttMs: undefined });
    expect(trafficOf({ ...idle, ageMs: 0 })).toMatchObject({ operationsPerSecond: 0 });
  });

  test("has no retransmission in an operation that is under way", () => {
    expect(retransmissionsOf({ ...early.operations[0]!, operations: 3, transmissions: 2 })).toBe(0);
  });
});
