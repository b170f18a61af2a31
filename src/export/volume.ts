// Which file system a disk holds, and how it is called: told by its first blocks.

export interface Volume {
  readonly fstype: "ext4" | "xfs" | "btrfs";
  /** Empty where it has none. */
  readonly label: string;
  /** With hyphens, in lower case. */
  readonly uuid: string;
}

interface Layout {
  readonly fstype: Volume["fstype"];
  readonly magicAt: number;
  readonly magic: readonly number[];
  readonly labelAt: number;
  readonly labelBytes: number;
  readonly uuidAt: number;
}

/** Linux fs/ext4/ext4.h (ext2 and ext3 are mounted as ext4), fs/xfs/libxfs/xfs_format.h, include/uapi/linux/btrfs_tree.h. */
const layouts: readonly Layout[] = [
  { fstype: "ext4", magicAt: 0x438, magic: [0x53, 0xef], labelAt: 0x478, labelBytes: 16, uuidAt: 0x468 },
  { fstype: "xfs", magicAt: 0, magic: [0x58, 0x46, 0x53, 0x42], labelAt: 108, labelBytes: 12, uuidAt: 32 },
  {
    fstype: "btrfs",
    magicAt: 0x1_0040,
    magic: Array.from("_BHRfS_M", (one) => one.charCodeAt(0)),
    labelAt: 0x1_012b,
    labelBytes: 256,
    uuidAt: 0x1_0020,
  },
];

/** Undefined where it holds none that is known. */
export function volumeOf(head: Uint8Array): Volume | undefined {
  const layout = layouts.find(({ magicAt, magic }) => magic.every((byte, index) => head[magicAt + index] === byte));
  if (layout === undefined) return undefined;
  const { fstype, labelAt, labelBytes, uuidAt } = layout;
  const label = head.subarray(labelAt, labelAt + labelBytes);
  const end = label.indexOf(0);
  const hex = Array.from(head.subarray(uuidAt, uuidAt + 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    fstype,
    label: new TextDecoder().decode(end === -1 ? label : label.subarray(0, end)),
    uuid: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
  };
}
