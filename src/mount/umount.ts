// Takes a share down on the way out: plain, then lazy, all of it within one budget of time.
import { isOnTop, isShared, mountAround, topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import { isShareOf } from "../kinds/kinds.ts";
import { sharesAbove, type Share } from "../shares/share.ts";
import type { Clock } from "../clock.ts";
import type { Mounter, PathAnswer } from "./ports.ts";

/** What was done; `gone` where mountinfo showed nothing of ours any more. */
export type UmountResult =
  | "unmounted"
  | "detached"
  | "gone"
  | "left"
  /** It propagates to other mount namespaces, and one of them uses it. */
  | "in-use";

/** Whether what is mounted on `target` will propagate to other mount namespaces: the mount it lies on does. */
export function isPropagated(mounts: readonly MountRecord[], target: string): boolean {
  const holder = mountAround(mounts, target);
  return holder !== undefined && isShared(holder);
}

/** Time one call is given when the budget is used up: a lazy unmount does not wait for the server, nor does the answer that a mount is busy. */
const leastMs = 500;

/** How long a mount that propagates may be busy before it counts as in use: a process that lists a directory is through by then. */
const busyMs = 1_000;
const busyPauseMs = 50;

/** How soon a process is tried to be started again where none could be: those of a COMMAND that has ended are gone in a moment. */
const crowdedPauseMs = 50;

/** What an unmounter calls. Without `umountHere` nothing is unmounted where no process can be started for it. */
export type UnmounterPorts = Pick<Mounter, "mounts" | "umount"> & Partial<Pick<Mounter, "umountHere">>;

/** umount2(2) for what asks no server; in this process where none can be started for it. */
export async function umountLocal(
  mounter: Pick<Mounter, "umount" | "umountHere">,
  target: string,
  how: "plain" | "lazy",
  timeoutMs: number,
): Promise<PathAnswer> {
  const answer = await mounter.umount(target, how, timeoutMs);
  return cannotStart(answer) ? mounter.umountHere(target, how) : answer;
}

function cannotStart(answer: PathAnswer): boolean {
  return answer.kind === "no-answer" && answer.notStarted !== undefined;
}

/**
 * An unmounter whose budget starts with its first call. A share that is away is not waited for; `isMeant` are the mounts it takes.
 * Where no process can be started for a call that is tried again while the budget lasts, and then the call is made in this process.
 */
export function unmounter(
  mounter: UnmounterPorts,
  clock: Clock,
  budgetMs: number,
  isAway: (share: Share) => boolean = () => false,
  isMeant: (there: MountRecord, share: Share) => boolean = isShareOf,
): (share: Share) => Promise<UmountResult> {
  let budgetEndMs: number | undefined;
  return async (share) => {
    budgetEndMs ??= clock.nowMs() + budgetMs;
    const deadlineMs = budgetEndMs;
    const umount = async (target: string, how: "plain" | "lazy" | "force", timeoutMs: number): Promise<PathAnswer> => {
      const untilMs = clock.nowMs() + timeoutMs;
      for (;;) {
        const answer = await mounter.umount(target, how, Math.max(1, untilMs - clock.nowMs()));
        if (!cannotStart(answer)) return answer;
        if (clock.nowMs() < Math.min(untilMs, deadlineMs)) await clock.sleep(crowdedPauseMs);
        // Nothing that may hang is touched by this process itself.
        else return how === "force" || isAway(share) ? answer : (mounter.umountHere?.(target, how) ?? answer);
      }
    };
    const there = topMountOn(mounter.mounts(), share.realTarget);
    if (there === undefined || !isMeant(there, share)) return "gone";
    // Even the way to it leads over what does not answer: it goes when the share above it is detached with all below.
    if (sharesAbove(share).some(isAway)) return "gone";
    // A call that has taken the mount away may still be waiting for the server.
    const isGone = () => !isOnTop(there, mounter.mounts());
    const startedMs = clock.nowMs();
    const propagates = isShared(there);
    // What propagates is asked for even when the budget is used up: those before it may have been busy for all of that time.
    if ((startedMs < deadlineMs || propagates) && !isAway(share)) {
      const busyUntilMs = Math.min(deadlineMs, startedMs + busyMs);
      let isBusy = false;
      for (;;) {
        const askedMs = clock.nowMs();
        const leftMs = Math.max(propagates ? leastMs : 1, deadlineMs - askedMs);
        const plain = await umount(share.realTarget, "plain", leftMs);
        if (plain.kind === "done" || isGone()) return "unmounted";
        // What propagates would be torn away from others too by a lazy unmount; plain umount(2) asks all of them whether it is busy.
        // It asks no server: a call without an answer had no time on a machine under load, and tells nothing of the others.
        if (!propagates || (plain.kind === "failed" && plain.errno !== "EBUSY")) break;
        isBusy ||= plain.kind === "failed";
        if (isBusy && clock.nowMs() >= busyUntilMs) return "in-use";
        if (askedMs >= busyUntilMs) return "left";
        await clock.sleep(busyPauseMs);
      }
    }
    const leftMs = Math.max(leastMs, deadlineMs - clock.nowMs());
    return (await detachMount({ mounts: mounter.mounts, umount }, clock, there, leftMs)) ? "detached" : "left";
  };
}

/** How often it is looked whether a mount is gone. */
const goneLookMs = 50;

/**
 * Detaches the mount that is on top on its target, and tells whether it is gone. It goes from the mount table at once, and that is
 * all that is waited for: the call may go on for 10 s, in which the kernel takes leave of a server of version 4.
 */
export async function detachMount(
  mounter: Pick<Mounter, "mounts" | "umount">,
  clock: Clock,
  there: MountRecord,
  timeoutMs: number,
): Promise<boolean> {
  const isGone = () => !isOnTop(there, mounter.mounts());
  // What is gone needs no call: it would strike what is mounted there next.
  if (isGone()) return true;
  const call = mounter.umount(there.target, "lazy", timeoutMs).then(() => "over" as const);
  for (let now; now !== "over" && !isGone();) now = await Promise.race([call, clock.sleep(goneLookMs)]);
  return isGone();
}
