// NFS version 3 as far as a look at an export goes: what may be done there, and what the file system can (RFC 1813).
import type { RpcClient } from "./client.ts";
import { programs, type RpcFailure } from "./message.ts";
import { accessOf, everyAccess, fileTypeOf, type Access, type FileType } from "./nfs-file.ts";
import { nfs3Error, type NfsError } from "./nfs-status.ts";
import { concatenate, encodeOpaque, encodeWords, MalformedMessage, type XdrReader } from "./xdr.ts";

/** Who owns a file, and what its mode says; beside `Access` it tells a squashed user from a read-only export. */
export interface Ownership {
  readonly type: FileType;
  /** The permission bits, `0o755`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export type AccessAnswer =
  | {
      readonly kind: "access";
      readonly access: Access;
      /** Undefined where the server left it out. */
      readonly ownership: Ownership | undefined;
    }
  | NfsError
  | RpcFailure;

export type FileSystemAnswer =
  | {
      readonly kind: "file-system";
      /** The largest and the preferred READ and WRITE. */
      readonly readBytes: { readonly most: number; readonly preferred: number };
      readonly writeBytes: { readonly most: number; readonly preferred: number };
      readonly largestFileBytes: bigint;
      readonly hardLinks: boolean;
      readonly symbolicLinks: boolean;
    }
  | NfsError
  | RpcFailure;

const nfsProgram = { program: programs.nfs, version: 3 } as const;
const procedures = { access: 4, fsinfo: 19 } as const;
/** FSINFO's properties (RFC 1813 section 3.3.19). */
const properties = { link: 0x0001, symlink: 0x0002 } as const;

/** ACCESS: what the client's credential may do with a file (RFC 1813 section 3.3.4). */
export function checkAccess(nfs: RpcClient, handle: Uint8Array, signal: AbortSignal): Promise<AccessAnswer> {
  const args = concatenate([encodeOpaque(handle), encodeWords([everyAccess])]);
  return nfs.ask({ ...nfsProgram, procedure: procedures.access, args, decode: decodeAccess }, signal);
}

/** FSINFO: what the file system of an export's root can (RFC 1813 section 3.3.19). */
export function readFileSystem(nfs: RpcClient, handle: Uint8Array, signal: AbortSignal): Promise<FileSystemAnswer> {
  const args = encodeOpaque(handle);
  return nfs.ask({ ...nfsProgram, procedure: procedures.fsinfo, args, decode: decodeFileSystem }, signal);
}

/** ACCESS3res. */
export function decodeAccess(reader: XdrReader): AccessAnswer {
  const status = reader.uint32();
  if (status !== 0) return nfs3Error(status);
  const ownership = readAttributes(reader);
  return { kind: "access", access: accessOf(reader.uint32()), ownership };
}

/** FSINFO3res. */
export function decodeFileSystem(reader: XdrReader): FileSystemAnswer {
  const status = reader.uint32();
  if (status !== 0) return nfs3Error(status);
  readAttributes(reader);
  const readSizes = readTransferSizes(reader);
  const writeSizes = readTransferSizes(reader);
  // dtpref: the preferred READDIR.
  reader.uint32();
  const largestFileBytes = reader.uint64();
  // time_delta: the granularity of times.
  reader.fixed(8);
  const flags = reader.uint32();
  return {
    kind: "file-system",
    readBytes: readSizes,
    writeBytes: writeSizes,
    largestFileBytes,
    hardLinks: (flags & properties.link) !== 0,
    symbolicLinks: (flags & properties.symlink) !== 0,
  };
}

function readTransferSizes(reader: XdrReader): { readonly most: number; readonly preferred: number } {
  const [most, preferred] = [reader.uint32(), reader.uint32()];
  // The size that a transfer should be a multiple of.
  reader.uint32();
  return { most, preferred };
}

/** post_op_attr (RFC 1813 section 2.5): perhaps an fattr3. */
function readAttributes(reader: XdrReader): Ownership | undefined {
  if (!reader.bool()) return undefined;
  const type = fileTypeOf(reader.uint32());
  if (type === undefined) throw new MalformedMessage("holds a file of no known type");
  const mode = reader.uint32() & 0o7777;
  // nlink
  reader.uint32();
  const [uid, gid] = [reader.uint32(), reader.uint32()];
  // size, used, rdev, fsid, fileid, atime, mtime, ctime
  reader.fixed(8 * 8);
  return { type, mode, uid, gid };
}
