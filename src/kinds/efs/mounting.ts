// How a file system of EFS is mounted: as NFS, without the options that only say where it is.
import { nameOf } from "../../shares/options.ts";
import type { KindMounting } from "../mounting.ts";
import { nfsMounting } from "../nfs/mounting.ts";

const notForMount: ReadonlySet<string> = new Set(["az", "region", "mounttargetip"]);

export const efsMounting: KindMounting = {
  ...nfsMounting,
  title: "EFS",
  ways: (share, unspoken) =>
    nfsMounting.ways(
      { ...share, options: share.options.filter((option) => !notForMount.has(nameOf(option))) },
      unspoken,
    ),
};
