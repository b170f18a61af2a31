// The record of a share: what goes on with it, and what events make of it.
import { expect, test } from "vitest";
import { beginDoing, endDoing, enterEvent, manageShares, Overtaken } from "../../../src/lifecycle/managed-share.ts";
import { planOf } from "../fakes/shares.ts";

function twoRecords() {
  const shares = manageShares(planOf({ NFS_MOUNTS: "nas:/a /a; nas:/b /b" }).shares);
  const [a, b] = shares.all;
  if (a === undefined || b === undefined) throw new Error("two shares are needed");
  return { shares, a, b, whole: new AbortController() };
}

test("what begins with a share ends what went on with it, and with nothing else", () => {
  const { a, b, whole } = twoRecords();
  const [first, other] = [beginDoing(a, whole.signal), beginDoing(b, whole.signal)];
  const second = beginDoing(a, whole.signal);
  expect([first.aborted, second.aborted, other.aborted]).toEqual([true, false, false]);
  expect(first.reason).toBeInstanceOf(Overtaken);
});

test("what goes on with a share can be ended, and what has ended before is not touched again", () => {
  const { a, whole } = twoRecords();
  endDoing(a);
  const signal = beginDoing(a, whole.signal);
  expect(signal.aborted).toBe(false);
  endDoing(a);
  expect(signal.aborted).toBe(true);
});

test("everything ends with the whole, for the reason of that", () => {
  const { a, whole } = twoRecords();
  const signal = beginDoing(a, whole.signal);
  const reason = new Error("nfs-init ends");
  whole.abort(reason);
  expect(signal.reason).toBe(reason);
});

test("a share that comes, goes and comes back is another mount each time", () => {
  const { shares, a, b } = twoRecords();
  const mounted = { kind: "mounted", share: a.share, version: "4.2", isOurs: true, attempts: 1, elapsedMs: 1 } as const;
  enterEvent(a, mounted);
  expect(shares.mounted()).toEqual([a.share]);
  enterEvent(a, { kind: "away", share: a.share, reason: "its handle is stale" });
  expect({ waiting: shares.waiting(), reason: a.reason }).toEqual({
    waiting: [a.share, b.share],
    reason: "its handle is stale",
  });
  enterEvent(a, { kind: "back", share: a.share, isOurs: true });
  expect({ phase: a.phase, generation: a.generation }).toEqual({ phase: "mounted", generation: 2 });
  enterEvent(b, { kind: "given-up", share: b.share, reason: "bad option" });
  expect(shares.waiting()).toEqual([]);
});
