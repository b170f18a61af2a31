// Mounts the shares of a plan with everything that belongs to it, and remembers how to take each down again.
import { isShareMount, isShareOf } from "../kinds/kinds.ts";
import { topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import type { MountPlan } from "../plan/plan.ts";
import type { Share } from "../shares/share.ts";
import type { Settings } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";
import { describeMounts, foreignBelow } from "../mount/foreign.ts";
import type { Clock, Mounter, TargetLock } from "../mount/ports.ts";
import { detachMount, isPropagated, unmounter } from "../mount/umount.ts";
import type { Network } from "../ask/network.ts";
import { asking, askServer, mountAddresses, questionOf } from "../wait/readiness.ts";
import { serverWaiter } from "../wait/wait.ts";
import type { StatusBoard } from "../watch/status.ts";
import { asidePlaces, type AsideMachine } from "./aside.ts";
import { startDiagnosis, type DiagnosisPorts } from "./diagnosis.ts";
import { doingsOf, Overtaken } from "./doings.ts";
import { establishShares, type EstablishPorts, type Establishing } from "./establish.ts";
import { guardsOf } from "./guards.ts";
import { keeperOf, type KeeperMachine } from "./keeper.ts";
import { mountReporter } from "./reporter.ts";
import type { UndoStack } from "./undo.ts";

export interface MountSharesPorts extends DiagnosisPorts, AsideMachine, KeeperMachine {
  readonly board: StatusBoard;
  readonly clock: Clock;
  readonly network: Network;
  readonly mounter: Mounter;
  readonly lockTarget: (target: string) => TargetLock;
  /** Waits for the lock on a local directory; undefined where it cannot be had in time. */
  readonly lockDirectory: (path: string) => Promise<(() => void) | undefined>;
  readonly loadModules: EstablishPorts["loadModules"];
  readonly tryCalls: EstablishPorts["tryCalls"];
}

/** What became of a lost share. */
export type Remounted =
  /** Mounted afresh, it and what lies below it. */
  | "remounted"
  /** It answered again before anything was done. */
  | "recovered"
  /** Another share's loss took it along: that one's fresh mount is its own. */
  | "overtaken";

export interface MountedShares extends Pick<Establishing, "ready"> {
  /** Settles when nothing is going on any more, fresh mounts of lost shares included. */
  readonly settled: () => Promise<void>;
  /** The shares that are mounted now, by this instance or by another. */
  readonly mounted: ReadonlySet<Share>;
  /** Those of them that this instance mounted, and takes down. */
  readonly ours: ReadonlySet<Share>;
  /** How often a share was mounted afresh, or taken for healed. */
  readonly generation: (share: Share) => number;
  /** Told of the mounts there are each time that somebody has looked. */
  readonly onMounts: (records: readonly MountRecord[]) => void;
  /**
   * Waits until the server of a lost share answers, detaches the share with everything below it, and mounts all of that afresh.
   * Rejects with an AppError where it cannot be mounted any more.
   */
  readonly remount: (share: Share, reason: string) => Promise<Remounted>;
}

export interface MountSharesOptions {
  /** Tells of a share that is known not to answer: its unmount does not wait for it. */
  readonly isAway: (share: Share) => boolean;
  /**
   * Mounts are for processes of other mount namespaces: where they propagate, several instances may look after the same one.
   * Each holds it busy, and the last to leave takes it down.
   */
  readonly isSidecar?: boolean;
}

/** A hard mount goes on so soon after its server is back: 0.4 s as a rule, some seconds after a longer absence. */
const goesOnMs = 5_000;

/**
 * Starts mounting; what was done is pushed on `undo`. `stop` ends the mounting; it is aborted with an AppError 124 when NFS_WAIT_TIMEOUT runs out.
 */
export function mountShares(
  ports: MountSharesPorts,
  settings: Settings,
  plan: MountPlan,
  stop: AbortController,
  undo: UndoStack,
  { isAway, isSidecar = false }: MountSharesOptions,
): MountedShares {
  const { log, clock, network, mounter } = ports;
  const report = mountReporter(log, ports.board, clock, plan);
  const { signal } = stop;

  const diagnosis = startDiagnosis(ports, settings, plan, report.waiting);
  const giveUp = () => {
    if (report.waiting().every(({ nofail }) => nofail)) return mounting.startWithout();
    const reason = `not mounted within ${settings.waitTimeoutMs / 1_000} s: ${report.pending().join("; ")}`;
    const hint = diagnosis.found() ?? "check the server, or raise NFS_WAIT_TIMEOUT";
    stop.abort(new AppError(reason, exitCodes.timedOut, { hint }));
  };
  const timer = settings.waitTimeoutMs === 0 ? undefined : setTimeout(giveUp, settings.waitTimeoutMs);
  const waiter = serverWaiter(
    { ...clock, ask: asking(network), tell: report.notReady },
    settings.attemptTimeoutMs,
    signal,
  );

  const locks = new Map<Share, TargetLock>();
  const lock = (share: Share): TargetLock => {
    const ownLock = locks.get(share);
    if (ownLock?.kind === "locked") return ownLock;
    const taken = ports.lockTarget(share.realTarget);
    locks.set(share, taken);
    if (taken.kind === "locked") {
      undo.push(async () => {
        locks.delete(share);
        taken.release();
      });
    }
    return taken;
  };

  const mounted = new Set<Share>();
  const generations = new Map<Share, number>();
  const generation = (share: Share) => generations.get(share) ?? 0;
  const enterMounted = (share: Share) => {
    mounted.add(share);
    generations.set(share, generation(share) + 1);
  };
  const ours = new Set<Share>();
  /** Those that a mount call of this instance made. */
  const made = new Set<Share>();
  const undoable = new Set<Share>();
  const cutShort = new Set<Share>();
  const unmount = unmounter(mounter, clock, settings.unmountTimeoutMs, isAway);
  const takeDown = async (share: Share): Promise<void> => {
    if (!ours.has(share)) return;
    await letGo(share);
    const foreign = foreignBelow(mounter.mounts(), share, plan.shares);
    const result = await unmount(share);
    if (result === "detached" && foreign.length > 0) report.goesWith(share, describeMounts(foreign));
    report.unmounted(share, result);
    const lockOf = locks.get(share);
    // What is left is still ours: a later instance may take it down.
    if (result !== "in-use" && result !== "left" && lockOf?.kind === "locked") lockOf.note(undefined);
  };

  const guards = guardsOf({ log, mounter, isAway, onNotEmpty: report.notEmpty }, plan.shares, settings, undo);
  const keeper = keeperOf(ports, plan.shares, settings, undo);
  const aside = asidePlaces(ports, settings, guards, keeper, undo);
  const held = new Map<Share, Promise<() => Promise<void>>>();
  const letGo = async (share: Share): Promise<void> => {
    // It may still be on its way to be held.
    const release = await held.get(share);
    held.delete(share);
    await release?.();
  };
  const hold = (share: Share): void => {
    if (!isSidecar || share.watchOnly || !isPropagated(mounter.mounts(), share.realTarget)) return;
    if (!ours.has(share)) {
      ours.add(share);
      undo.push(() => guards.remove(share));
      undo.push(() => takeDown(share));
    }
    held.set(share, mounter.hold(share.realTarget, settings.unmountTimeoutMs));
  };

  /** Changes of mounts that go on. */
  const changing = new Map<Share, Promise<void>>();
  /** Other instances may see the same mount point through propagation, each with a state directory of its own. */
  const enter = async (share: Share): Promise<() => void> => {
    const isLocal = share.parent === undefined;
    const isSeenElsewhere = isLocal && isPropagated(mounter.mounts(), share.realTarget);
    const leave = isSeenElsewhere ? await ports.lockDirectory(directoryAbove(share.realTarget)) : undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    changing.set(share, promise);
    return () => {
      leave?.();
      resolve();
    };
  };
  const doings = doingsOf<Share>(signal);
  const establishPorts: EstablishPorts = {
    begin: doings.begin,
    enter,
    mounter,
    clock,
    lock,
    guard: guards.put,
    lacksGuard: guards.isMissing,
    onDetaching: (share) => sayWhatGoes(share),
    aside,
    serverReady: (share, notYet, unneeded) => waiter.ready(questionOf(share), notYet, unneeded),
    serverAnswers: async (share, asked) => (await askServer(network, questionOf(share), asked)).kind === "ready",
    addresses: (share, ready, version, asked) => mountAddresses(network, questionOf(share), ready, version, asked),
    tryCalls: ports.tryCalls,
    loadModules: (names) => (settings.modprobe === "off" ? Promise.resolve() : ports.loadModules(names)),
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
      cutShort.delete(share);
      if (isOurs) made.add(share);
      else made.delete(share);
      if (!isOurs) ours.delete(share);
      enterMounted(share);
      hold(share);
      report.mounted(share, { ...result, isOurs });
    },
    onFailedAttempt: (share, failure, attempt) => {
      // What is there after a call that failed by itself was made by somebody else.
      if (failure.cutShort === true) cutShort.add(share);
      if (!cutShort.has(share)) ours.delete(share);
      report.failedAttempt(share, failure, attempt);
    },
    onGivenUp: report.givenUp,
  };
  const mounting = establishShares(establishPorts, plan, settings);

  const sayWhatGoes = (share: Share): void => {
    const foreign = foreignBelow(mounter.mounts(), share, plan.shares);
    if (foreign.length > 0) report.goesWith(share, describeMounts(foreign));
  };
  const detach = async (share: Share): Promise<void> => {
    for (let layers = 0; layers < mostLayers; layers++) {
      const there = topMountOn(mounter.mounts(), share.realTarget);
      if (there === undefined || !isShareMount(there) || !isShareOf(there, share)) return;
      if (layers === 0) sayWhatGoes(share);
      if (!(await detachMount(mounter, clock, there, settings.attemptTimeoutMs))) return;
    }
  };
  const answersAgain = async (share: Share): Promise<boolean> => {
    const there = topMountOn(mounter.mounts(), share.realTarget);
    if (there === undefined || !isShareOf(there, share)) return false;
    // Where no process can be started to look, nothing is known but that it was lost.
    const timeoutMs = Math.max(settings.watchTimeoutMs, goesOnMs);
    const seen = await mounter.look(share.realTarget, false, timeoutMs).catch(() => undefined);
    return seen?.kind === "answers";
  };
  /** Shares that were mounted at some time. */
  const wasThere = new Set<Share>();
  const takeAway = (shares: readonly Share[], reason: string): readonly Share[] => {
    const taken = shares.filter((share) => mounted.delete(share));
    for (const share of taken) wasThere.add(share);
    report.away(taken, reason);
    return taken;
  };
  /** Ends what goes on with shares that will go with the one above them. */
  const takeAlong = async (shares: readonly Share[], reason: string): Promise<void> => {
    for (const share of shares) doings.end(share);
    takeAway(shares, reason);
    const ended = Promise.all(shares.flatMap((share) => changing.get(share) ?? []));
    await Promise.race([ended, clock.sleep(settings.attemptTimeoutMs)]);
  };
  const remounting = new Set<Promise<unknown>>();
  const remount = async (lost: Share, reason: string): Promise<Remounted> => {
    const going = remountNow(lost, reason);
    remounting.add(going);
    try {
      return await going;
    } finally {
      remounting.delete(going);
    }
  };
  const remountNow = async (lost: Share, reason: string): Promise<Remounted> => {
    if (lost.watchOnly) {
      const hint = "whoever mounts it has to mount it afresh; start again then";
      throw new AppError(`${lost.label} on ${lost.target} is only watched: ${reason}`, exitCodes.lost, { hint });
    }
    const own = doings.begin(lost);
    const subtree = plan.shares.filter((share) => isAtOrBelow(share, lost));
    const before = takeAway(subtree, reason);
    const isOvertaken = () => own.aborted;
    const isServed = waiter.ready(questionOf(lost), () => {}, own).then(() => true);
    if (!(await isServed.catch(() => false))) {
      signal.throwIfAborted();
      return "overtaken";
    }
    const leave = await enter(lost);
    try {
      if (isOvertaken()) return "overtaken";
      // A hard mount goes on by itself once its server is back, and another instance may have been quicker.
      if (await answersAgain(lost)) {
        for (const share of before) enterMounted(share);
        report.back(before, (share) => made.has(share));
        return "recovered";
      }
      if (isOvertaken()) return "overtaken";
      await takeAlong(
        subtree.filter((share) => share !== lost),
        reason,
      );
      for (const share of subtree) await letGo(share);
      await detach(lost);
    } finally {
      leave();
    }
    if (isOvertaken()) return "overtaken";
    // What was there before is waited for, nofail or not.
    const isOptional = (share: Share) => share.nofail && !wasThere.has(share);
    const again = establishShares(establishPorts, { shares: subtree }, settings, isOptional);
    const settling = again.settled.finally(() => remounting.delete(settling));
    remounting.add(settling);
    try {
      await again.ready;
    } catch (error) {
      if (error instanceof Overtaken) return "overtaken";
      throw error;
    }
    return "remounted";
  };
  const ready = async (): Promise<void> => {
    try {
      await mounting.ready;
    } catch (error) {
      throw await diagnosis.withCause(error);
    } finally {
      clearTimeout(timer);
      diagnosis.stop();
    }
  };
  const settled = async (): Promise<void> => {
    await Promise.allSettled([mounting.settled, ...remounting]);
  };
  const onMounts = (records: readonly MountRecord[]) => keeper.look(records, mounted);
  return { ready: ready(), settled, mounted, ours, generation, onMounts, remount };
}

function directoryAbove(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

/** More mounts than this on top of one another are not ours to clear away. */
const mostLayers = 10;

function isAtOrBelow(share: Share, top: Share): boolean {
  for (let one: Share | undefined = share; one !== undefined; one = one.parent) if (one === top) return true;
  return false;
}
