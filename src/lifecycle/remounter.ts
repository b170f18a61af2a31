// NFS_WATCH=remount: lost shares are mounted afresh under whoever uses them.
import { AppError, messageOf } from "../errors.ts";
import type { Clock } from "../clock.ts";
import type { Share } from "../shares/share.ts";
import type { MountedShares } from "./mount-shares.ts";
import type { Loss } from "./share-watch.ts";

export interface RemounterEvents {
  readonly onRemounted: (share: Share) => void;
  /** It cannot be mounted any more, whatever is tried. */
  readonly onFailed: (share: Share, error: AppError) => void;
}

/** Gives the function that takes lost shares. What is still going on when `signal` aborts is left. */
export function remounter(
  { nowMs }: Pick<Clock, "nowMs">,
  { isMounted, remount, tell }: Pick<MountedShares, "isMounted" | "remount" | "tell">,
  signal: AbortSignal,
  { onRemounted, onFailed }: RemounterEvents,
): (loss: Loss) => void {
  const isOver = () => signal.aborted;
  const take = async ({ share, lost: reason }: Loss): Promise<void> => {
    // One that is not mounted is on its way, or was taken along by one above it.
    if (isOver() || !isMounted(share)) return;
    const startedMs = nowMs();
    try {
      if ((await remount(share, reason)) !== "remounted") return;
      tell({ kind: "remounted", share, elapsedMs: Math.round(nowMs() - startedMs) });
      onRemounted(share);
    } catch (error) {
      if (isOver()) return;
      if (error instanceof AppError && !share.nofail) return onFailed(share, error);
      tell({ kind: "remount-failed", share, reason: messageOf(error) });
    }
  };
  return (loss) => void take(loss);
}
