import { expect, test } from "vitest";
import { reasonClass, reasonLog } from "../../../src/wait/reasons.ts";

/** The times at which a reason is said of one server that is asked every 250 ms, `reasonAt` each. */
function saidMs(lastMs: number, reasonAt: (nowMs: number, round: number) => string): number[] {
  const reasons = reasonLog();
  const said: number[] = [];
  for (let nowMs = 0; nowMs <= lastMs; nowMs += 250) {
    if (reasons.isDue("nas", reasonAt(nowMs, nowMs / 250), nowMs)) said.push(nowMs);
  }
  return said;
}

test("a reason is said when it is new and when it changes", () => {
  const reasons = reasonLog();
  expect(reasons.isDue("nas", "refused", 0)).toBe(true);
  expect(reasons.isDue("nas", "refused", 250)).toBe(false);
  expect(reasons.isDue("nas", "unresolved", 500)).toBe(true);
});

test("reasons that alternate are said once each, and then every half minute one", () => {
  expect(saidMs(65_000, (_, round) => (round % 2 === 0 ? "refused" : "unresolved"))).toEqual([0, 250, 30_250, 60_250]);
});

test("a reason that comes back after half a minute is a change", () => {
  const turns = (nowMs: number) => (nowMs >= 1_000 && nowMs < 41_000 ? "unresolved" : "refused");
  expect(saidMs(45_000, turns)).toEqual([0, 1_000, 31_000, 41_000]);
});

test("an address that is another one each time is no new reason", () => {
  expect(saidMs(31_000, (_, round) => `port 2049 of 10.0.0.${round}: connection refused`)).toEqual([0, 30_000]);
});

test("a server that says something else each time gets no line for each", () => {
  const words = (_: number, round: number) => `it says ${"x".repeat(round)}`;
  expect(saidMs(29_000, words)).toHaveLength(8);
});

test.each([
  ["port 2049 of 10.0.0.1: connection refused", "port 2049 of 10.0.0.2: connection refused"],
  ["port 2049 of fe80::1%eth0: no answer", "port 2049 of 2001:db8::7:1: no answer"],
  ["port 2049 of ::1: no answer", "port 2049 of ::ffff:10.0.0.1: no answer"],
  ["mountd of 10.0.0.1: port 40001: no answer", "mountd of 10.0.0.1: port 35111: no answer"],
  ['rpcbind names the address "a"', 'rpcbind names the address "b c"'],
])("%s and %s are of one class", (one, other) => {
  expect(reasonClass(one)).toBe(reasonClass(other));
});

test.each([
  ["port 2049 of 10.0.0.1: connection refused", "port 2049 of 10.0.0.1: connection timed out"],
  ["cannot resolve nas: name not known", "cannot resolve nas: name server does not answer"],
  ["NFS 3 of 10.0.0.1: rpcbind: no answer", "mountd of 10.0.0.1: rpcbind: no answer"],
])("%s and %s are of two", (one, other) => {
  expect(reasonClass(one)).not.toBe(reasonClass(other));
});

test("a reason that lasts is said every half minute", () => {
  expect(saidMs(90_000, () => "refused")).toEqual([0, 30_000, 60_000, 90_000]);
});

test("each server has reasons of its own", () => {
  const reasons = reasonLog();
  expect(reasons.isDue("one", "refused", 0)).toBe(true);
  expect(reasons.isDue("two", "refused", 0)).toBe(true);
  expect(reasons.isDue("one", "unresolved", 1)).toBe(true);
  expect(reasons.isDue("two", "refused", 1)).toBe(false);
});
