// The MOUNT service of version 3: a client names a directory and gets its file handle (RFC 1813 appendix I, RFC 1094 appendix A).
import { programs } from "../../rpc/message.ts";
import { isLocal, type Caller, type Procedure, type RpcProgram } from "../../rpc/service.ts";
import { concatenate, encodeOpaque, encodeString, encodeWords, type XdrReader } from "../../rpc/xdr.ts";

/** Who asks. */
export interface MountClient {
  readonly address: string;
  /** A `secure` export takes only ports below 1024. */
  readonly port: number;
}

/** mountstat3 without its prefix (section 5.1.5). */
export type MountStatus = keyof typeof statusNumbers;

export interface MountError {
  readonly kind: "mount-error";
  readonly status: MountStatus;
}

/** A line of the export list. */
export interface ExportLine {
  readonly path: string;
  /** Who may mount it, in the words of the configuration; none for everybody. */
  readonly clients: readonly string[];
}

/** What the service needs of the server. */
export interface MountPort {
  /**
   * Whether the client may have the directory, which is an export or lies below one: by the name that the kernel knows the client
   * by, and that the kernel has been told of both. `path` is where the kernel finds it.
   */
  readonly allow: (
    client: MountClient,
    path: string,
  ) => Promise<{ readonly kind: "allowed"; readonly domain: string; readonly path: string } | MountError>;
  /** The handle of a directory, of at most so many bytes, as /proc/fs/nfsd/filehandle gives it. */
  readonly fileHandle: (
    domain: string,
    path: string,
    mostBytes: number,
  ) => Promise<{ readonly kind: "handle"; readonly handle: Uint8Array } | MountError>;
  readonly exports: () => readonly ExportLine[];
}

const statusNumbers = {
  PERM: 1,
  NOENT: 2,
  IO: 5,
  ACCES: 13,
  NOTDIR: 20,
  INVAL: 22,
  NAMETOOLONG: 63,
  NOTSUPP: 10_004,
  SERVERFAULT: 10_006,
} as const;

/** MNTPATHLEN, FHSIZE3 and FHSIZE (RFC 1813 appendix I section 5.1.4, RFC 1094 section 2.3.3). */
const longestPathBytes = 1_024;
const longestHandleBytes = 64;
const oldHandleBytes = 32;
const authSys = 1;
/** What DUMP tells is for people to read: the oldest notes go first. */
const mostNotes = 1_024;

/** Who has mounted what, as far as clients say: one that is gone without a word stays, until there are too many. */
interface Notes {
  readonly add: (address: string, path: string) => void;
  /** All of a client's where `path` is not given. */
  readonly remove: (address: string, path?: string) => void;
  readonly list: () => readonly { readonly address: string; readonly path: string }[];
}

function notes(): Notes {
  const all = new Map<string, { readonly address: string; readonly path: string }>();
  const keyOf = (address: string, path: string) => `${address} ${path}`;
  return {
    add: (address, path) => {
      const [oldest] = all.keys();
      if (all.size >= mostNotes && oldest !== undefined) all.delete(oldest);
      all.set(keyOf(address, path), { address, path });
    },
    remove: (address, path) => {
      for (const [key, note] of all)
        if (note.address === address && (path === undefined || note.path === path)) all.delete(key);
    },
    list: () => [...all.values()],
  };
}

/** The program itself, versions 1 to 3. The first two are for clients that ask for a list, or say that they are done. */
export function mountService(port: MountPort): RpcProgram {
  const noted = notes();
  const procedures = (mount: Procedure): ReadonlyMap<number, Procedure> =>
    new Map<number, Procedure>([
      [1, mount],
      [2, overTcp(() => encodeList(noted.list(), ({ address, path }) => [encodeString(address), encodeString(path)]))],
      [
        3,
        (reader, { address }) => {
          noted.remove(address, readPath(reader));
          return nothing;
        },
      ],
      [
        4,
        (_reader, { address }) => {
          noted.remove(address);
          return nothing;
        },
      ],
      [5, overTcp(() => encodeList(port.exports(), encodeExport))],
    ]);
  const mount = async (reader: XdrReader, { address, port: from }: Caller, mostBytes: number) => {
    const path = readPath(reader);
    const found = await handleOf(port, { address, port: from }, path, mostBytes);
    if (found.kind === "handle") noted.add(address, path);
    return found;
  };
  const old = procedures(async (reader, caller) => {
    const found = await mount(reader, caller, oldHandleBytes);
    if (found.kind === "mount-error") return encodeWords([statusNumbers[found.status]]);
    const handle = new Uint8Array(oldHandleBytes);
    handle.set(found.handle);
    return concatenate([encodeWords([0]), handle]);
  });
  const current = procedures(async (reader, caller) => {
    const found = await mount(reader, caller, longestHandleBytes);
    if (found.kind === "mount-error") return encodeWords([statusNumbers[found.status]]);
    return concatenate([encodeWords([0]), encodeOpaque(found.handle), encodeWords([1, authSys])]);
  });
  return {
    program: programs.mountd,
    versions: new Map([
      [1, old],
      [2, old],
      [3, current],
    ]),
  };
}

const nothing = new Uint8Array(0);

async function handleOf(port: MountPort, client: MountClient, path: string, mostBytes: number) {
  const wanted = normalizePath(path);
  if (wanted === undefined) return { kind: "mount-error", status: "ACCES" } as const;
  const allowed = await port.allow(client, wanted);
  if (allowed.kind === "mount-error") return allowed;
  const found = await port.fileHandle(allowed.domain, allowed.path, mostBytes);
  if (found.kind === "handle" && found.handle.byteLength > mostBytes)
    return { kind: "mount-error", status: "NOTSUPP" } as const;
  return found;
}

/** An absolute path without empty parts; undefined for one that is none, or goes up. */
export function normalizePath(path: string): string | undefined {
  const parts = path.split("/");
  if (parts[0] !== "" || parts.includes("..") || path.includes("\0") || path === "") return undefined;
  return `/${parts.filter((part) => part !== "" && part !== ".").join("/")}`;
}

/** A list is long for a short question: none for datagrams, whose sender may be forged. */
function overTcp(answer: () => Uint8Array): Procedure {
  return (_reader, caller) => (caller.transport === "udp" && !isLocal(caller) ? "refused" : answer());
}

function readPath(reader: XdrReader): string {
  return reader.string(longestPathBytes);
}

/** A linked list (RFC 4506 section 4.19). */
function encodeList<T>(items: readonly T[], encode: (item: T) => readonly Uint8Array[]): Uint8Array {
  return concatenate([...items.flatMap((item) => [encodeWords([1]), ...encode(item)]), encodeWords([0])]);
}

function encodeExport({ path, clients }: ExportLine): readonly Uint8Array[] {
  return [encodeString(path), encodeList(clients, (client) => [encodeString(client)])];
}
