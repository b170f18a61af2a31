// What run, mount and sidecar have in common: the plan is mounted, a stop ends what goes on, and the way out takes everything back.
import type { Config, Settings } from "../config/config.ts";
import type { MountPlan, PlanFacts } from "../plan/plan.ts";
import type { Share } from "../shares/share.ts";
import { mountShares, type MountedShares, type MountSharesPorts } from "./mount-shares.ts";
import { planShares } from "./plan-shares.ts";
import { checkRights, writeFstab, type PreparePorts } from "./prepare.ts";
import { abortedBy, settleMs, Stopped } from "./stop.ts";
import { undoStack } from "./undo.ts";

export interface SessionPorts extends MountSharesPorts, PreparePorts {
  readonly planFacts: () => PlanFacts;
  /** Called with the first stop signal. */
  readonly onStop: (stop: (signal: number) => void) => void;
}

/** The plan of a configuration, once it is known that it can be carried out here; fstab has its lines. */
export async function preparePlan(ports: SessionPorts, config: Config): Promise<MountPlan> {
  const plan = planShares(ports.planFacts, config);
  checkRights(ports, plan);
  await writeFstab(ports, config, plan);
  return plan;
}

/** While shares are mounted. */
export interface Session {
  readonly shares: MountedShares;
  /** Aborts with `Stopped` when a stop signal comes, and when the session ends. */
  readonly signal: AbortSignal;
  /** The same as `promise`, but rejects when `signal` aborts. */
  readonly unlessStopped: <T>(promise: Promise<T>) => Promise<T>;
  /** What is known of shares that do not answer, from now on: their unmount does not wait for them. */
  readonly awayBy: (isAway: (share: Share) => boolean) => void;
}

export interface SessionSteps<T> {
  readonly isSidecar?: boolean;
  /** Whether the shares stay mounted when `work` has come to its end. */
  readonly leavesMounts?: boolean;
  readonly work: (session: Session) => Promise<T>;
  /** What a stop signal makes of it. */
  readonly stopped: (signal: number) => T;
}

/** Mounts the plan, does the work, and takes everything down again, whatever has happened. */
export async function mountedSession<T>(
  ports: SessionPorts,
  settings: Settings,
  plan: MountPlan,
  { isSidecar = false, leavesMounts = false, work, stopped }: SessionSteps<T>,
): Promise<T> {
  const { log, clock, onStop } = ports;
  const undo = undoStack((error) => log("warn", "could not undo a step", { stage: "umount", reason: String(error) }));
  const stop = new AbortController();
  onStop((signal) => stop.abort(new Stopped(signal)));
  let isAway: (share: Share) => boolean = () => false;
  const shares = mountShares(ports, settings, plan, stop, undo, { isAway: (share) => isAway(share), isSidecar });
  // Looked at below; until then it must not count as unhandled.
  shares.ready.catch(() => {});
  let isLeft = false;
  try {
    const result = await work({
      shares,
      signal: stop.signal,
      unlessStopped: (promise) => Promise.race([promise, abortedBy(stop.signal)]),
      awayBy: (known) => {
        isAway = known;
      },
    });
    isLeft = leavesMounts;
    return result;
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return stopped(error.signal);
  } finally {
    if (!isLeft) {
      // What is still going on is cut short before anything is taken down.
      stop.abort(new Error("nfs-init ends"));
      await Promise.race([shares.settled(), clock.sleep(settleMs)]);
      await undo.unwind();
    }
  }
}
