// What mount(2) is given for a share: the flags and the text that mount.nfs would make of its options.
import type { MountAddresses, KernelMount } from "../kind.ts";
import { hasOption, lastOf, optionValue } from "../../shares/options.ts";
import { mountCallOptions } from "./options.ts";
import type { ExactVersion } from "./versions.ts";
import type { Share } from "../../shares/share.ts";

/** Flags of mount(2) by the option that sets them, and the option that clears them (linux/mount.h, mount(8)). */
const flagRows: readonly { readonly flag: number; readonly set: string; readonly clear?: string }[] = [
  { flag: 1, set: "ro", clear: "rw" },
  { flag: 1 << 1, set: "nosuid", clear: "suid" },
  { flag: 1 << 2, set: "nodev", clear: "dev" },
  { flag: 1 << 3, set: "noexec", clear: "exec" },
  { flag: 1 << 4, set: "sync", clear: "async" },
  { flag: 1 << 6, set: "mand", clear: "nomand" },
  { flag: 1 << 7, set: "dirsync" },
  { flag: 1 << 8, set: "nosymfollow", clear: "symfollow" },
  { flag: 1 << 10, set: "noatime", clear: "atime" },
  { flag: 1 << 11, set: "nodiratime", clear: "diratime" },
  { flag: 1 << 15, set: "silent", clear: "loud" },
  { flag: 1 << 21, set: "relatime", clear: "norelatime" },
  { flag: 1 << 23, set: "iversion", clear: "noiversion" },
  { flag: 1 << 24, set: "strictatime", clear: "nostrictatime" },
  { flag: 1 << 25, set: "lazytime", clear: "nolazytime" },
];

/** Options that mount.nfs resolves or acts on itself and the kernel does not know, or that say nothing. */
const notForKernel = /^(?:retry=|mounthost=|mountaddr=|addr=|defaults$)/;

/**
 * The call for one version. The kernel wants addresses where mount.nfs takes names: `addr=`, and `mountaddr=` for version 3
 * where mountd is elsewhere. What else it needs it finds by itself: ports from rpcbind, and since Linux 3.4 the address for the
 * callbacks of version 4 (linux fs/nfs/fs_context.c, nfs4client.c; nfs-utils utils/mount/stropts.c).
 */
export function kernelMount(
  share: Pick<Share, "label" | "options">,
  version: ExactVersion,
  { server, mountd }: MountAddresses,
): KernelMount {
  let flags = 0;
  let isSloppy = false;
  const texts: string[] = [];
  for (const option of mountCallOptions(share.options, version)) {
    const row = flagRows.find(({ set, clear }) => option === set || option === clear);
    if (row !== undefined) flags = option === row.set ? flags | row.flag : flags & ~row.flag;
    else if (option === "sloppy") isSloppy = true;
    else if (!notForKernel.test(option)) texts.push(option);
  }
  texts.push(`addr=${server}`);
  // The kernel reads its text in order, and forgives what it does not know from here on.
  if (isSloppy) texts.unshift("sloppy");
  if (version === "3" && mountd !== undefined) texts.push(`mountaddr=${mountd}`);
  return { source: share.label, fstype: version === "3" ? "nfs" : "nfs4", flags, data: texts.join(",") };
}

/**
 * Whether a share wants mount.nfs: `x-nfs-init.helper` asks for it, and version 3 with locks needs rpc.statd, which mount.nfs
 * starts.
 */
export function wantsHelper({ options }: Pick<Share, "options">, version: ExactVersion): boolean {
  if (hasOption(options, "x-nfs-init.helper")) return true;
  if (version !== "3") return false;
  // flock locks alone being local leaves fcntl locks to the server.
  return lastOf(options, "lock", "nolock") !== "nolock" && optionValue(options, "local_lock") !== "all";
}
