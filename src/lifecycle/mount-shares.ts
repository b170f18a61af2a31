// Mounts the shares of a plan with everything that belongs to it, and remembers how to take each down again.
import type { Network } from "../ask/network.ts";
import type { Settings } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";
import type { Clock } from "../clock.ts";
import type { Mounter, TargetLock } from "../mount/ports.ts";
import { unmounter } from "../mount/umount.ts";
import type { MountPlan } from "../plan/plan.ts";
import type { ShareEvent, Tell } from "../report/events.ts";
import type { MountRecord } from "../shares/mountinfo.ts";
import type { Share } from "../shares/share.ts";
import { asking, askServer, mountAddresses, questionOf } from "../kinds/servers.ts";
import { serverKey, serverWaiter, type WaitPorts } from "../wait/wait.ts";
import { asidePlaces, type AsideMachine } from "./aside.ts";
import { startDiagnosis, type Diagnosis, type DiagnosisPorts } from "./diagnosis.ts";
import { establishShares, type EstablishPorts, type Establishing } from "./establish.ts";
import { guardsOf } from "./guards.ts";
import { hold } from "./holding.ts";
import { keeperOf, type Keeper, type KeeperMachine } from "./keeper.ts";
import { beginDoing, manageShares, type ManagedShares } from "./managed-share.ts";
import type { Mounting } from "./mounting.ts";
import { remountTree, type Remounted } from "./remounting.ts";
import { enterTarget, lockShare, sayWhatGoes, undoLater } from "./take-down.ts";
import { serverGates, type ServerGates } from "./server-gates.ts";
import { pendingReasons, teller, tellNotReady } from "./teller.ts";
import type { UndoStack } from "./undo.ts";

export interface MountSharesPorts extends DiagnosisPorts, AsideMachine, KeeperMachine {
  readonly board: { readonly tell: Tell };
  readonly clock: Clock;
  readonly network: Network;
  /** How servers are asked whether they are ready, where that is not over `network` each time. */
  readonly ask?: WaitPorts["ask"];
  /** The ways in to servers, where others mount from them beside these shares. */
  readonly gates?: ServerGates;
  readonly mounter: Mounter;
  readonly lockTarget: (target: string) => TargetLock;
  /** Waits for the lock on a local directory; undefined where it cannot be had in time. */
  readonly lockDirectory: (path: string) => Promise<(() => void) | undefined>;
  readonly loadModules: EstablishPorts["loadModules"];
  readonly tryCalls: EstablishPorts["tryCalls"];
}

export interface MountedShares extends Pick<Establishing, "ready"> {
  /** Settles when nothing is going on any more, fresh mounts of lost shares included. */
  readonly settled: () => Promise<void>;
  /** The shares that are mounted now, by this instance or by another. */
  readonly mounted: () => readonly Share[];
  readonly isMounted: (share: Share) => boolean;
  /** Whether this instance mounted a share, and takes it down. */
  readonly isOurs: (share: Share) => boolean;
  /** How often a share was mounted afresh, or taken for healed. */
  readonly generation: (share: Share) => number;
  /** Told of the mounts there are each time that somebody has looked. */
  readonly onMounts: (records: readonly MountRecord[]) => void;
  /** Told of what is seen of the shares, too. */
  readonly tell: Tell;
  /**
   * Waits until the server of a lost share answers, detaches the share with everything below it, and mounts all of that afresh.
   * Rejects with an AppError where it cannot be mounted any more.
   */
  readonly remount: (share: Share, reason: string) => Promise<Remounted>;
}

export interface MountSharesOptions {
  /** Tells of a share that is known not to answer: its unmount does not wait for it. */
  readonly isAway: (share: Share) => boolean;
  /** Mounts are for processes of other mount namespaces; see holding.ts. */
  readonly isSidecar?: boolean;
}

/**
 * Starts mounting; what was done is pushed on `undo`. `stop` ends the mounting; it is aborted with an AppError 124 when NFS_WAIT_TIMEOUT runs out.
 */
export function mountShares(
  ports: MountSharesPorts,
  settings: Settings,
  plan: MountPlan,
  stop: AbortController,
  undo: UndoStack,
  options: MountSharesOptions,
): MountedShares {
  const shares = manageShares(plan.shares);
  const keeper = keeperOf(ports, plan.shares, settings, undo);
  const mounting = mountingOf(ports, settings, plan, shares, keeper, stop.signal, undo, options);
  const diagnosis = startDiagnosis(ports, settings, shares.waiting);
  const establishing = establishShares(mounting.establish, plan, settings);
  const callOff = limitWaiting(ports.clock, settings, shares, diagnosis, establishing, stop);
  const ready = async (): Promise<void> => {
    try {
      await establishing.ready;
    } catch (error) {
      throw await diagnosis.withCause(error);
    } finally {
      callOff();
      diagnosis.stop();
    }
  };
  const remounting = new Set<Promise<unknown>>();
  const goesOn = <T>(going: Promise<T>): Promise<T> => {
    const over = going.finally(() => remounting.delete(over));
    remounting.add(over);
    return over;
  };
  return {
    ready: ready(),
    settled: async () => {
      await Promise.allSettled([establishing.settled, ...remounting]);
    },
    mounted: shares.mounted,
    isMounted: (share) => shares.of(share).phase === "mounted",
    isOurs: (share) => shares.of(share).isOurs,
    generation: (share) => shares.of(share).generation,
    onMounts: (records) => keeper.look(records, shares.mounted()),
    tell: mounting.tell,
    remount: (share, reason) => goesOn(remountTree(mounting, share, reason, ({ settled }) => void goesOn(settled))),
  };
}

/** Ends the waiting when NFS_WAIT_TIMEOUT runs out; gives what calls that off. */
function limitWaiting(
  clock: Clock,
  { waitTimeoutMs }: Settings,
  shares: ManagedShares,
  diagnosis: Diagnosis,
  establishing: Establishing,
  stop: AbortController,
): () => void {
  const giveUp = () => {
    if (shares.waiting().every(({ nofail }) => nofail)) return establishing.startWithout();
    const reason = `not mounted within ${waitTimeoutMs / 1_000} s: ${pendingReasons(shares).join("; ")}`;
    const hint = diagnosis.found() ?? "check the server, or raise NFS_WAIT_TIMEOUT";
    stop.abort(new AppError(reason, exitCodes.timedOut, { hint }));
  };
  return waitTimeoutMs === 0 ? () => {} : clock.later(waitTimeoutMs, giveUp);
}

function mountingOf(
  ports: MountSharesPorts,
  settings: Settings,
  plan: MountPlan,
  shares: ManagedShares,
  keeper: Keeper,
  signal: AbortSignal,
  undo: UndoStack,
  { isAway, isSidecar = false }: MountSharesOptions,
): Mounting {
  const { log, clock, network, mounter, lockTarget, lockDirectory } = ports;
  const tell = teller(ports, shares);
  const onNotEmpty = (share: Share) => tell({ kind: "not-empty", share });
  const guards = guardsOf({ log, mounter, isAway, onNotEmpty }, shares, settings, undo);
  const waiterPorts = { clock, ask: ports.ask ?? asking(network), tell: tellNotReady(tell, shares) };
  const waiter = serverWaiter(waiterPorts, settings.attemptTimeoutMs, signal);
  const gates = ports.gates ?? serverGates(clock);
  const establish: EstablishPorts = {
    begin: (share) => beginDoing(shares.of(share), signal),
    gate: (share, one) => gates(serverKey(questionOf(share)), one),
    enter: (share) => enterTarget(mounting, share),
    mounter,
    clock,
    lock: (share) => lockShare(mounting, share),
    guard: guards.put,
    lacksGuard: guards.isMissing,
    onDetaching: (share) => sayWhatGoes(mounting, share),
    aside: asidePlaces(ports, settings, shares, guards, keeper, undo),
    serverReady: (share, notYet, unneeded) => waiter.ready(questionOf(share), notYet, unneeded),
    serverAnswers: async (share, asked) => (await askServer(network, questionOf(share), asked)).kind === "ready",
    addresses: (share, ready, version, asked) => mountAddresses(network, questionOf(share), ready, version, asked),
    tryCalls: ports.tryCalls,
    loadModules: (names) => (settings.modprobe === "off" ? Promise.resolve() : ports.loadModules(names)),
    tell: (event) => settle(mounting, event),
    onMounting: (share) => undoLater(mounting, share),
  };
  const unmount = unmounter(mounter, clock, settings.unmountTimeoutMs, isAway);
  const common = { plan, settings, shares, tell, clock, mounter, guards, waiter, undo, signal, isSidecar };
  const mounting: Mounting = { ...common, lockTarget, lockDirectory, unmount, establish };
  return mounting;
}

/** What the end of an attempt says of whose a mount is; then it is told. */
function settle(mounting: Mounting, event: ShareEvent): void {
  const { shares, tell } = mounting;
  if (event.kind === "mounted") {
    const managed = shares.of(event.share);
    // A call that was cut short may have come about after all: what the next attempt finds is ours then.
    const isOurs = event.isOurs || managed.isCutShort;
    managed.isCutShort = false;
    managed.isMade = isOurs;
    if (!isOurs) managed.isOurs = false;
    hold(mounting, event.share);
    return tell({ ...event, isOurs });
  }
  if (event.kind === "attempt-failed") {
    const managed = shares.of(event.share);
    // What is there after a call that failed by itself was made by somebody else.
    if (event.failure.cutShort === true) managed.isCutShort = true;
    if (!managed.isCutShort) managed.isOurs = false;
  }
  tell(event);
}
