// Turns what happens to shares into log lines: one when it happens, one when a reason changes, a reminder while it lasts.
import type { MountPlan } from "../plan/plan.ts";
import type { Share } from "../shares/share.ts";
import type { MountFailure } from "../kinds/failure.ts";
import type { AppError } from "../errors.ts";
import type { AttemptNotice } from "../mount/attempt-ports.ts";
import type { Clock } from "../mount/ports.ts";
import type { UmountResult } from "../mount/umount.ts";
import { questionOf, type ServerQuestion } from "../wait/readiness.ts";
import { reasonLog } from "../wait/reasons.ts";
import type { StatusBoard } from "../watch/status.ts";
import type { Mounted } from "./establish.ts";
import type { Log } from "./log.ts";

export interface MountReporter {
  readonly notReady: (question: ServerQuestion, reason: string) => void;
  /** The server answers, and does not serve the share. */
  readonly notThere: (share: Share, reason: string) => void;
  readonly notice: (notice: AttemptNotice) => void;
  readonly notEmpty: (share: Share) => void;
  /** What is mounted below a share goes when that is detached. */
  readonly goesWith: (share: Share, mounts: string) => void;
  readonly failedAttempt: (share: Share, failure: MountFailure, attempt: number) => void;
  readonly mounted: (share: Share, mounted: Mounted) => void;
  /** Shares that were mounted and are away, to be mounted afresh. */
  readonly away: (shares: readonly Share[], reason: string) => void;
  /** Shares that are there again without that; some were mounted by others in the first place. */
  readonly back: (shares: readonly Share[], isOurs: (share: Share) => boolean) => void;
  readonly givenUp: (share: Share, error: AppError) => void;
  readonly unmounted: (share: Share, result: UmountResult) => void;
  /** The shares that are not mounted. */
  readonly waiting: () => readonly Share[];
  /** Each share that is not mounted yet with the last reason, a clause each. */
  readonly pending: () => readonly string[];
}

export function mountReporter(
  log: Log,
  board: Pick<StatusBoard, "waiting" | "mounted">,
  clock: Pick<Clock, "nowMs">,
  plan: MountPlan,
): MountReporter {
  const reasons = reasonLog();
  const startedMs = clock.nowMs();
  const waiting = new Set(plan.shares);
  const about = (share: Share) => ({ source: share.label, target: share.target });
  const elapsed = () => ({ elapsedMs: Math.round(clock.nowMs() - startedMs) });
  const said = new Set<string>();
  /** Whether something is said for the first time of a share. */
  const isFirst = (share: Share, what: string) => {
    const key = `${share.realTarget} ${what}`;
    return !said.has(key) && said.add(key);
  };
  const sharesOf = (question: ServerQuestion) => {
    const key = JSON.stringify(question);
    return [...waiting].filter((share) => JSON.stringify(questionOf(share)) === key);
  };
  const notEmpty = (share: Share) => {
    if (!isFirst(share, "not-empty")) return;
    log("warn", "the mount point is not empty, its files are hidden while the share is mounted", {
      stage: "mount",
      ...about(share),
    });
  };
  // One server's reason is one line, and it is the last reason of every share that waits for it.
  const lastReasons = new Map<Share, string>();

  return {
    notReady: (question, reason) => {
      const shares = sharesOf(question);
      for (const share of shares) {
        lastReasons.set(share, reason);
        board.waiting(share, reason);
      }
      const [first] = shares;
      if (first === undefined || !reasons.isDue(JSON.stringify(question), reason, clock.nowMs())) return;
      const count = shares.length === 1 ? {} : { shares: shares.length };
      log("info", "waiting for the server", { stage: "wait", ...about(first), ...count, ...elapsed(), reason });
    },
    notThere: (share, reason) => {
      lastReasons.set(share, reason);
      board.waiting(share, reason);
      if (!reasons.isDue(share.realTarget, reason, clock.nowMs())) return;
      log("warn", "waiting for the server to serve the share", {
        stage: "wait",
        ...about(share),
        ...elapsed(),
        reason,
      });
    },
    notice: (notice) => {
      const { share } = notice;
      const fields = about(share);
      switch (notice.kind) {
        case "stale-detached":
          return log("warn", "detached a stale mount that was left on the target", { stage: "mount", ...fields });
        case "replaced-detached":
          return log("warn", "detached an earlier share of nfs-init", {
            stage: "mount",
            ...fields,
            reason: `${notice.source} was mounted there`,
          });
        case "not-empty":
          return notEmpty(share);
        case "pending": {
          const reason = `the mount call of version ${notice.version} has not ended after ${Math.round(notice.forMs / 1_000)} s`;
          lastReasons.set(share, reason);
          board.waiting(share, reason);
          if (!reasons.isDue(share.realTarget, reason, clock.nowMs())) return;
          return log("warn", "the mount call does not end", {
            stage: "mount",
            ...fields,
            version: notice.version,
            ...elapsed(),
            reason,
            hint: "the server takes the call and does not finish it: look whether its rpc.mountd hangs, which it asks in every version, and at its disks and its log",
          });
        }
        case "no-lock":
          if (!isFirst(share, notice.kind)) return;
          return log("warn", "no lock on the mount point against a second nfs-init", {
            stage: "mount",
            ...fields,
            reason: notice.reason,
          });
      }
    },
    notEmpty,
    goesWith: (share, mounts) =>
      log("warn", "what is mounted below the share is detached with it", {
        stage: "umount",
        ...about(share),
        reason: mounts,
      }),
    failedAttempt: (share, failure, attempt) => {
      lastReasons.set(share, failure.reason);
      board.waiting(share, failure.reason);
      if (!reasons.isDue(share.realTarget, failure.reason, clock.nowMs())) return;
      const { prospect, reason, hint } = failure;
      const level = prospect === "ambiguous" || prospect === "unsupported" ? "warn" : "info";
      const fields = { ...about(share), attempt, ...elapsed(), reason, ...(hint === undefined ? {} : { hint }) };
      log(level, "mount attempt failed, trying again", { stage: "mount", ...fields });
    },
    mounted: (share, { version, isOurs, attempts, elapsedMs }) => {
      waiting.delete(share);
      board.mounted(share, { version, isOurs });
      const fields = { ...about(share), ...(version === undefined ? {} : { version }), attempt: attempts };
      const time = { elapsedMs: Math.round(elapsedMs) };
      log("info", isOurs ? "mounted" : "already mounted, used as it is", { stage: "mount", ...fields, ...time });
      if (isOurs && version === "3" && share.version === "auto") {
        log("warn", "fell back to NFS version 3, file locks are local to each client", {
          stage: "mount",
          ...about(share),
        });
      }
    },
    away: (shares, reason) => {
      for (const share of shares) {
        waiting.add(share);
        board.waiting(share, reason);
      }
    },
    back: (shares, isOurs) => {
      for (const share of shares) {
        waiting.delete(share);
        board.mounted(share, { version: undefined, isOurs: isOurs(share) });
      }
    },
    givenUp: (share, error) => {
      board.waiting(share, error.message);
      waiting.delete(share);
      log("error", "gave up a share that the process may start without", {
        stage: "mount",
        ...about(share),
        reason: error.message,
      });
    },
    unmounted: (share, result) => {
      const fields = { stage: "umount", ...about(share) } as const;
      switch (result) {
        case "unmounted":
          return log("info", "unmounted", fields);
        case "detached":
          return log("warn", "unmounted lazily, it was busy or did not answer", fields);
        case "in-use":
          return log("info", "left mounted, somebody else uses it", fields);
        case "left":
          return log("error", "could not be unmounted", fields);
        case "gone":
          return;
      }
    },
    waiting: () => [...waiting],
    pending: () =>
      [...waiting].map((share) => `${share.label} on ${share.target}: ${lastReasons.get(share) ?? "no answer yet"}`),
  };
}
