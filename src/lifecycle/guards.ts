// The guards under the shares of a plan: put there before a share is mounted, taken away on the way out.
import type { Settings } from "../config/config.ts";
import { topMountOn } from "../fstab/mountinfo.ts";
import type { Share } from "../fstab/plan.ts";
import { isGuard } from "../mount/guard.ts";
import type { Mounter } from "../mount/ports.ts";
import { isShared } from "../mount/umount.ts";
import type { Log } from "./log.ts";
import type { UndoStack } from "./undo.ts";

export interface Guards {
  /** Mounts the guard of a share on its mount point, unless it is there; a failure is a warning. */
  readonly put: (share: Share, path: string) => Promise<void>;
  readonly remove: (share: Share) => Promise<void>;
  /** It went with the share above it. */
  readonly forget: (share: Share) => void;
}

/** Longest time for a guard, which is local: what takes time is to start the worker on a busy machine. */
const guardMs = 2_000;

export function guardsOf(
  { log, mounter }: { readonly log: Log; readonly mounter: Mounter },
  { guard: isWanted, attemptTimeoutMs }: Pick<Settings, "guard" | "attemptTimeoutMs">,
  undo: UndoStack,
): Guards {
  const guarded = new Set<Share>();
  const topOf = (share: Share) => topMountOn(mounter.mounts(), share.realTarget);
  const remove = async (share: Share): Promise<void> => {
    const now = topOf(share);
    if (now === undefined || !isGuard(now)) return;
    const plain = await mounter.umount(share.realTarget, "plain", guardMs);
    // Other mount namespaces may have the share on it.
    if (plain.kind !== "done" && !isShared(now)) await mounter.umount(share.realTarget, "lazy", guardMs);
  };
  return {
    put: async (share, path) => {
      if (!isWanted || guarded.has(share)) return;
      const top = topOf(share);
      const isThere = top !== undefined && isGuard(top);
      const answer = isThere ? undefined : await mounter.guard(path, attemptTimeoutMs);
      guarded.add(share);
      if (answer === undefined || answer.kind === "done") return undo.push(() => remove(share));
      const reason = answer.kind === "failed" ? answer.errno : "no answer in time";
      const about = { stage: "mount", target: share.target, reason } as const;
      log("warn", "no guard under the share, writes reach the local disk while it is away", about);
    },
    remove,
    forget: (share) => {
      guarded.delete(share);
    },
  };
}
