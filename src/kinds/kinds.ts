// The kinds of share: the one table, and what is asked of whichever kind it is.
import type { MountRecord } from "../shares/mountinfo.ts";
import type { KindName, Share } from "../shares/share.ts";
import type { ParsedSource, ShareKind, SourceProblem } from "./kind.ts";
import { cifs } from "./cifs/cifs.ts";
import { efs } from "./efs/efs.ts";
import { nfs } from "./nfs/nfs.ts";

/** In the order in which a source is offered to them. */
export const kinds: Readonly<Record<KindName, ShareKind>> = { cifs, efs, nfs };

/** The table's rows in order. */
const rows: readonly (readonly [KindName, ShareKind])[] = Object.entries(kinds).map(([name, kind]) => [
  name as KindName,
  kind,
]);

/** What a share is. */
export function kindOf({ kind }: Pick<Share, "kind">): ShareKind {
  return kinds[kind];
}

/** A source and the kind it is of. */
export interface KnownSource extends ParsedSource {
  readonly kind: KindName;
}

/** Reads a source, of whichever kind; expected failures are returned. */
export function readSource(text: string): KnownSource | SourceProblem {
  for (const [name, kind] of rows) {
    if (!kind.sources.isMeant(text)) continue;
    const parsed = kind.sources.parse(text);
    return "problem" in parsed ? parsed : { ...parsed, kind: name };
  }
  return { problem: "it is no source" };
}

/** The forms in which a source is accepted. */
export const acceptedSources = rows.map(([, { sources }]) => sources.accepts).join(", ");

/** The text mount(8) and mountinfo know a share's source by. */
export function labelOf(share: Pick<Share, "kind" | "source">): string {
  return kindOf(share).sources.format(share.source);
}

/** Whether something that is mounted is a share, of whichever kind. */
export function isShareMount(mount: MountRecord): boolean {
  return rows.some(([, { mounts }]) => mounts.isMounted(mount));
}

/** Whether what is mounted is this share. */
export function isShareOf(mount: MountRecord, share: Pick<Share, "kind" | "source">): boolean {
  const { mounts } = kindOf(share);
  return mounts.isMounted(mount) && mounts.isOf(mount, share.source);
}
