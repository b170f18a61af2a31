// The attributes of a file in NFS version 4, as far as a look at a path asks for them (RFC 7530 section 5).
import { fileTypeOf, type FileType } from "./nfs-file.ts";
import { MalformedMessage, readArray, xdrReader, type XdrReader } from "./xdr.ts";

export interface Attributes {
  readonly type: FileType;
  /** The permission bits, `0o755`; undefined where the server has none. */
  readonly mode: number | undefined;
  /** `root@example.org`, or a number; undefined where the server does not tell. */
  readonly owner: string | undefined;
  readonly group: string | undefined;
}

/** Their numbers are bits of a bitmap of 32-bit words (RFC 7530 sections 5.6 and 5.7). */
const attributeBits = {
  type: 1 << 1,
  mode: 1 << (33 - 32),
  owner: 1 << (36 - 32),
  group: 1 << (37 - 32),
};
/** What GETATTR asks for. */
export const wantedAttributes = [
  attributeBits.type,
  attributeBits.mode | attributeBits.owner | attributeBits.group,
] as const;

const longestOwnerBytes = 1024;
const longestValuesBytes = 4096;

/** fattr4 (RFC 7530 section 2.2.7): a bitmap of what is there, then the values in the order of the bits. */
export function decodeAttributes(reader: XdrReader): Attributes {
  const bitmap = readArray(reader, 8, () => reader.uint32());
  if (bitmap.some((word, index) => (word & ~(wantedAttributes[index] ?? 0)) !== 0)) {
    throw new MalformedMessage("holds attributes that nobody asked for");
  }
  const [low = 0, high = 0] = bitmap;
  if ((low & wantedAttributes[0]) !== wantedAttributes[0])
    throw new MalformedMessage("lacks an attribute that all files have");
  const values = xdrReader(reader.opaque(longestValuesBytes));
  const type = fileTypeOf(values.uint32());
  if (type === undefined) throw new MalformedMessage("holds a file of no known type");
  return {
    type,
    mode: (high & attributeBits.mode) === 0 ? undefined : values.uint32() & 0o7777,
    owner: (high & attributeBits.owner) === 0 ? undefined : values.string(longestOwnerBytes),
    group: (high & attributeBits.group) === 0 ? undefined : values.string(longestOwnerBytes),
  };
}
