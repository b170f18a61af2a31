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
  const [name, kind] = kindMeantBy(text);
  const parsed = kind.sources.parse(text);
  return "problem" in parsed ? parsed : { ...parsed, kind: name };
}

/** A server as NFS_HOST names it, and the kind it is of; undefined where the text names none. */
export function readHost(text: string): { readonly kind: KindName; readonly host: string } | undefined {
  const [kind, { sources }] = kindMeantBy(text);
  const host = sources.host(text);
  return host === undefined ? undefined : { kind, host };
}

/** Where a text names no server: the mistake that it looks like, and the way out. */
export function explainHost(text: string): string | undefined {
  return kindMeantBy(text)[1].sources.explainHost(text);
}

function kindMeantBy(text: string): readonly [KindName, ShareKind] {
  return rows.find(([, { sources }]) => sources.isMeant(text)) ?? ["nfs", nfs];
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
