// What versions 3 and 4 of NFS say alike of a file: what kind it is, and what may be done with it.

/** What a file is: ftype3 (RFC 1813 section 2.5) and nfs_ftype4 (RFC 7530 section 5.8.1.2). */
export type FileType = "file" | "directory" | "block device" | "character device" | "symbolic link" | "socket" | "fifo";

const fileTypes: readonly FileType[] = [
  "file",
  "directory",
  "block device",
  "character device",
  "symbolic link",
  "socket",
  "fifo",
];

/** Undefined for what neither RFC shows a client at a path (attribute directories). */
export function fileTypeOf(code: number): FileType | undefined {
  return fileTypes[code - 1];
}

/** What the server lets the asking user do, as ACCESS says it (RFC 1813 section 3.3.4, RFC 7530 section 16.1). */
export interface Access {
  readonly read: boolean;
  /** A directory may be entered. */
  readonly lookup: boolean;
  readonly modify: boolean;
  readonly extend: boolean;
  readonly delete: boolean;
  readonly execute: boolean;
}

const accessBits = { read: 0x01, lookup: 0x02, modify: 0x04, extend: 0x08, delete: 0x10, execute: 0x20 } as const;

/** Every bit of ACCESS. */
export const everyAccess = 0x3f;

export function accessOf(granted: number): Access {
  const has = (name: keyof typeof accessBits) => (granted & accessBits[name]) !== 0;
  return {
    read: has("read"),
    lookup: has("lookup"),
    modify: has("modify"),
    extend: has("extend"),
    delete: has("delete"),
    execute: has("execute"),
  };
}
