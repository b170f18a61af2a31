// The options that are flags of mount(2), whatever is mounted.

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

/** The flags that options set, in their order, and the options that are none. */
export function takeFlags(options: readonly string[]): { readonly flags: number; readonly others: readonly string[] } {
  let flags = 0;
  const others: string[] = [];
  for (const option of options) {
    const row = flagRows.find(({ set, clear }) => option === set || option === clear);
    if (row === undefined) others.push(option);
    else flags = option === row.set ? flags | row.flag : flags & ~row.flag;
  }
  return { flags, others };
}
