// How NFS is mounted.
import type { KindMounting } from "../mounting.ts";
import { isAddedToCall, waysToMount } from "./mount-data.ts";
import { optionHint } from "./option-hints.ts";
import { withSecurityHint } from "./security.ts";

export const nfsMounting: KindMounting = {
  title: "NFS",
  ways: waysToMount,
  withHint: withSecurityHint,
  modules: ["nfs", "nfsv3", "nfsv4"],
  harmless: { fstype: "nfs", data: "vers=3" },
  profileRule: "mount fstype=nfs*,",
  options: { isAdded: isAddedToCall, hint: optionHint, manual: "nfs(5)" },
};
