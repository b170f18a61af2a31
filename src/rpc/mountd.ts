// mountd: what a server of NFS version 3 exports, and the handle of an exported directory (MOUNT version 3, RFC 1813 appendix I).
import { longestListBytes, type RpcClient } from "./client.ts";
import { programs, type RpcFailure } from "./message.ts";
import { encodeString, MalformedMessage, readArray, readList, type XdrReader } from "./xdr.ts";

/** A line of the export list. */
export interface Export {
  readonly directory: string;
  /** Who may mount it, in the server's words (`*`, `10.0.0.0/24`, a netgroup); empty for everybody. */
  readonly groups: readonly string[];
}

export type ExportsAnswer = { readonly kind: "exports"; readonly exports: readonly Export[] } | RpcFailure;

export type MountAnswer =
  /** `flavors` are the authentication flavors that the export takes, the server's first choice first; 1 is AUTH_SYS. */
  | { readonly kind: "mounted"; readonly handle: Uint8Array; readonly flavors: readonly number[] }
  /** mountstat3 by its name, `MNT3ERR_ACCES`. */
  | { readonly kind: "mount-error"; readonly status: string }
  | RpcFailure;

export type UnmountAnswer = { readonly kind: "unmounted" } | RpcFailure;

const mountProgram = { program: programs.mountd, version: 3 } as const;
const procedures = { mnt: 1, umnt: 3, export: 5 } as const;

/** RFC 1813 appendix I, section 5.1.4: MNTPATHLEN, MNTNAMLEN, FHSIZE3. */
const longestPathBytes = 1024;
const longestNameBytes = 255;
const longestHandleBytes = 64;
const mostFlavors = 64;
const mostExports = 16_384;

/** mountstat3 (RFC 1813 appendix I, section 5.1.5). */
const statusNames: Readonly<Record<number, string>> = {
  1: "PERM",
  2: "NOENT",
  5: "IO",
  13: "ACCES",
  20: "NOTDIR",
  22: "INVAL",
  63: "NAMETOOLONG",
  10_004: "NOTSUPP",
  10_006: "SERVERFAULT",
};

/** EXPORT: what is exported, and to whom (section 5.2.5). Servers may hide the list and mount all the same. */
export function listExports(mountd: RpcClient, signal: AbortSignal): Promise<ExportsAnswer> {
  const question = { procedure: procedures.export, longestReplyBytes: longestListBytes, decode: decodeExports };
  return mountd.ask({ ...mountProgram, ...question }, signal);
}

/** MNT: the handle of a directory (section 5.2.1). The server notes the mount until UMNT; it means nothing to other clients. */
export function mountPath(mountd: RpcClient, path: string, signal: AbortSignal): Promise<MountAnswer> {
  const question = { procedure: procedures.mnt, args: encodeString(path), decode: decodeMount };
  return mountd.ask({ ...mountProgram, ...question }, signal);
}

/** UMNT: takes the server's note of MNT away (section 5.2.3). */
export function unmountPath(mountd: RpcClient, path: string, signal: AbortSignal): Promise<UnmountAnswer> {
  const decode = (): UnmountAnswer => ({ kind: "unmounted" });
  return mountd.ask({ ...mountProgram, procedure: procedures.umnt, args: encodeString(path), decode }, signal);
}

export function decodeExports(reader: XdrReader): ExportsAnswer {
  const exports = readList(reader, mostExports, () => ({
    directory: reader.string(longestPathBytes),
    groups: readList(reader, mostExports, () => reader.string(longestNameBytes)),
  }));
  return { kind: "exports", exports };
}

export function decodeMount(reader: XdrReader): MountAnswer {
  const status = reader.uint32();
  if (status !== 0) return { kind: "mount-error", status: `MNT3ERR_${statusNames[status] ?? status}` };
  const handle = reader.opaque(longestHandleBytes);
  if (handle.byteLength === 0) throw new MalformedMessage("holds an empty file handle");
  return { kind: "mounted", handle: handle.slice(), flavors: readArray(reader, mostFlavors, () => reader.uint32()) };
}
