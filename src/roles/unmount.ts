// unmount: takes down what the configuration names and an instance of nfs-init has mounted, in reverse order, and our fstab lines.
import { isShareMount } from "../kinds/kinds.ts";
import { isShared, topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import type { PlanFacts } from "../plan/plan.ts";
import type { Share } from "../shares/share.ts";
import type { Config } from "../config/config.ts";
import { exitCodes } from "../errors.ts";
import { planShares } from "../lifecycle/plan-shares.ts";
import { clearFstab, type ClearPorts } from "../lifecycle/prepare.ts";
import type { Log } from "../report/log.ts";
import { clearAside } from "../mount/aside.ts";
import { isGuard } from "../mount/guard.ts";
import type { Clock } from "../clock.ts";
import type { Mounter, TargetLock } from "../mount/ports.ts";
import { unmounter } from "../mount/umount.ts";

export interface UnmountPorts extends ClearPorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly mounter: Mounter;
  readonly planFacts: () => PlanFacts;
  readonly lockTarget: (target: string) => TargetLock;
  readonly asidePath: (target: string) => { readonly path: string } | { readonly reason: string };
}

/** More mounts of ours than this on top of one another are not to be expected. */
const mostLayers = 10;

/** Ends with 0 when nothing is left on the targets, with 32 where something is, which is said. */
export async function unmount(ports: UnmountPorts, config: Config): Promise<number> {
  const { log, clock, mounter, lockTarget } = ports;
  const { unmountTimeoutMs } = config.settings;
  const plan = planShares(ports.planFacts, config);
  // Nobody has seen these shares answer: what may hang is done in a process that can be killed, or not at all.
  const { mounts, umount } = mounter;
  const takeDown = unmounter({ mounts, umount }, clock, unmountTimeoutMs, () => false, isShareMount);
  const topOf = (share: Share) => topMountOn(mounter.mounts(), share.realTarget);
  const isOurs = (there: MountRecord) =>
    isGuard(there) || (isShareMount(there) && ports.planFacts().owned.get(there.target) === there.source);

  /** Takes down what is on top as long as it is ours. */
  const clear = async (share: Share): Promise<void> => {
    for (let layers = 0; layers < mostLayers; layers++) {
      const there = topOf(share);
      if (there === undefined || !isOurs(there)) return;
      if (isGuard(there)) {
        const plain = await mounter.umount(share.realTarget, "plain", unmountTimeoutMs);
        // Other mount namespaces may have a share on it.
        if (plain.kind !== "done" && !isShared(there)) await mounter.umount(share.realTarget, "lazy", unmountTimeoutMs);
        if (topOf(share)?.id === there.id) return;
        continue;
      }
      const result = await takeDown(share);
      if (result === "left" || result === "in-use") return;
      const about = { stage: "umount", source: there.source, target: share.target } as const;
      log(result === "detached" ? "warn" : "info", result === "detached" ? lazily : "unmounted", about);
    }
  };

  /** Takes away what an instance that was killed was putting together out of sight; whether nothing is left of it. */
  const clearHidden = async (share: Share): Promise<boolean> => {
    const aside = ports.asidePath(share.realTarget);
    if (!("path" in aside)) return true;
    await clearAside(mounter, clock, aside.path, unmountTimeoutMs);
    if (!mounter.mounts().some(({ target }) => target === aside.path)) return true;
    log("error", "could not be unmounted", { stage: "umount", source: share.label, target: aside.path });
    return false;
  };

  /** Whether nothing is left of it. */
  const unmountOne = async (share: Share): Promise<boolean> => {
    const onTarget = () => mounter.mounts().filter(({ target }) => target === share.realTarget);
    const isConcern = (there: MountRecord) => isShareMount(there) || isGuard(there);
    const lock = lockTarget(share.realTarget);
    if (lock.kind !== "busy") await clear(share);
    const isHiddenGone = lock.kind === "busy" || (await clearHidden(share));
    const left = onTarget().findLast(isConcern);
    if (lock.kind === "locked") {
      if (left === undefined) lock.note(undefined);
      lock.release();
    }
    if (left === undefined) return isHiddenGone;
    const about = { stage: "umount", source: isGuard(left) ? share.label : left.source, target: share.target } as const;
    if (!isOurs(left)) log("warn", "left mounted, it was not mounted by nfs-init", about);
    else if (lock.kind === "busy") log("error", "left mounted, an nfs-init that is running looks after it", about);
    else if (left.id !== topOf(share)?.id) log("error", "left mounted, something else is mounted over it", about);
    else log("error", "could not be unmounted", about);
    return false;
  };
  const results: boolean[] = [];
  for (const share of plan.shares.toReversed().filter(({ watchOnly }) => !watchOnly))
    results.push(await unmountOne(share));
  // While something is left, its line is too.
  if (results.includes(false)) return exitCodes.mountFailed;
  await clearFstab(ports, config.settings.fstab, plan);
  return exitCodes.ok;
}

const lazily = "unmounted lazily, it was busy or did not answer";
