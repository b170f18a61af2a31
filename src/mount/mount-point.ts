// The mount point of a share: made ready, or why there is none to be had.
import { isShareOf } from "../kinds/kinds.ts";
import { topMountOn } from "../shares/mountinfo.ts";
import type { Share } from "../shares/share.ts";
import { failed, type AttemptPorts, type AttemptResult } from "./attempt-ports.ts";
import { notStartedWords, type Mounter, type Prepared } from "./ports.ts";

/** Makes the mount point ready and guards it. */
export async function prepareMountPoint(
  { mounter, tell, guard }: Pick<AttemptPorts, "mounter" | "tell" | "guard">,
  share: Share,
  timeoutMs: number,
): Promise<Prepared> {
  // Without the share above it the way leads to that one's guard, or to the local disk; it may go at any moment.
  if (lacksAbove(mounter, share)) return aboveIsGone;
  const prepared = await mounter.prepare(share.realTarget, share.parent?.realTarget, timeoutMs);
  if (prepared.kind === "refused" && lacksAbove(mounter, share)) return aboveIsGone;
  if (prepared.kind === "prepared") {
    if (!prepared.isEmpty) tell({ kind: "not-empty", share });
    await guard(share, prepared.path);
  }
  return prepared;
}

const aboveIsGone: Prepared = { kind: "failed", reason: "the share above it is not mounted" };

function lacksAbove(mounter: Mounter, { parent }: Share): boolean {
  if (parent === undefined) return false;
  const there = topMountOn(mounter.mounts(), parent.realTarget);
  return there === undefined || !isShareOf(there, parent);
}

/** A mount point that cannot be had: for now where what lies above it does not answer, for good where it is refused. */
export function unusable(share: Share, prepared: Exclude<Prepared, { kind: "prepared" }>): AttemptResult {
  const { realTarget, parent } = share;
  if (prepared.kind === "failed") return failed(`the mount point cannot be reached: ${prepared.reason}`);
  if (prepared.kind === "no-answer") {
    const { notStarted } = prepared;
    if (notStarted !== undefined) return failed(`the mount point cannot be made: ${notStartedWords(notStarted)}`);
    return failed(`the directory above ${realTarget} does not answer`);
  }
  const reason = `cannot use ${realTarget} as mount point: ${prepared.reason}`;
  const hint = refusalHint(prepared.errno, parent);
  return { kind: "failed", failure: { prospect: "permanent", everyVersion: true, reason, ...(hint && { hint }) } };
}

/** What to do where a mount point cannot be made. */
function refusalHint(errno: string | undefined, parent: Share | undefined): string | undefined {
  const cannotChange = errno === "EROFS";
  if (!cannotChange && errno !== "EACCES" && errno !== "EPERM") return undefined;
  if (parent === undefined) return "make the directory in the image, or name a mount point that can be made";
  return cannotChange
    ? `make the directory on the server, or export ${parent.label} read-write and mount it so`
    : `make the directory on the server, or let root make it: export ${parent.label} with no_root_squash`;
}
