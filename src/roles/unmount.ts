// unmount: takes down what the configuration names and an instance of nfs-init has mounted, in reverse order, and our fstab lines.
import type { Config } from "../config/config.ts";
import { exitCodes } from "../errors.ts";
import { isNfs, topMountOn } from "../fstab/mountinfo.ts";
import { isShareOf, type PlanFacts, type Share } from "../fstab/plan.ts";
import { planShares } from "../lifecycle/plan-shares.ts";
import { clearFstab, type PreparePorts } from "../lifecycle/prepare.ts";
import type { Log } from "../lifecycle/log.ts";
import { clearAside } from "../mount/aside.ts";
import { isGuard } from "../mount/guard.ts";
import type { Clock, Mounter, TargetLock } from "../mount/ports.ts";
import { unmounter } from "../mount/umount.ts";

export interface UnmountPorts extends Pick<PreparePorts, "editFstab"> {
  readonly log: Log;
  readonly clock: Clock;
  readonly mounter: Mounter;
  readonly planFacts: () => PlanFacts;
  readonly lockTarget: (target: string) => TargetLock;
  readonly asidePath: (target: string) => { readonly path: string } | { readonly reason: string };
  readonly readFile: (path: string) => string | undefined;
}

/** Ends with 0 when nothing of ours is left, with 32 where something is. */
export async function unmount(ports: UnmountPorts, config: Config): Promise<number> {
  const { log, clock, mounter, lockTarget } = ports;
  const plan = planShares(ports.planFacts, config);
  const { owned } = ports.planFacts();
  const takeDown = unmounter(mounter, clock, config.settings.unmountTimeoutMs);

  /** Whether nothing of it is left that is ours. */
  const unmountOne = async (share: Share): Promise<boolean> => {
    const about = { stage: "umount", source: share.label, target: share.target } as const;
    const there = topMountOn(mounter.mounts(), share.realTarget);
    const isMounted = there !== undefined && isNfs(there) && isShareOf(there, share);
    const isOurs = owned.get(share.realTarget) === share.label;
    if (isMounted && !isOurs) {
      log("info", "left mounted, it was not mounted by nfs-init", about);
      return true;
    }
    const lock = lockTarget(share.realTarget);
    if (lock.kind === "busy") {
      log("error", "left mounted, an nfs-init that is running looks after it", about);
      return !isMounted;
    }
    if (isMounted) {
      const result = await takeDown(share);
      if (result === "left" || result === "in-use") {
        log("error", "could not be unmounted", about);
        return false;
      }
      log(result === "detached" ? "warn" : "info", result === "detached" ? lazily : "unmounted", about);
    }
    // An instance that was killed may have been putting it together.
    const aside = ports.asidePath(share.realTarget);
    if ("path" in aside) await clearAside(mounter, clock, aside.path, config.settings.unmountTimeoutMs);
    const now = topMountOn(mounter.mounts(), share.realTarget);
    if (now !== undefined && isGuard(now))
      await mounter.umount(share.realTarget, "plain", config.settings.unmountTimeoutMs);
    if (lock.kind === "locked") {
      lock.note(undefined);
      lock.release();
    }
    return true;
  };
  const results: boolean[] = [];
  for (const share of plan.shares.toReversed().filter(({ watchOnly }) => !watchOnly))
    results.push(await unmountOne(share));
  // While something is left, its line is too.
  if (results.includes(false)) return exitCodes.mountFailed;
  await clearFstab(ports, config.settings.fstab ?? "/etc/fstab");
  return exitCodes.ok;
}

const lazily = "unmounted lazily, it was busy or did not answer";
