// A share that others lie below is mounted aside, with the guards that lie on it, and moved to its mount point as a whole.
import type { ReadyServer } from "../kinds/mounting.ts";
import { isShareOf } from "../kinds/kinds.ts";
import { topMountOn } from "../shares/mountinfo.ts";
import type { Share } from "../shares/share.ts";
import { isNotStarted } from "./answers.ts";
import { failed, type AttemptPorts, type AttemptResult } from "./attempt-ports.ts";
import { mountRound } from "./round.ts";

/** Mounts the share so that it is never seen without the guards that lie on it. */
export async function mountWhole(
  ports: AttemptPorts,
  share: Share,
  mountPoint: string,
  ready: ReadyServer,
  attemptTimeoutMs: number,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const { aside, mounter } = ports;
  const place = await aside.open(share);
  if (place === undefined) {
    const inPlace = { path: mountPoint, seenAt: share.realTarget };
    return mountRound(ports, share, inPlace, ready, attemptTimeoutMs, signal);
  }
  try {
    const result = await mountRound(ports, share, { path: place, seenAt: place }, ready, attemptTimeoutMs, signal);
    if (result.kind === "failed") return result;
    const unguarded = await aside.guardBelow(share, place);
    if (unguarded !== undefined) return failed(unguarded);
    signal.throwIfAborted();
    const moved = await mounter.move(place, mountPoint, attemptTimeoutMs);
    if (moved.kind === "done") {
      const there = topMountOn(mounter.mounts(), share.realTarget);
      if (there !== undefined && isShareOf(there, share)) return result;
      return failed(`it was moved to its mount point, but mountinfo does not show it on ${share.realTarget}`);
    }
    if (moved.kind === "failed") aside.refuse(share, moved.errno);
    const reason = `it could not be moved to its mount point: ${moved.kind === "failed" ? moved.errno : (moved.notStarted ?? "no answer in time")}`;
    // What gave no answer may come about after all.
    return {
      kind: "failed",
      failure: { prospect: "transient", reason, cutShort: moved.kind === "no-answer" && !isNotStarted(moved) },
    };
  } finally {
    await aside.close(share);
  }
}
