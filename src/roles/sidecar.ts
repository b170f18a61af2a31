// sidecar: mounts for the processes of other containers, watches and heals, and unmounts when it is stopped.
import type { PlanFacts } from "../plan/plan.ts";
import type { Config } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";
import type { InitPorts } from "../init/supervise.ts";
import { mountShares, type MountedShares, type MountSharesPorts } from "../lifecycle/mount-shares.ts";
import { planShares } from "../lifecycle/plan-shares.ts";
import { checkRights, writeFstab, type PreparePorts } from "../lifecycle/prepare.ts";
import { remounter } from "../lifecycle/remounter.ts";
import { watchMounts, type ShareWatch, type ShareWatchPorts } from "../lifecycle/share-watch.ts";
import { abortedBy, settleMs, Stopped } from "../lifecycle/stop.ts";
import { undoStack } from "../lifecycle/undo.ts";

export interface SidecarPorts extends MountSharesPorts, ShareWatchPorts, PreparePorts {
  readonly planFacts: () => PlanFacts;
  /** Reaps what `exec` into the container leaves behind, where we are its PID 1. */
  readonly init: Pick<InitPorts, "reapChildren">;
  /** Called with the first stop signal. */
  readonly onStop: (stop: (signal: number) => void) => void;
}

/** Ends with 0 when it is stopped; throws AppError 32, 75, 78 or 124. */
export async function sidecar(ports: SidecarPorts, config: Config): Promise<number> {
  const { log, clock, init } = ports;
  const { settings } = config;
  const plan = planShares(ports.planFacts, config);
  checkRights(ports, plan);
  await writeFstab(ports, config, plan);
  init.reapChildren(() => {});
  const undo = undoStack((error) => log("warn", "could not undo a step", { stage: "umount", reason: String(error) }));
  const stop = new AbortController();
  ports.onStop((signal) => stop.abort(new Stopped(signal)));
  const stopped = abortedBy(stop.signal);
  let shares: MountedShares | undefined;
  let watch: ShareWatch | undefined;
  try {
    shares = mountShares(ports, settings, plan, stop, undo, {
      isAway: (share) => watch?.isAway(share) === true,
      isSidecar: true,
    });
    await Promise.race([shares.ready, stopped]);
    log("info", "every share is mounted", { stage: "mount" });
    const failed = new Promise<never>((_, reject) => {
      const all = shares;
      if (all === undefined) return;
      const lose = ({ label, target }: { readonly label: string; readonly target: string }, reason: string) =>
        reject(new AppError(`${label} on ${target} is lost: ${reason}`, exitCodes.lost, { hint: "start it again" }));
      const remount = remounter(ports, all, stop.signal, {
        onRemounted: () => {},
        onFailed: (share, error) => lose(share, error.message),
      });
      watch = watchMounts(
        ports,
        settings,
        all,
        (loss) => {
          // What somebody else mounts is somebody else's to heal.
          if (loss.share.watchOnly && settings.watch === "remount") return;
          if (settings.watch === "remount") remount(loss);
          else if (settings.watch === "exit") lose(loss.share, loss.lost);
        },
        stop.signal,
      );
    });
    await Promise.race([stopped, failed]);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    log("info", "stopped", { stage: "init", signal: error.signal });
    return exitCodes.ok;
  } finally {
    stop.abort(new Error("nfs-init ends"));
    if (shares !== undefined) await Promise.race([shares.settled(), clock.sleep(settleMs)]);
    await undo.unwind();
  }
}
