// NFS_WATCH=remount: lost shares are mounted afresh under whoever uses them.
import type { Share } from "../shares/share.ts";
import { AppError, messageOf } from "../errors.ts";
import type { Clock } from "../mount/ports.ts";
import type { StatusBoard } from "../watch/status.ts";
import type { Log } from "./log.ts";
import type { MountedShares } from "./mount-shares.ts";
import type { Loss } from "./share-watch.ts";

export interface RemounterPorts {
  readonly log: Log;
  readonly board: Pick<StatusBoard, "remounted">;
  readonly clock: Pick<Clock, "nowMs">;
}

export interface RemounterEvents {
  readonly onRemounted: (share: Share) => void;
  /** It cannot be mounted any more, whatever is tried. */
  readonly onFailed: (share: Share, error: AppError) => void;
}

/** Gives the function that takes lost shares. What is still going on when `signal` aborts is left. */
export function remounter(
  { log, board, clock }: RemounterPorts,
  shares: Pick<MountedShares, "mounted" | "remount">,
  signal: AbortSignal,
  { onRemounted, onFailed }: RemounterEvents,
): (loss: Loss) => void {
  const isOver = () => signal.aborted;
  const remount = async ({ share, lost: reason }: Loss): Promise<void> => {
    // One that is not mounted is on its way, or was taken along by one above it.
    if (isOver() || !shares.mounted.has(share)) return;
    const startedMs = clock.nowMs();
    const about = { source: share.label, target: share.target };
    try {
      const done = await shares.remount(share, reason);
      if (done !== "remounted") return;
      board.remounted(share);
      const elapsedMs = Math.round(clock.nowMs() - startedMs);
      log("warn", "the share was mounted afresh, files that were open on it stay stale", {
        stage: "watch",
        ...about,
        elapsedMs,
      });
      onRemounted(share);
    } catch (error) {
      if (isOver()) return;
      if (error instanceof AppError && !share.nofail) return onFailed(share, error);
      log("error", "a share could not be mounted afresh", { stage: "watch", ...about, reason: messageOf(error) });
    }
  };

  return (loss) => void remount(loss);
}
