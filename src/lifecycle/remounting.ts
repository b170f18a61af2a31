// Mounts a lost share afresh, with everything below it.
import { AppError, exitCodes } from "../errors.ts";
import { isShareMount, isShareOf } from "../kinds/kinds.ts";
import { detachMount } from "../mount/umount.ts";
import { topMountOn } from "../shares/mountinfo.ts";
import type { Share } from "../shares/share.ts";
import { questionOf } from "../kinds/servers.ts";
import { establishShares, type Establishing } from "./establish.ts";
import { beginDoing, endDoing, isAtOrBelow, Overtaken } from "./managed-share.ts";
import type { Mounting } from "./mounting.ts";
import { enterTarget, letGo, sayWhatGoes } from "./take-down.ts";

/** What became of a lost share. */
export type Remounted =
  /** Mounted afresh, it and what lies below it. */
  | "remounted"
  /** It answered again before anything was done. */
  | "recovered"
  /** Another share's loss took it along: that one's fresh mount is its own. */
  | "overtaken";

/** A hard mount goes on so soon after its server is back: 0.4 s as a rule, some seconds after a longer absence. */
const goesOnMs = 5_000;

/** More mounts than this on top of one another are not ours to clear away. */
const mostLayers = 10;

/**
 * Waits until the server of a lost share answers, detaches the share with everything below it, and mounts all of that afresh.
 * `onBegun` is told of what goes on in the background from then on. Rejects with an AppError where it cannot be mounted any more.
 */
export async function remountTree(
  mounting: Mounting,
  lost: Share,
  reason: string,
  onBegun: (establishing: Establishing) => void,
): Promise<Remounted> {
  if (lost.watchOnly) {
    const hint = "whoever mounts it has to mount it afresh; start again then";
    throw new AppError(`${lost.label} on ${lost.target} is only watched: ${reason}`, exitCodes.lost, { hint });
  }
  const { plan, settings, shares, waiter, signal } = mounting;
  const own = beginDoing(shares.of(lost), signal);
  const tree = plan.shares.filter((share) => isAtOrBelow(share, lost));
  const before = takeAway(mounting, tree, reason);
  const isServed = waiter.ready(questionOf(lost), () => {}, own).then(() => true);
  if (!(await isServed.catch(() => false))) {
    signal.throwIfAborted();
    return "overtaken";
  }
  const cleared = await clearTree(mounting, lost, tree, before, reason, own);
  if (cleared !== "cleared") return cleared;
  // What was there before is waited for, nofail or not.
  const isOptional = (share: Share) => share.nofail && shares.of(share).generation === 0;
  const again = establishShares(mounting.establish, { shares: tree }, settings, isOptional);
  onBegun(again);
  try {
    await again.ready;
  } catch (error) {
    if (error instanceof Overtaken) return "overtaken";
    throw error;
  }
  return "remounted";
}

/** Detaches the tree of a lost share, unless it answers again or is looked after by somebody else. */
async function clearTree(
  mounting: Mounting,
  lost: Share,
  tree: readonly Share[],
  before: readonly Share[],
  reason: string,
  own: AbortSignal,
): Promise<"cleared" | Exclude<Remounted, "remounted">> {
  const { shares, tell } = mounting;
  const isOvertaken = () => own.aborted;
  const leave = await enterTarget(mounting, lost);
  try {
    if (isOvertaken()) return "overtaken";
    // A hard mount goes on by itself once its server is back, and another instance may have been quicker.
    if (await answersAgain(mounting, lost)) {
      for (const share of before) tell({ kind: "back", share, isOurs: shares.of(share).isMade });
      return "recovered";
    }
    if (isOvertaken()) return "overtaken";
    const below = tree.filter((share) => share !== lost);
    await takeAlong(mounting, below, reason);
    for (const share of tree) await letGo(shares.of(share));
    await detach(mounting, lost);
  } finally {
    leave();
  }
  return isOvertaken() ? "overtaken" : "cleared";
}

/** Takes shares for away; gives those that were mounted until now. */
function takeAway({ shares, tell }: Mounting, tree: readonly Share[], reason: string): readonly Share[] {
  const taken = tree.filter((share) => shares.of(share).phase === "mounted");
  for (const share of taken) tell({ kind: "away", share, reason });
  return taken;
}

/** Ends what goes on with shares that will go with the one above them. */
async function takeAlong(mounting: Mounting, below: readonly Share[], reason: string): Promise<void> {
  const { shares, clock, settings } = mounting;
  for (const share of below) endDoing(shares.of(share));
  takeAway(mounting, below, reason);
  const ended = Promise.all(below.flatMap((share) => shares.of(share).changing ?? []));
  await Promise.race([ended, clock.sleep(settings.attemptTimeoutMs)]);
}

async function answersAgain({ mounter, settings }: Mounting, share: Share): Promise<boolean> {
  const there = topMountOn(mounter.mounts(), share.realTarget);
  if (there === undefined || !isShareOf(there, share)) return false;
  // Where no process can be started to look, nothing is known but that it was lost.
  const timeoutMs = Math.max(settings.watchTimeoutMs, goesOnMs);
  const seen = await mounter.look(share.realTarget, false, timeoutMs).catch(() => undefined);
  return seen?.kind === "answers";
}

async function detach(mounting: Mounting, share: Share): Promise<void> {
  const { mounter, clock, settings } = mounting;
  for (let layers = 0; layers < mostLayers; layers++) {
    const there = topMountOn(mounter.mounts(), share.realTarget);
    if (there === undefined || !isShareMount(there) || !isShareOf(there, share)) return;
    if (layers === 0) sayWhatGoes(mounting, share);
    if (!(await detachMount(mounter, clock, there, settings.attemptTimeoutMs))) return;
  }
}
