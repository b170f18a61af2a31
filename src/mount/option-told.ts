// What is said of a mount option that the kernel refuses, and what to do about it.
import type { RefusedOption } from "../kinds/mounting.ts";
import { mountingOf } from "../kinds/mountings.ts";
import type { Share } from "../shares/share.ts";
import { holdsSecret } from "../text/secrets.ts";
import { shown } from "../text/shown.ts";

/** What a refusal means for whoever wrote the option: a clause each. */
export function describeRefusedOption(
  { word, said }: RefusedOption,
  share: Pick<Share, "kind">,
): {
  readonly reason: string;
  readonly hint: string;
} {
  const isSecret = holdsSecret(word);
  const told = isSecret ? word.replace(/=.*/s, "=***") : shown(word);
  const because = said === undefined || isSecret ? "" : `: ${shown(said)}`;
  return { reason: `the kernel refuses the mount option ${told}${because}`, hint: hintFor(word, share) };
}

function hintFor(word: string, share: Pick<Share, "kind">): string {
  const { hint, manual } = mountingOf(share).options;
  const known = hint(word);
  if (known !== undefined) return known;
  const lower = word.toLowerCase();
  if (word.split("=")[0] !== lower.split("=")[0])
    return `options are written in lower case: ${shown(lower)} in NFS_OPTIONS`;
  return `check it against ${manual}, and remove or correct it in NFS_OPTIONS`;
}
