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

/** Whether the server lets the asking user write, as ACCESS says it (RFC 1813 section 3.3.4, RFC 7530 section 16.1). */
export interface Access {
  readonly modify: boolean;
  readonly extend: boolean;
}

const accessBits = { modify: 0x04, extend: 0x08 } as const;

/** The bits of ACCESS that are asked for. */
export const wantedAccess = accessBits.modify | accessBits.extend;

export function accessOf(granted: number): Access {
  return { modify: (granted & accessBits.modify) !== 0, extend: (granted & accessBits.extend) !== 0 };
}
