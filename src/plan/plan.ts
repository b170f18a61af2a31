// Config to MountPlan: real targets, refusals, parents before children, and the fstab line of each share.
import type { Share, ShareConfig } from "../shares/share.ts";
import { isShareMount, isShareOf, kindOf, labelOf } from "../kinds/kinds.ts";
import { shown } from "../text/shown.ts";
import { topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import { targetRefusal, resolveTarget, type ReadLink } from "./target.ts";
import { withParents } from "../shares/paths.ts";
import type { Config } from "../config/config.ts";
import { formatFstabLine, parseFstab, type FstabEntry } from "../shares/fstab.ts";

/** Shares in the order in which they may be mounted, parents first. */
export interface MountPlan {
  readonly shares: readonly Share[];
}

export type PlanResult =
  | { readonly kind: "plan"; readonly plan: MountPlan }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

/** What the plan must know of the machine. */
export interface PlanFacts {
  readonly mounts: readonly MountRecord[];
  readonly readLink: ReadLink;
  /** Source by real target of the mounts that an earlier instance of nfs-init made. */
  readonly owned: ReadonlyMap<string, string>;
}

export function planMounts(config: Config, facts: PlanFacts): PlanResult {
  const problems: string[] = [];
  const byTarget = new Map<string, ShareConfig & { readonly realTarget: string }>();
  const stateDir = resolveTarget(config.settings.stateDir, facts.mounts, facts.readLink) ?? config.settings.stateDir;
  const realTargets = resolveTargets(config.shares, facts);
  for (const share of config.shares) {
    const realTarget = realTargets.get(share);
    const reason =
      realTarget === undefined
        ? "its symbolic links run in circles"
        : (targetRefusal(realTarget, facts.mounts, stateDir) ?? takenBy(share, realTarget, byTarget, facts));
    if (reason === undefined && realTarget !== undefined) byTarget.set(realTarget, { ...share, realTarget });
    else problems.push(`${share.origin}: ${nameTarget(share, realTarget)} cannot be a mount point: ${reason}`);
  }
  if (problems.length > 0) return { kind: "problems", problems };

  const planned = new Map<string, Share>();
  const add = (share: ShareConfig & { readonly realTarget: string }): Share => {
    const done = planned.get(share.realTarget);
    if (done !== undefined) return done;
    const [, ...parents] = withParents(share.realTarget);
    const above = parents.map((directory) => byTarget.get(directory)).find((one) => one !== undefined);
    const there = topMountOn(facts.mounts, share.realTarget);
    const isOwn = there !== undefined && facts.owned.get(share.realTarget) === there.source;
    const complete: Share = {
      ...share,
      ...(isOwn && !isShareOf(there, share) ? { replaces: there.source } : {}),
      label: labelOf(share),
      parent: above === undefined ? undefined : add(above),
    };
    planned.set(share.realTarget, complete);
    return complete;
  };
  for (const share of byTarget.values()) add(share);
  return { kind: "plan", plan: { shares: [...planned.values()] } };
}

/** The real target of each share; the shorter ones first, because what lies below them will be hidden by them. */
function resolveTargets(
  shares: readonly ShareConfig[],
  { mounts, readLink }: PlanFacts,
): ReadonlyMap<ShareConfig, string | undefined> {
  const depth = ({ target }: ShareConfig) => target.split("/").length;
  const resolved = new Map<ShareConfig, string | undefined>();
  const planned = new Set<string>();
  for (const share of shares.toSorted((one, other) => depth(one) - depth(other))) {
    const realTarget = resolveTarget(share.target, mounts, readLink, planned);
    resolved.set(share, realTarget);
    if (realTarget !== undefined) planned.add(realTarget);
  }
  return resolved;
}

/** Why a target is taken already: by another share of this configuration, or by a mount that is not ours. */
function takenBy(
  share: ShareConfig,
  realTarget: string,
  others: ReadonlyMap<string, ShareConfig>,
  { mounts, owned }: PlanFacts,
): string | undefined {
  const other = others.get(realTarget);
  if (other !== undefined) return `${other.origin} is the same directory`;
  const there = topMountOn(mounts, realTarget);
  if (
    there === undefined ||
    !isShareMount(there) ||
    isShareOf(there, share) ||
    owned.get(realTarget) === there.source
  ) {
    return undefined;
  }
  return `${there.source} is mounted there, and not by nfs-init; unmount it or choose another directory`;
}

function nameTarget(share: ShareConfig, realTarget: string | undefined): string {
  const target = shown(share.target);
  return realTarget === undefined || realTarget === share.target ? target : `${target} (${shown(realTarget)})`;
}

/** The fstab entry of a share (fstab(5): fs_spec, fs_file, fs_vfstype, fs_mntops, fs_freq, fs_passno). */
export function fstabEntryOf(share: ShareConfig): FstabEntry {
  return {
    source: labelOf(share),
    target: share.target,
    fstype: kindOf(share).mounts.fstype,
    options: share.options.join(","),
    freq: 0,
    passno: 0,
  };
}

/** The fstab lines of a plan, in plan order; what somebody else mounts has its line elsewhere. */
export function fstabLines(plan: MountPlan): readonly string[] {
  return plan.shares.filter(({ watchOnly }) => !watchOnly).map((share) => formatFstabLine(fstabEntryOf(share)));
}

/** The planned shares whose target a foreign line of an fstab text names too, with that line's source. */
export function foreignLinesOn(
  plan: MountPlan,
  foreignText: string,
): readonly { readonly share: Share; readonly source: string }[] {
  const entries = parseFstab(foreignText);
  return plan.shares.flatMap((share) =>
    entries
      .filter(({ target }) => target === share.target || target === share.realTarget)
      .map(({ source }) => ({ share, source })),
  );
}
