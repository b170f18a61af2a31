// The document of `status --json` and /mounts, and the table of `status`.
import { describe, expect, test } from "vitest";
import { describeStatus } from "../../../src/report/document.ts";
import { parseMountstats } from "../../../src/report/mountstats.ts";
import { formatBytes, formatSpan, formatTable } from "../../../src/report/table.ts";
import { instanceStatus, labTarget, mountstatsText, shareStatus } from "./statuses.ts";

const mountstats = parseMountstats(mountstatsText("4.2").replace("age:\t0", "age:\t20"));
const now = { nowMs: 100_500, mountstats };
const waiting = shareStatus({
  target: "/b",
  realTarget: "/b",
  phase: "waiting",
  sinceMs: 40_000,
  version: undefined,
  isOurs: false,
  reason: "connection refused",
  answeredMs: undefined,
  probeMs: undefined,
  space: undefined,
});

describe("the document", () => {
  test("has spans in place of times, and the traffic since the mount", () => {
    const share = shareStatus({ realTarget: labTarget, remounts: 1, remountedMs: 60_000 });
    expect(describeStatus(instanceStatus([share], { restarts: 2 }), now)).toEqual({
      schemaVersion: 1,
      version: "1.2.3",
      role: "run",
      upMs: 99_500,
      ageMs: 500,
      restarts: 2,
      shares: [
        {
          source: "nas:/export",
          target: "/mnt/data",
          version: "4.2",
          state: "healthy",
          stateForMs: 98_500,
          reason: null,
          isReady: true,
          isLost: false,
          isOurs: true,
          nofail: false,
          answeredAgoMs: 1_500,
          probeMs: 4.3,
          notReadyMs: 0,
          remounts: 1,
          remountedAgoMs: 40_500,
          space: { totalBytes: 1_000, freeBytes: 400, availableBytes: 300 },
          traffic: {
            spanMs: 20_000,
            operations: 26,
            operationsPerSecond: 1.3,
            averageRttMs: 12 / 26,
            retransmissions: 0,
            timeouts: 0,
            sentBytes: 304_504,
            receivedBytes: 4_992,
          },
        },
      ],
    });
  });

  test("has null for what is not known", () => {
    const [share] = describeStatus(instanceStatus([waiting]), now).shares;
    expect(share).toMatchObject({
      version: null,
      state: "waiting",
      reason: "connection refused",
      answeredAgoMs: null,
      probeMs: null,
      remountedAgoMs: null,
      space: null,
      traffic: null,
    });
  });

  test("has the traffic between two moments", () => {
    const share = shareStatus({ realTarget: labTarget });
    const before = { nowMs: 98_500, mountstats };
    const [described] = describeStatus(instanceStatus([share]), now, before).shares;
    expect(described?.traffic).toMatchObject({ spanMs: 2_000, operations: 0, averageRttMs: null });
  });

  test("survives JSON", () => {
    const document = describeStatus(instanceStatus([shareStatus(), waiting]), now);
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });
});

describe("the table", () => {
  const lost = shareStatus({ target: "/c\nd", phase: "stale", isLost: true, reason: "its handle is stale" });
  const document = describeStatus(instanceStatus([shareStatus({ realTarget: labTarget }), waiting, lost]), now);

  test("has a row a share, and the reason below", () => {
    expect(formatTable(document, { hasColours: false })).toBe(
      [
        "nfs-init 1.2.3 run, up 1m 39s",
        "",
        "SHARE        MOUNT POINT  VERSION  STATE         SINCE          USED   FREE  OPS/S      RTT  RETRANS",
        "nas:/export  /mnt/data    4.2      healthy      1m 38s  600 B (67 %)  300 B   1.30  0.46 ms        0",
        "nas:/export  /b           -        waiting          1m             -      -      -        -        -",
        "  connection refused",
        String.raw`nas:/export  /c\u000ad    4.2      stale, lost  1m 38s  600 B (67 %)  300 B      -        -        -`,
        "  its handle is stale",
        "",
      ].join("\n"),
    );
  });

  test("has the same text in colours", () => {
    const coloured = formatTable(document, { hasColours: true });
    expect(coloured).toContain("\u001b[32mhealthy");
    expect(coloured).toContain("\u001b[31mstale, lost");
    // oxlint-disable-next-line no-control-regex
    const plain = coloured.replaceAll(/\u001b\[\d+m/g, "");
    expect(plain).toBe(formatTable(document, { hasColours: false }));
  });

  test("says how often the process was started again, and that there are no shares", () => {
    const once = describeStatus(instanceStatus([], { restarts: 1 }), now);
    expect(formatTable(once, { hasColours: true })).toBe(
      "nfs-init 1.2.3 run, up 1m 39s, process started again once\nno shares\n",
    );
    expect(formatTable({ ...once, restarts: 3 }, { hasColours: false })).toContain("again 3 times");
  });
});

test.each([
  [0, "0s"],
  [999, "0s"],
  [59_000, "59s"],
  [60_000, "1m"],
  [192_000, "3m 12s"],
  [3_600_000, "1h"],
  [7_501_000, "2h 5m"],
  [356_400_000, "4d 3h"],
])("%d ms are %s", (ms, text) => {
  expect(formatSpan(ms)).toBe(text);
});

test.each([
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_536, "1.50 KiB"],
  [12_884_901_888, "12.0 GiB"],
  [513_015_808, "489 MiB"],
  [2 ** 60, "1.00 EiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
