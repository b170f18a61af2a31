// How each kind of share is mounted: the one table.
import type { KindName, Share } from "../shares/share.ts";
import { cifsMounting } from "./cifs/mounting.ts";
import { efsMounting } from "./efs/mounting.ts";
import type { KindMounting } from "./mounting.ts";
import { nfsMounting } from "./nfs/mounting.ts";

export const mountings: Readonly<Record<KindName, KindMounting>> = {
  cifs: cifsMounting,
  efs: efsMounting,
  nfs: nfsMounting,
};

/** How a share is mounted. */
export function mountingOf({ kind }: Pick<Share, "kind">): KindMounting {
  return mountings[kind];
}
