// How NFS is mounted.
import type { KindMounting } from "../mounting.ts";
import { withKerberosHint } from "./kerberos.ts";
import { isAddedToCall, waysToMount } from "./mount-data.ts";
import { optionHint } from "./option-hints.ts";

export const nfsMounting: KindMounting = {
  title: "NFS",
  ways: waysToMount,
  withHint: withKerberosHint,
  modules: ["nfs", "nfsv3", "nfsv4"],
  harmless: { fstype: "nfs", data: "vers=3" },
  profileRule: "mount fstype=nfs*,",
  options: { isAdded: isAddedToCall, hint: optionHint, manual: "nfs(5)" },
};
