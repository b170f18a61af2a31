// What the process that drives the kernel's NFS server does for clients of version 3: lets them in, finds handles, sets the lock manager.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import { admission } from "../export/answers.ts";
import { rootHandleQuestion } from "../export/channels.ts";
import type { Surroundings } from "../export/clients.ts";
import type { ExportTable } from "../export/exports.ts";
import type { ServerAnswer, ServerRequest } from "../export/server.ts";
import { parseClient, parseWork, type ServerUse } from "../export/use.ts";
import type { ClientConnection } from "../export/vip/connections.ts";
import type { MountClient, MountStatus } from "../export/v3/mount-service.ts";
import { clock } from "./clock.ts";
import { questionPrefix } from "../rpc/nfs4.ts";
import { nowSeconds } from "./nfsd-answers.ts";
import { closing } from "./opened.ts";
import { readUpTo, takeNames } from "./small-files.ts";

export interface RequestPlace {
  readonly table: ExportTable;
  readonly around: Surroundings;
  /** Descriptors of the channels that are told who may what. */
  readonly addresses: number;
  readonly exports: number;
  /** The nfsd file system. */
  readonly control: number;
  /** One of /proc that can be written. */
  readonly proc: number;
  /** /proc/net/rpc/nfsd, where the kernel has it. */
  readonly work: number | undefined;
  readonly lostConnections: () => readonly ClientConnection[];
}

export function answerRequest(place: RequestPlace, request: ServerRequest): ServerAnswer {
  switch (request.kind) {
    case "allow":
      return allow(place, request.client, request.path);
    case "handle":
      return handleOf(place.control, request);
    case "lock-state":
      writeProc(place.proc, "sys/fs/nfs/nsm_local_state", String(request.state));
      return { kind: "done" };
    case "end-lock-grace":
      writeProc(place.proc, "fs/lockd/nlm_end_grace", "Y");
      return { kind: "done" };
    case "use":
      return { kind: "use", use: useOf(place) };
    case "lost-connections":
      return { kind: "connections", connections: place.lostConnections() };
  }
}

/** So many clients are looked at, and so much is read of what each has open: it is for people, and for gauges. */
const mostClients = 256;
const longestStatesBytes = 256 * 1024;

function useOf({ control, work }: RequestPlace): ServerUse {
  const numbers = namesBelow(control, "clients");
  const atMs = clock.timeOfDayMs();
  const nowMs = clock.nowMs();
  const found = numbers.slice(0, mostClients).flatMap((number) => {
    const { text: info, mtimeMs } = fileBelow(control, `clients/${number}/info`, 4_096);
    const { text: states } = fileBelow(control, `clients/${number}/states`, longestStatesBytes);
    return parseClient(info, states, Math.min(nowMs, nowMs - (atMs - mtimeMs))) ?? [];
  });
  // Who only asked whether it is there is no client.
  const clients = found.filter(({ name }) => !name.startsWith(questionPrefix));
  const text = work === undefined ? "" : native.decodeLatin1(native.read(work, 65_536, 0));
  return { ...parseWork(text), clients, clientCount: numbers.length - (found.length - clients.length) };
}

/** Kernels before 5.3 have no such directory. */
function namesBelow(directory: number, name: string): readonly string[] {
  try {
    const names = takeNames(native.openat(directory, name, native.O_RDONLY | native.O_DIRECTORY));
    return names.filter((one) => /^\d+$/.test(one));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return [];
  }
}

/** The files of a client are made with it, and not changed; there is nothing of one that has gone meanwhile. */
function fileBelow(
  directory: number,
  path: string,
  mostBytes: number,
): { readonly text: string; readonly mtimeMs: number } {
  try {
    return closing(native.openat(directory, path, native.O_RDONLY), (fd) => ({
      text: native.decodeUtf8(readUpTo(fd, mostBytes)),
      mtimeMs: native.fstat(fd).mtime * 1_000,
    }));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { text: "", mtimeMs: 0 };
  }
}

/** The kernel does not ask who a client of version 3 is before it asks for a handle: it is told of both here. */
function allow({ table, around, addresses, exports }: RequestPlace, client: MountClient, path: string): ServerAnswer {
  const admitted = admission({ table, around, nowSeconds }, client, path);
  if (admitted === undefined) return refusal("ACCES");
  try {
    native.write(addresses, native.encodeUtf8(admitted.ofClient));
    native.write(exports, native.encodeUtf8(admitted.ofExport));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return refusal("SERVERFAULT");
  }
  return { kind: "allowed", domain: admitted.domain, path };
}

const statuses: Readonly<Record<string, MountStatus>> = {
  ENOENT: "NOENT",
  EACCES: "ACCES",
  EPERM: "ACCES",
  ENOTDIR: "NOTDIR",
  ENAMETOOLONG: "NAMETOOLONG",
  EINVAL: "INVAL",
};

function handleOf(control: number, asked: Extract<ServerRequest, { kind: "handle" }>): ServerAnswer {
  try {
    // This process has the root of the exports.
    if (native.stat(asked.path).type !== "directory") return refusal("NOTDIR");
    return closing(native.openat(control, "filehandle", native.O_RDWR), (fd) => {
      native.write(fd, native.encodeUtf8(rootHandleQuestion(asked.domain, asked.path, asked.mostBytes)));
      const [, hex] = /^\\x((?:[0-9a-f]{2})+)\n?$/.exec(native.decodeLatin1(native.read(fd, longestAnswerBytes))) ?? [];
      return hex === undefined ? refusal("SERVERFAULT") : { kind: "handle", hex };
    });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    return refusal(statuses[errno] ?? "SERVERFAULT");
  }
}

/** A handle has 64 bytes at most. */
const longestAnswerBytes = 256;

function refusal(status: MountStatus): ServerAnswer {
  return { kind: "mount-error", status };
}

/** What cannot be set is left as the kernel has it: the port of the lock manager is then another one, its peers wait longer. */
export function writeProc(proc: number, path: string, text: string): boolean {
  try {
    closing(native.openat(proc, path, native.O_WRONLY), (fd) => native.write(fd, native.encodeLatin1(`${text}\n`)));
    return true;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}
