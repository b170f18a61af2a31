// Whether a mount that was reported is there: nobody is believed but mountinfo and the server behind it.
import { isShareOf } from "../kinds/kinds.ts";
import { topMountOn } from "../shares/mountinfo.ts";
import { isReadOnly } from "../shares/options.ts";
import type { Share } from "../shares/share.ts";
import { isAlive, isNotStarted, silence } from "./answers.ts";
import type { Mounter } from "./ports.ts";

/** Why a mount that was reported is not believed, and taken back if it is ours; undefined when mountinfo shows it and statfs answers. */
export async function disbelieve(
  mounter: Mounter,
  share: Share,
  seenAt: string,
  isOurs: boolean,
  timeoutMs: number,
): Promise<string | undefined> {
  const takeBack = () => (isOurs ? mounter.umount(seenAt, "lazy", timeoutMs) : undefined);
  const there = topMountOn(mounter.mounts(), seenAt);
  if (there === undefined || !isShareOf(there, share)) {
    return `the mount call reported success, but mountinfo does not show ${share.label} on ${seenAt}`;
  }
  if (isReadOnly(there.options) && !isReadOnly(share.options)) {
    await takeBack();
    return "it was mounted read-only although read-write was asked for";
  }
  const answer = await mounter.statfs(seenAt, timeoutMs);
  if (isAlive(answer)) return undefined;
  await takeBack();
  if (isNotStarted(answer)) return `it was mounted but ${silence(answer)}`;
  return `it was mounted but does not answer (statfs: ${answer.kind === "failed" ? answer.errno : "no answer in time"})`;
}
