// How a file system of EFS is mounted: as NFS is.
import type { KindMounting } from "../mounting.ts";
import { nfsMounting } from "../nfs/mounting.ts";

export const efsMounting: KindMounting = { ...nfsMounting, title: "EFS" };
