// Which earlier counters traffic is measured against while somebody watches.
import type { Snapshot } from "./metrics.ts";

/** Counters that are younger say little; those that are older are of a time when nobody watched. */
const leastMs = 1_500;
const mostMs = 10_000;

/** Gives the function that keeps a snapshot and gives the one to compare it with; undefined where there is none. */
export function createPace(): (snapshot: Snapshot) => Snapshot | undefined {
  let older: Snapshot | undefined;
  let newer: Snapshot | undefined;
  return (snapshot) => {
    const agoMs = newer === undefined ? Number.POSITIVE_INFINITY : snapshot.nowMs - newer.nowMs;
    if (agoMs >= leastMs) {
      older = agoMs > mostMs ? undefined : newer;
      newer = snapshot;
    }
    return older;
  };
}
