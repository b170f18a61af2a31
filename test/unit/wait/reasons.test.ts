import { expect, test } from "vitest";
import { reasonLog } from "../../../src/wait/reasons.ts";

test("a reason is said when it is new and when it changes", () => {
  const reasons = reasonLog();
  expect(reasons.isDue("nas", "refused", 0)).toBe(true);
  expect(reasons.isDue("nas", "refused", 250)).toBe(false);
  expect(reasons.isDue("nas", "unresolved", 500)).toBe(true);
  expect(reasons.isDue("nas", "refused", 750)).toBe(true);
});

test("a reason that lasts is said every half minute", () => {
  const reasons = reasonLog();
  const saidMs: number[] = [];
  for (let nowMs = 0; nowMs <= 90_000; nowMs += 250) if (reasons.isDue("nas", "refused", nowMs)) saidMs.push(nowMs);
  expect(saidMs).toEqual([0, 30_000, 60_000, 90_000]);
});

test("each server has reasons of its own", () => {
  const reasons = reasonLog();
  expect(reasons.isDue("one", "refused", 0)).toBe(true);
  expect(reasons.isDue("two", "refused", 0)).toBe(true);
  expect(reasons.isDue("one", "unresolved", 1)).toBe(true);
  expect(reasons.isDue("two", "refused", 1)).toBe(false);
});
