// Shares and plans as the tests need them, made by the program's own reading of an environment.
import type { MountWay } from "../../../src/kinds/mounting.ts";
import { mountingOf } from "../../../src/kinds/mountings.ts";
import { planMounts, type MountPlan, type PlanFacts } from "../../../src/plan/plan.ts";
import type { Share } from "../../../src/shares/share.ts";
import { readConfig, type Config, type Environment, type Flags } from "../../../src/config/config.ts";

/** A machine without mounts, symbolic links, or anything left by an earlier instance. */
export const emptyMachine: PlanFacts = { mounts: [], readLink: () => undefined, owned: new Map() };

export function configOf(environment: Environment, flags?: Flags): Config {
  const result = readConfig(environment, flags);
  if (result.kind === "problems") throw new Error(result.problems.join("\n"));
  return result.config;
}

export function planOf(environment: Environment, facts: Partial<PlanFacts> = {}, flags?: Flags): MountPlan {
  const result = planMounts(configOf(environment, flags), { ...emptyMachine, ...facts });
  if (result.kind === "problems") throw new Error(result.problems.join("\n"));
  return result.plan;
}

/** The only share of an environment: `nas:/export` on `/mnt/data` where nothing else is said. */
export function shareOf(environment: Environment = {}): Share {
  const plan = planOf({ NFS_HOST: "nas", NFS_HOST_MOUNT: "/export", NFS_MOUNT_POINT: "/mnt/data", ...environment });
  const [share] = plan.shares;
  if (share === undefined || plan.shares.length > 1) throw new Error(`${plan.shares.length} shares`);
  return share;
}

/** The way to mount a share in one version. */
export function wayOf(share: Share, version: string): MountWay {
  const way = mountingOf(share)
    .ways(share, [])
    .find((one) => one.version === version);
  if (way === undefined) throw new Error(`no way to mount version ${version}`);
  return way;
}
