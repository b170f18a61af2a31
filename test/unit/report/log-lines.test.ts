// The lines of what happens to shares: what is said of a state, what is said of nothing, and what is not said each time.
import { describe, expect, test } from "vitest";
import { lineGate, logLinesOf } from "../../../src/report/log-lines.ts";
import { sharesOf, waitingReason, type ShareEvent } from "../../../src/report/events.ts";
import { questionOf } from "../../../src/kinds/nfs/question.ts";
import type { ShareChange } from "../../../src/watch/watch.ts";
import { shareOf } from "../fakes/shares.ts";

const share = shareOf();
const about = { source: "nas:/export", target: "/mnt/data" };
const hourMs = 3_600_000;

describe("a state that began", () => {
  test.each<[string, Partial<ShareChange>, string, string]>([
    ["healthy after it was read-only", { to: "healthy" }, "info", "the share is writable again"],
    ["healthy after it did not answer", { to: "healthy", awayMs: 1_500.4 }, "info", "the share answers again"],
    ["read-only", { to: "read-only" }, "warn", "the share can no longer be written to"],
    ["unresponsive", { to: "unresponsive" }, "warn", "the share does not answer although its server does"],
    ["server-gone", { to: "server-gone" }, "warn", "the server of the share does not answer, waiting for it"],
    ["stale", { to: "stale" }, "warn", "the share has failed"],
    ["missing", { to: "missing" }, "warn", "the share has failed"],
    ["replaced", { to: "replaced" }, "warn", "the share has failed"],
    ["a loss, whatever the state", { to: "unresponsive", lost: "too long" }, "error", "a share is lost"],
  ])("is one line of the watch: %s", (_, change, level, message) => {
    const event: ShareEvent = { kind: "changed", share, from: "healthy", to: "healthy", ...change };
    expect(logLinesOf(event, 0)).toMatchObject([
      { level, message, fields: { stage: "watch", ...about, state: change.to } },
    ]);
  });

  test("says how long the share was away, in whole milliseconds, and why it is lost", () => {
    const [back] = logLinesOf({ kind: "changed", share, from: "stale", to: "healthy", awayMs: 1_500.4 }, 9);
    const [lost] = logLinesOf({ kind: "changed", share, from: "stale", to: "stale", lost: "its handle is stale" }, 9);
    expect([back?.fields["elapsedMs"], lost?.fields.reason]).toEqual([1_500, "its handle is stale"]);
  });
});

test.each<ShareEvent>([
  { kind: "restarted" },
  { kind: "away", share, reason: "its handle is stale" },
  { kind: "back", share, isOurs: true },
  { kind: "looked", share, state: "healthy", lost: undefined, probeMs: 3, space: undefined },
  { kind: "unmounted", share, result: "gone" },
  { kind: "server-not-ready", question: questionOf(share), shares: [], reason: "connection refused" },
])("nothing is said of $kind: others tell of it, or there is nothing to tell", (event) => {
  expect(logLinesOf(event, 0)).toEqual([]);
});

test("a share that could not be mounted afresh is an error with its reason", () => {
  expect(logLinesOf({ kind: "remount-failed", share, reason: "EMFILE" }, 0)).toEqual([
    {
      level: "error",
      message: "a share could not be mounted afresh",
      fields: { stage: "watch", ...about, reason: "EMFILE" },
    },
  ]);
});

describe("what repeats itself", () => {
  const other = shareOf({ NFS_MOUNT_POINT: "/mnt/other" });

  test("is said once an hour of a share that stays full, and of each by itself", () => {
    const isDue = lineGate();
    const full = (of: typeof share, nowMs: number) => isDue({ kind: "full", share: of, errno: "ENOSPC" }, nowMs);
    expect([full(share, 0), full(other, 1), full(share, hourMs - 1)]).toEqual([true, true, false]);
    // It is full all the time: the hour counts from the last look that found it so.
    expect([full(share, hourMs), full(share, 2 * hourMs)]).toEqual([false, true]);
  });

  test("is never said again of a mount point that is not empty", () => {
    const isDue = lineGate();
    const notEmpty = (nowMs: number) => isDue({ kind: "not-empty", share }, nowMs);
    expect([notEmpty(0), notEmpty(10 * hourMs)]).toEqual([true, false]);
  });

  test("is said of a server whose shares have gone elsewhere no more", () => {
    const event = { kind: "server-not-ready", question: questionOf(share), reason: "connection refused" } as const;
    const isDue = lineGate();
    expect([isDue({ ...event, shares: [] }, 0), isDue({ ...event, shares: [share] }, 0)]).toEqual([false, true]);
  });

  test("is said each time of what happens to a share", () => {
    const isDue = lineGate();
    const unmounted = { kind: "unmounted", share, result: "unmounted" } as const;
    expect([isDue(unmounted, 0), isDue(unmounted, 0)]).toEqual([true, true]);
  });
});

describe("an event", () => {
  test.each<[ShareEvent, string | undefined]>([
    [{ kind: "path-not-ready", share, reason: "no such path" }, "no such path"],
    [{ kind: "given-up", share, reason: "bad option" }, "bad option"],
    [{ kind: "away", share, reason: "its handle is stale" }, "its handle is stale"],
    [{ kind: "attempt-failed", share, failure: { prospect: "transient", reason: "refused" }, attempt: 2 }, "refused"],
    [
      { kind: "pending", share, version: "4.2", forMs: 15_400 },
      "the mount call of version 4.2 has not ended after 15 s",
    ],
    [{ kind: "not-empty", share }, undefined],
    [{ kind: "back", share, isOurs: true }, undefined],
  ])("of $kind says why the share is not mounted, or nothing of that: %s", (event, reason) => {
    expect(waitingReason(event)).toBe(reason);
  });

  test("is about its share, about all that wait for one server, or about none", () => {
    const question = questionOf(share);
    expect(sharesOf({ kind: "not-empty", share })).toEqual([share]);
    expect(sharesOf({ kind: "server-not-ready", question, shares: [share, share], reason: "x" })).toHaveLength(2);
    expect(sharesOf({ kind: "restarted" })).toEqual([]);
  });
});
