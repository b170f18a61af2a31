// A share that is mounted for whoever comes and goes, as the volume of a container does: mounted, watched, mounted afresh, taken down.
import type { Config } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";
import { isShareOf } from "../kinds/kinds.ts";
import { topMountOn } from "../shares/mountinfo.ts";
import type { ShareConfig } from "../shares/share.ts";
import { planShares } from "./plan-shares.ts";
import { Overtaken } from "./managed-share.ts";
import { checkRights } from "./prepare.ts";
import { mountedSession, type Session, type SessionPorts } from "./session.ts";
import { watchMounts, type ShareWatchPorts } from "./share-watch.ts";

export type VolumeMountPorts = SessionPorts & ShareWatchPorts;

export interface VolumeMount {
  /** Where it is mounted, and that with symlinks resolved. */
  readonly target: string;
  readonly realTarget: string;
  /** Why it is lost; undefined while it is not. */
  readonly lost: () => string | undefined;
  /** Settles when it is well: one that was lost is mounted afresh. Throws AppError 124 where that takes longer; 0 is for ever. */
  readonly restored: (limitMs: number) => Promise<void>;
  /** Takes it down. */
  readonly end: () => Promise<void>;
  /** Settles when it is over, however it came to that. */
  readonly over: Promise<void>;
}

/**
 * Mounts a share and watches it until it is ended. Throws AppError 32, 78, or 124 where NFS_WAIT_TIMEOUT runs out, and Overtaken where
 * `calledOff` aborts before it is mounted; nothing is left then.
 */
export async function mountVolume(
  ports: VolumeMountPorts,
  config: Config,
  share: ShareConfig,
  calledOff?: AbortSignal,
): Promise<VolumeMount> {
  const settings = { ...config.settings, watch: "log" as const };
  const plan = planShares(ports.planFacts, { ...config, settings, shares: [share] });
  checkRights(ports, plan);
  const opened = Promise.withResolvers<Pick<VolumeMount, "lost" | "restored">>();
  const ended = Promise.withResolvers<void>();
  let isOpen = false;
  // Who uses it outlives a stop of this instance, and so does the mount.
  const onStop: VolumeMountPorts["onStop"] = (stop) =>
    calledOff?.addEventListener("abort", () => {
      if (!isOpen) stop(0);
    });
  const own: VolumeMountPorts = { ...ports, onStop };
  const over = mountedSession<void>(own, settings, plan, {
    work: async (session) => {
      await session.unlessStopped(session.shares.ready);
      isOpen = true;
      opened.resolve(watched(own, { ...config, settings }, session));
      await ended.promise;
    },
    stopped: () => {},
  });
  over.then(() => opened.reject(new Overtaken()), opened.reject);
  const volume = await opened.promise;
  const end = async (): Promise<void> => {
    ended.resolve();
    await over;
  };
  const realTarget = plan.shares[0]?.realTarget ?? share.target;
  return { ...volume, target: share.target, realTarget, end, over };
}

function watched(
  ports: VolumeMountPorts,
  { settings }: Config,
  { shares, signal, awayBy }: Session,
): Pick<VolumeMount, "lost" | "restored"> {
  let lost: string | undefined;
  let restoring: Promise<void> | undefined;
  const { isAway } = watchMounts(ports, settings, shares, (loss) => (lost = loss.lost), signal);
  awayBy(isAway);
  const [share] = shares.mounted();
  const seenLost = async (): Promise<string | undefined> => {
    if (share === undefined) return undefined;
    const mount = topMountOn(ports.mounter.mounts(), share.realTarget);
    if (mount === undefined || !isShareOf(mount, share)) return "it is no longer mounted";
    const answer = await ports.mounter.statfs(share.realTarget, settings.watchTimeoutMs);
    return answer.kind === "failed" && answer.errno === "ESTALE" ? "it is stale" : undefined;
  };
  const restore = async (reason: string): Promise<void> => {
    if (share !== undefined) await shares.remount(share, reason);
    lost = undefined;
  };
  return {
    lost: () => lost,
    restored: async (limitMs) => {
      // A daemon that ends takes down what it had, under a plugin that goes on, and the watch may not have looked since.
      if (restoring === undefined) lost ??= await seenLost();
      if (lost === undefined) return;
      const reason = lost;
      // One that waits for its server goes on waiting, whoever gives up on it.
      restoring ??= restore(reason).finally(() => (restoring = undefined));
      const late = () =>
        ports.clock.sleep(limitMs, signal).then((): never => {
          throw new AppError(
            `it is lost (${reason}) and was not mounted afresh within ${limitMs / 1_000} s`,
            exitCodes.timedOut,
          );
        });
      await (limitMs === 0 ? restoring : Promise.race([restoring, late()]));
    },
  };
}
