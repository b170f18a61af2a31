// mount: waits, mounts, and leaves the shares mounted.
import type { PlanFacts } from "../plan/plan.ts";
import type { Config } from "../config/config.ts";
import { exitCodes } from "../errors.ts";
import { mountShares, type MountedShares, type MountSharesPorts } from "../lifecycle/mount-shares.ts";
import { planShares } from "../lifecycle/plan-shares.ts";
import { checkRights, writeFstab, type PreparePorts } from "../lifecycle/prepare.ts";
import { abortedBy, settleMs, Stopped } from "../lifecycle/stop.ts";
import { undoStack } from "../lifecycle/undo.ts";

export interface MountPorts extends MountSharesPorts, PreparePorts {
  readonly planFacts: () => PlanFacts;
  /** Called with the first stop signal. */
  readonly onStop: (stop: (signal: number) => void) => void;
}

/** Ends with 0 when every share is mounted, with 128+n when it is stopped before; what it has mounted is undone then. */
export async function mount(ports: MountPorts, config: Config): Promise<number> {
  const { log, clock } = ports;
  const plan = planShares(ports.planFacts, config);
  checkRights(ports, plan);
  await writeFstab(ports, config, plan);
  const undo = undoStack((error) => log("warn", "could not undo a step", { stage: "umount", reason: String(error) }));
  const stop = new AbortController();
  ports.onStop((signal) => stop.abort(new Stopped(signal)));
  let shares: MountedShares | undefined;
  try {
    shares = mountShares(ports, config.settings, plan, stop, undo, { isAway: () => false });
    await Promise.race([shares.ready, abortedBy(stop.signal)]);
    return exitCodes.ok;
  } catch (error) {
    stop.abort(new Error("nfs-init ends"));
    if (shares !== undefined) await Promise.race([shares.settled(), clock.sleep(settleMs)]);
    await undo.unwind();
    if (!(error instanceof Stopped)) throw error;
    log("info", "stopped before every share was mounted", { stage: "mount", signal: error.signal });
    return exitCodes.signalBase + error.signal;
  }
}
