// sidecar: mounts for the processes of other containers, watches and heals, and unmounts when it is stopped.
import type { Config, Settings } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";
import { remounter } from "../lifecycle/remounter.ts";
import { mountedSession, preparePlan, type Session, type SessionPorts } from "../lifecycle/session.ts";
import { watchMounts, type Loss, type ShareWatchPorts } from "../lifecycle/share-watch.ts";
import type { Share } from "../shares/share.ts";

export type SidecarPorts = SessionPorts & ShareWatchPorts;

/** Ends with 0 when it is stopped; throws AppError 32, 75, 78 or 124. */
export async function sidecar(ports: SidecarPorts, config: Config): Promise<number> {
  const { log } = ports;
  const plan = await preparePlan(ports, config);
  return mountedSession(ports, config.settings, plan, {
    isSidecar: true,
    work: async (session) => {
      await session.unlessStopped(session.shares.ready);
      log("info", "every share is mounted", { stage: "mount" });
      await session.unlessStopped(watchUntilLost(ports, config.settings, session));
      return exitCodes.ok;
    },
    stopped: (signal) => {
      log("info", "stopped", { stage: "init", signal });
      return exitCodes.ok;
    },
  });
}

/** Watches and heals; rejects with an AppError 75 where a share is lost that is not healed. */
function watchUntilLost(ports: SidecarPorts, settings: Settings, { shares, signal, awayBy }: Session): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const lose = ({ label, target }: Share, reason: string) =>
    reject(new AppError(`${label} on ${target} is lost: ${reason}`, exitCodes.lost, { hint: "start it again" }));
  const remount = remounter(ports.clock, shares, signal, {
    onRemounted: () => {},
    onFailed: (share, error) => lose(share, error.message),
  });
  const onLost = (loss: Loss) => {
    // What somebody else mounts is somebody else's to heal.
    if (loss.share.watchOnly && settings.watch === "remount") return;
    if (settings.watch === "remount") remount(loss);
    else if (settings.watch === "exit") lose(loss.share, loss.lost);
  };
  awayBy(watchMounts(ports, settings, shares, onLost, signal).isAway);
  return promise;
}
