// The guards under the shares of a plan: there before a share can be reached, taken away on the way out.
import { isShareMount } from "../kinds/kinds.ts";
import { isShared, topMountOn } from "../shares/mountinfo.ts";
import type { Share } from "../shares/share.ts";
import type { Settings } from "../config/config.ts";
import { isGuard } from "../mount/guard.ts";
import { notStartedWords, type Mounter, type PathAnswer } from "../mount/ports.ts";
import { umountLocal } from "../mount/umount.ts";
import type { Log } from "../report/log.ts";
import type { ManagedShares } from "./managed-share.ts";
import type { UndoStack } from "./undo.ts";

export interface Guards {
  /** Whether a share is to have a guard and has none. */
  readonly isMissing: (share: Share) => boolean;
  /** Mounts the guard of a share on its mount point, unless it is there; a failure is a warning. */
  readonly put: (share: Share, path: string) => Promise<void>;
  /** The shares whose guards lie on `share` itself, and must be there before that can be reached. */
  readonly below: (share: Share) => readonly Share[];
  /**
   * Mounts the guards that lie on `share`, which is mounted on `at`, each unless its own share is there; gives the reason where
   * a mount point cannot be reached at this moment. What can be no mount point is left to the share's own attempt to tell of.
   */
  readonly putBelow: (share: Share, at: string) => Promise<string | undefined>;
  readonly remove: (share: Share) => Promise<void>;
}

export interface GuardPorts {
  readonly log: Log;
  readonly mounter: Mounter;
  /** A share that is known not to answer: what lies on it is not touched, it goes with that share. */
  readonly isAway: (share: Share) => boolean;
  /** Told of a mount point that holds something. */
  readonly onNotEmpty: (share: Share) => void;
}

const unguarded = {
  onDisk: "no guard under the share, writes reach the local disk while it is away",
  onShare: "no guard under the share, writes reach the share above it while it is away",
} as const;

/** Longest time for a guard, which is local: what takes time is to start the worker on a busy machine. */
const guardMs = 2_000;

export function guardsOf(
  { log, mounter, isAway, onNotEmpty }: GuardPorts,
  shares: ManagedShares,
  { guard: isWanted, attemptTimeoutMs }: Pick<Settings, "guard" | "attemptTimeoutMs">,
  undo: UndoStack,
): Guards {
  const all = shares.all.map(({ share }) => share);
  const hasFailed = (share: Share) => shares.of(share).guard === "failed";
  const topOf = (share: Share) => topMountOn(mounter.mounts(), share.realTarget);
  const remove = async (share: Share): Promise<void> => {
    for (let above = share.parent; above !== undefined; above = above.parent) if (isAway(above)) return;
    const now = topOf(share);
    if (now === undefined || !isGuard(now)) return;
    const plain = await umountLocal(mounter, share.realTarget, "plain", guardMs);
    // Other mount namespaces may have the share on it.
    if (plain.kind !== "done" && !isShared(now)) await umountLocal(mounter, share.realTarget, "lazy", guardMs);
  };
  const isMissing = (share: Share): boolean => {
    if (!isWanted || hasFailed(share)) return false;
    return !mounter.mounts().some((mount) => mount.target === share.realTarget && isGuard(mount));
  };
  const note = (share: Share, answer: PathAnswer): void => {
    if (answer.kind !== "done") {
      shares.of(share).guard = "failed";
      const reason = answer.kind === "failed" ? answer.errno : (answer.notStarted ?? "no answer in time");
      const about = { stage: "mount", target: share.target, reason } as const;
      return log("warn", share.parent === undefined ? unguarded.onDisk : unguarded.onShare, about);
    }
    if (shares.of(share).guard === "put") return;
    shares.of(share).guard = "put";
    undo.push(() => remove(share));
  };
  const below = (share: Share): readonly Share[] =>
    isWanted ? all.filter((one) => one.parent === share && !one.watchOnly && !hasFailed(one)) : [];
  return {
    isMissing,
    put: async (share, path) => {
      if (!isWanted || hasFailed(share)) return;
      note(share, isMissing(share) ? await mounter.guard(path, attemptTimeoutMs) : { kind: "done" });
    },
    below,
    putBelow: async (share, at) => {
      const isAside = at !== share.realTarget;
      for (const child of below(share)) {
        const there = isAside ? undefined : topOf(child);
        if (there !== undefined && (isShareMount(there) || isGuard(there))) continue;
        const path = `${at}${child.realTarget.slice(share.realTarget.length)}`;
        const prepared = await mounter.prepare(path, at, attemptTimeoutMs);
        if (prepared.kind === "refused") continue;
        if (prepared.kind === "failed") return `the mount point ${child.target} cannot be reached: ${prepared.reason}`;
        if (prepared.kind === "no-answer") {
          const { notStarted } = prepared;
          const why = notStarted === undefined ? "does not answer" : `cannot be made: ${notStartedWords(notStarted)}`;
          return `the mount point ${child.target} ${why}`;
        }
        if (!prepared.isEmpty) onNotEmpty(child);
        note(child, await mounter.guard(prepared.path, attemptTimeoutMs));
        prepared.release();
      }
      return undefined;
    },
    remove,
  };
}
