// Mounts the shares of a plan with everything that belongs to it, and remembers how to take each down again.
import type { Settings } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";
import { topMountOn } from "../fstab/mountinfo.ts";
import type { MountPlan, Share } from "../fstab/plan.ts";
import { isGuard } from "../mount/guard.ts";
import type { Clock, Mounter, TargetLock } from "../mount/ports.ts";
import { unmounter } from "../mount/umount.ts";
import { askServer, questionOf, type Network } from "../wait/readiness.ts";
import { serverWaiter } from "../wait/wait.ts";
import { establishShares, type Establishing } from "./establish.ts";
import type { Log } from "./log.ts";
import { mountReporter } from "./reporter.ts";
import type { UndoStack } from "./undo.ts";

export interface MountSharesPorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly network: Network;
  readonly mounter: Mounter;
  /** Starts a worker ahead of need. */
  readonly workers: { readonly warmUp: () => void };
  readonly lockTarget: (target: string) => TargetLock;
  readonly loadModules: () => Promise<void>;
}

export interface MountedShares extends Establishing {
  /** The shares that are mounted now, by this instance or by another. */
  readonly mounted: ReadonlySet<Share>;
  /** Those of them that this instance mounted, and takes down. */
  readonly ours: ReadonlySet<Share>;
}

/**
 * Starts mounting; what was done is pushed on `undo`. `isAway` tells of a share that is known not to answer: its unmount
 * does not wait for it. `stop` ends the mounting; it is aborted with an AppError 124 when NFS_WAIT_TIMEOUT runs out.
 */
export function mountShares(
  ports: MountSharesPorts,
  settings: Settings,
  plan: MountPlan,
  stop: AbortController,
  undo: UndoStack,
  isAway: (share: Share) => boolean,
): MountedShares {
  const { log, clock, network, mounter, workers } = ports;
  if (plan.shares.length > 0) workers.warmUp();
  const report = mountReporter(log, clock, plan);
  const { signal } = stop;

  const giveUp = () => {
    const reason = `not mounted within ${settings.waitTimeoutMs / 1_000} s: ${report.pending().join("; ")}`;
    stop.abort(new AppError(reason, exitCodes.timedOut, { hint: "check the server, or raise NFS_WAIT_TIMEOUT" }));
  };
  const timer = settings.waitTimeoutMs === 0 ? undefined : setTimeout(giveUp, settings.waitTimeoutMs);
  const waiter = serverWaiter(
    {
      nowMs: clock.nowMs,
      sleep: clock.sleep,
      ask: (question, asked) => askServer(network, question, asked),
      tell: report.notReady,
    },
    settings.attemptTimeoutMs,
    signal,
  );

  const locks = new Map<Share, TargetLock>();
  const lock = (share: Share): TargetLock => {
    const held = locks.get(share);
    if (held?.kind === "locked") return held;
    const taken = ports.lockTarget(share.realTarget);
    locks.set(share, taken);
    return taken;
  };

  const mounted = new Set<Share>();
  const ours = new Set<Share>();
  const undoable = new Set<Share>();
  const cutShort = new Set<Share>();
  const unmount = unmounter(mounter, clock, settings.unmountTimeoutMs, isAway);
  const takeDown = async (share: Share): Promise<void> => {
    if (!ours.has(share)) return;
    report.unmounted(share, await unmount(share));
    const held = locks.get(share);
    if (held?.kind === "locked") held.note(undefined);
  };

  const guarded = new Set<Share>();
  const guard = async (share: Share, path: string): Promise<void> => {
    if (!settings.guard || guarded.has(share)) return;
    const top = topMountOn(mounter.mounts(), share.realTarget);
    const isThere = top !== undefined && isGuard(top);
    const answer = isThere ? undefined : await mounter.guard(path, settings.attemptTimeoutMs);
    guarded.add(share);
    if (answer !== undefined && answer.kind !== "done") {
      const reason = answer.kind === "failed" ? answer.errno : "no answer in time";
      return log("warn", "no guard under the share, writes reach the local disk while it is away", {
        stage: "mount",
        target: share.target,
        reason,
      });
    }
    undo.push(async () => {
      const now = topMountOn(mounter.mounts(), share.realTarget);
      if (now === undefined || !isGuard(now)) return;
      const plain = await mounter.umount(share.realTarget, "plain", guardMs);
      if (plain.kind !== "done") await mounter.umount(share.realTarget, "lazy", guardMs);
    });
  };

  const mounting = establishShares(
    {
      mounter,
      clock,
      lock,
      guard,
      serverReady: (share, notYet) => waiter.ready(questionOf(share), notYet),
      serverAnswers: async (share, asked) => (await askServer(network, questionOf(share), asked)).kind === "ready",
      loadModules: () => (settings.modprobe === "off" ? Promise.resolve() : ports.loadModules()),
      tell: report.notice,
      onMounting: (share) => {
        ours.add(share);
        if (undoable.has(share)) return;
        undoable.add(share);
        undo.push(() => takeDown(share));
      },
      onMounted: (share, result) => {
        // A call that was cut short may have come about after all: what the next attempt finds is ours then.
        const isOurs = result.isOurs || cutShort.has(share);
        if (!isOurs) ours.delete(share);
        mounted.add(share);
        report.mounted(share, { ...result, isOurs });
      },
      onFailedAttempt: (share, failure, attempt) => {
        // What is there after a call that failed by itself was made by somebody else.
        if (failure.cutShort === true) cutShort.add(share);
        if (!cutShort.has(share)) ours.delete(share);
        report.failedAttempt(share, failure, attempt);
      },
      onGivenUp: report.givenUp,
    },
    plan,
    settings,
    signal,
  );
  const cancel = () => clearTimeout(timer);
  mounting.ready.then(cancel, cancel);
  return { ...mounting, mounted, ours };
}

/** Longest time for a guard, which is local: what takes time is to start the worker on a busy machine. */
const guardMs = 2_000;
