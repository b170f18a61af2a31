// What comes before any server is asked: may this process mount at all, and the lines of fstab.
import { redact } from "../text/secrets.ts";
import type { KindMounting } from "../kinds/mounting.ts";
import { mountingOf } from "../kinds/mountings.ts";
import { isShareMount } from "../kinds/kinds.ts";
import { topMountOn } from "../shares/mountinfo.ts";
import { foreignLinesOn, fstabLines, type MountPlan, type PlanFacts } from "../plan/plan.ts";
import { resolveTarget } from "../plan/target.ts";
import type { Config } from "../config/config.ts";
import { fromLatin1, toLatin1 } from "../shares/latin1.ts";
import { AppError, exitCodes } from "../errors.ts";
import { blockLines, foreignText, mergeLines, withBlock, type FstabEntry } from "../shares/fstab.ts";
import { refusalOfRights, type MountRights } from "../mount/preflight.ts";
import type { Log } from "../report/log.ts";

export interface PreparePorts {
  readonly log: Log;
  readonly rights: (source: string, target: string, harmless: KindMounting["harmless"]) => MountRights;
  readonly editFstab: (
    path: string,
    edit: (text: string) => string,
  ) => Promise<
    | { readonly kind: "written" | "unchanged"; readonly text: string }
    | { readonly kind: "unwritable"; readonly reason: string }
  >;
  /** Who keeps lines in an fstab: each instance, for as long as it lives, those for its targets. */
  readonly lineClaims: {
    readonly stake: (targets: readonly string[]) => void;
    /** The targets of all instances that are running. */
    readonly staked: () => ReadonlySet<string>;
  };
  readonly planFacts: () => PlanFacts;
}

export interface ClearPorts extends Pick<PreparePorts, "log" | "editFstab" | "lineClaims" | "planFacts"> {
  readonly readFstab: (
    path: string,
  ) =>
    | { readonly kind: "text"; readonly text: string; readonly isUnfinished: boolean }
    | { readonly kind: "absent" }
    | { readonly kind: "refused"; readonly reason: string };
}

/** Throws AppError 32 where the first share could not be mounted whatever its server does. */
export function checkRights({ rights }: Pick<PreparePorts, "rights">, { shares }: MountPlan): void {
  const first = shares.find(({ watchOnly }) => !watchOnly);
  if (first === undefined) return;
  const mounting = mountingOf(first);
  const refusal = refusalOfRights(rights(first.label, first.realTarget, mounting.harmless), mounting);
  if (refusal === undefined) return;
  const reason = `cannot mount ${first.label} on ${first.target}: ${refusal.reason}`;
  throw new AppError(reason, exitCodes.mountFailed, { hint: refusal.hint });
}

/** Removes from a file that has them the lines of a plan, and those that nobody keeps; our block goes with its last line. */
export async function clearFstab(ports: ClearPorts, path: string, plan: MountPlan): Promise<void> {
  const { log, editFstab, readFstab } = ports;
  const about = { stage: "fstab", path } as const;
  const found = path === "none" ? undefined : readFstab(path);
  if (found === undefined || found.kind === "absent") return;
  if (found.kind === "refused") {
    return log("warn", "fstab cannot be read, it is left as it is", { ...about, reason: found.reason });
  }
  const edit = (text: string) => editLines(ports, plan, [], text);
  if (!found.isUnfinished && edit(found.text) === found.text) return;
  const outcome = await editFstab(path, edit);
  if (outcome.kind === "unwritable") {
    log("warn", "our lines could not be removed from fstab", { ...about, reason: outcome.reason });
  }
}

/** Writes our block. A file that cannot be written is a warning. */
export async function writeFstab(
  ports: Pick<PreparePorts, "log" | "editFstab" | "lineClaims" | "planFacts">,
  config: Config,
  plan: MountPlan,
): Promise<void> {
  const { log, editFstab, lineClaims } = ports;
  const path = config.settings.fstab;
  if (path === "none" || plan.shares.every(({ watchOnly }) => watchOnly)) return;
  lineClaims.stake(plan.shares.flatMap(({ target, realTarget }) => [target, realTarget]));
  // The file's bytes come and go as Latin-1; our lines are UTF-8.
  const lines = fstabLines(plan).map(toLatin1);
  const outcome = await editFstab(path, (text) => editLines(ports, plan, lines, text));
  if (outcome.kind === "unwritable") {
    log("warn", "fstab cannot be written, mounting goes on without it", {
      stage: "fstab",
      path,
      reason: outcome.reason,
    });
    return;
  }
  const text = fromLatin1(foreignText(outcome.text));
  for (const { share, source } of foreignLinesOn(plan, text)) {
    log("warn", "another fstab line names the same mount point", {
      stage: "fstab",
      path,
      target: share.target,
      reason: `that line mounts ${redact(source)}, the configuration ${share.label}`,
    });
  }
}

/**
 * The text with `lines` for the shares of a plan in our block. Of the other lines there those stay that belong to an instance
 * which is running, or whose share is mounted.
 */
function editLines(
  { lineClaims, planFacts }: Pick<PreparePorts, "lineClaims" | "planFacts">,
  plan: MountPlan,
  lines: readonly string[],
  text: string,
): string {
  const ownTargets = new Set(plan.shares.flatMap(({ target, realTarget }) => [target, realTarget]));
  const staked = lineClaims.staked();
  const { mounts, readLink } = planFacts();
  const isMounted = ({ source, target }: FstabEntry) => {
    const there = topMountOn(mounts, resolveTarget(fromLatin1(target), mounts, readLink) ?? fromLatin1(target));
    return there !== undefined && isShareMount(there) && there.source === fromLatin1(source);
  };
  const merged = mergeLines(
    blockLines(text),
    lines,
    ({ target }) => ownTargets.has(fromLatin1(target)),
    (entry) => staked.has(fromLatin1(entry.target)) || isMounted(entry),
  );
  return withBlock(text, merged);
}
