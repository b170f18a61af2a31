// NFS version 3 as far as a look at an export goes: what may be done there (RFC 1813).
import type { RpcClient } from "./client.ts";
import { programs, type RpcFailure } from "./message.ts";
import { accessOf, fileTypeOf, wantedAccess, type Access } from "./nfs-file.ts";
import { nfs3Error, type NfsError } from "./nfs-status.ts";
import { concatenate, encodeOpaque, encodeWords, MalformedMessage, type XdrReader } from "./xdr.ts";

/** Who owns a file, and what its mode says; beside `Access` it tells a squashed user from a read-only export. */
export interface Ownership {
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

const nfsProgram = { program: programs.nfs, version: 3 } as const;
const procedureAccess = 4;

/** ACCESS: what the client's credential may do with a file (RFC 1813 section 3.3.4). */
export function checkAccess(nfs: RpcClient, handle: Uint8Array, signal: AbortSignal): Promise<AccessAnswer> {
  const args = concatenate([encodeOpaque(handle), encodeWords([wantedAccess])]);
  return nfs.ask({ ...nfsProgram, procedure: procedureAccess, args, decode: decodeAccess }, signal);
}

/** ACCESS3res. */
export function decodeAccess(reader: XdrReader): AccessAnswer {
  const status = reader.uint32();
  if (status !== 0) return nfs3Error(status);
  const ownership = readAttributes(reader);
  return { kind: "access", access: accessOf(reader.uint32()), ownership };
}

/** post_op_attr (RFC 1813 section 2.5): perhaps an fattr3. */
function readAttributes(reader: XdrReader): Ownership | undefined {
  if (!reader.bool()) return undefined;
  if (fileTypeOf(reader.uint32()) === undefined) throw new MalformedMessage("holds a file of no known type");
  const mode = reader.uint32() & 0o7777;
  // nlink
  reader.uint32();
  const [uid, gid] = [reader.uint32(), reader.uint32()];
  // size, used, rdev, fsid, fileid, atime, mtime, ctime
  reader.fixed(8 * 8);
  return { mode, uid, gid };
}
