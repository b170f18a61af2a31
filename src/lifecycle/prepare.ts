// What comes before any server is asked: may this process mount at all, and the lines of fstab.
import type { Config } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";
import { redact } from "../config/secrets.ts";
import { foreignText, withBlock } from "../fstab/fstab.ts";
import { foreignLinesOn, fstabLines, type MountPlan } from "../fstab/plan.ts";
import { refusalOfRights, type MountRights } from "../mount/preflight.ts";
import type { Log } from "./log.ts";

export interface PreparePorts {
  readonly log: Log;
  readonly rights: (source: string, target: string) => MountRights;
  readonly editFstab: (
    path: string,
    edit: (text: string) => string,
  ) => Promise<
    | { readonly kind: "written" | "unchanged"; readonly text: string }
    | { readonly kind: "unwritable"; readonly reason: string }
  >;
}

/** Throws AppError 32 where the first share could not be mounted whatever its server does. */
export function checkRights({ rights }: Pick<PreparePorts, "rights">, { shares }: MountPlan): void {
  const first = shares.find(({ watchOnly }) => !watchOnly);
  if (first === undefined) return;
  const refusal = refusalOfRights(rights(first.label, first.realTarget));
  if (refusal === undefined) return;
  const reason = `cannot mount ${first.label} on ${first.target}: ${refusal.reason}`;
  throw new AppError(reason, exitCodes.mountFailed, { hint: refusal.hint });
}

/** Removes our block from a file that has one. */
export async function clearFstab(
  {
    log,
    editFstab,
    readFile,
  }: Pick<PreparePorts, "log" | "editFstab"> & { readonly readFile: (path: string) => string | undefined },
  path: string,
): Promise<void> {
  const text = path === "none" ? undefined : readFile(path);
  if (text === undefined || foreignText(text) === text) return;
  const outcome = await editFstab(path, foreignText);
  if (outcome.kind === "unwritable") {
    log("warn", "our lines could not be removed from fstab", { stage: "fstab", path, reason: outcome.reason });
  }
}

/** Writes our block; `defaultPath` is the file where NFS_FSTAB names none. A file that cannot be written is a warning. */
export async function writeFstab(
  { log, editFstab }: Pick<PreparePorts, "log" | "editFstab">,
  config: Config,
  plan: MountPlan,
  defaultPath: string,
): Promise<void> {
  const path = config.settings.fstab ?? defaultPath;
  if (path === "none" || plan.shares.every(({ watchOnly }) => watchOnly)) return;
  // The file's bytes come and go as Latin-1; our lines are UTF-8.
  const lines = fstabLines(plan).map((line) => Buffer.from(line).toString("latin1"));
  const outcome = await editFstab(path, (text) => withBlock(text, lines));
  if (outcome.kind === "unwritable") {
    log("warn", "fstab cannot be written, mounting goes on without it", {
      stage: "fstab",
      path,
      reason: outcome.reason,
    });
    return;
  }
  const text = Buffer.from(foreignText(outcome.text), "latin1").toString();
  for (const { share, source } of foreignLinesOn(plan, text)) {
    log("warn", "another fstab line names the same mount point", {
      stage: "fstab",
      path,
      target: share.target,
      reason: `that line mounts ${redact(source)}, the configuration ${share.label}`,
    });
  }
}
