// One attempt to have a share mounted: what is there already, the lock, the server, the mount call, and the proof.
import { isShareOf } from "../kinds/kinds.ts";
import { topMountOn } from "../shares/mountinfo.ts";
import type { Share } from "../shares/share.ts";
import type { AttemptPorts, AttemptResult } from "./attempt-ports.ts";
import { findMounted, lockedElsewhere, useLeftover } from "./leftover.ts";
import { prepareMountPoint, unusable } from "./mount-point.ts";
import type { Mounter } from "./ports.ts";
import { mountWhole } from "./whole.ts";

export async function attemptShare(
  ports: AttemptPorts,
  share: Share,
  attemptTimeoutMs: number,
  signal: AbortSignal,
  notYet: () => void,
): Promise<AttemptResult> {
  const { mounter } = ports;
  if (share.watchOnly) return findMounted(mounter, share, attemptTimeoutMs);
  const present = await useLeftover(ports, share, attemptTimeoutMs, notYet);
  if (present !== undefined) return present;
  const lock = ports.lock(share);
  if (lock.kind === "busy") return lockedElsewhere;
  if (lock.kind === "unavailable") ports.tell({ kind: "no-lock", share, reason: lock.reason });

  const prepare = () => prepareMountPoint(ports, share, attemptTimeoutMs);
  if (share.parent !== undefined && ports.lacksGuard(share)) {
    // The share above it is there: until the server of this one is as well, what is written here must not land on that.
    const prepared = await prepare();
    if (prepared.kind !== "prepared") return unusable(share, prepared);
    prepared.release();
  }

  // The server is asked while the mount point is made ready; the answer is judged below.
  signal.throwIfAborted();
  const unneeded = new AbortController();
  const askNoMore = () => unneeded.abort();
  signal.addEventListener("abort", askNoMore, { once: true });
  const asked = ports.serverReady(share, notYet, unneeded.signal);
  const forget = () => signal.removeEventListener("abort", askNoMore);
  asked.then(forget, forget);
  // A mount point on another share is looked at as late as can be: a look that is kept would hold that share busy.
  const early = share.parent === undefined ? await prepare() : undefined;
  if (early !== undefined && early.kind !== "prepared") {
    askNoMore();
    return unusable(share, early);
  }
  const ready = await asked;
  signal.throwIfAborted();
  const leave = await ports.enter(share);
  try {
    signal.throwIfAborted();
    const meanwhile = await useLeftover(ports, share, attemptTimeoutMs, notYet);
    if (meanwhile !== undefined) return meanwhile;

    const prepared = early ?? (await prepare());
    if (prepared.kind !== "prepared") return unusable(share, prepared);
    try {
      const round = () => mountWhole(ports, share, prepared.path, ready, attemptTimeoutMs, signal);
      return await (lock.kind === "locked" ? noted(lock.note, mounter, share, round) : round());
    } finally {
      prepared.release();
    }
  } finally {
    leave();
  }
}

/**
 * A round with its intent noted before a mount can come about: whoever kills us in between leaves one that is known as ours. The
 * note goes again with a round that has left nothing of ours.
 */
async function noted(
  note: (source: string | undefined) => void,
  mounter: Mounter,
  share: Share,
  round: () => Promise<AttemptResult>,
): Promise<AttemptResult> {
  note(share.label);
  const result = await round();
  const there = topMountOn(mounter.mounts(), share.realTarget);
  const isLeft = there !== undefined && isShareOf(there, share);
  const mayBeOurs = result.kind === "mounted" ? result.isOurs : result.failure.cutShort === true || isLeft;
  if (!mayBeOurs) note(undefined);
  return result;
}
