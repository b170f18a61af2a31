// The worker: a child process of our own binary that makes the system calls which a dead server can block for ever.
// Nobody waits for it: it is asked on stdin, answers on stdout, one JSON line each, and is killed when it does not.
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { errnoOf, messageOf } from "../errors.ts";
import { ownUmask } from "../init/handover.ts";
import type { Identity } from "../init/identity.ts";
import type { KernelMount } from "../mount/kernel-options.ts";
import { asideSource } from "../mount/aside.ts";
import { guardSource } from "../mount/guard.ts";
import type { OptionsRead, Space } from "../mount/ports.ts";
import { enterPrivateNamespace } from "./doctor-namespace.ts";
import { errnoName } from "./errno.ts";
import { readOptions } from "./fsconfig.ts";
import { become } from "./privileges.ts";
import { workerReady } from "./worker-argument.ts";
import {
  errno,
  makeDirectory,
  mount,
  mountFlags,
  openDirectory,
  readFirstEntries,
  umount2,
  umountFlags,
} from "./libc.ts";

export type WorkerRequest =
  | { readonly do: "statfs"; readonly path: string }
  /** Make a mount point; `below` is the target of the share it lies on. */
  | { readonly do: "prepare"; readonly target: string; readonly below: string | undefined }
  /** Hold a directory open until it is released. */
  | { readonly do: "hold"; readonly path: string }
  | { readonly do: "release"; readonly fd: number }
  /** statfs, readdir, may it be written to; with `write` a small file is written, read back and removed as well. */
  | { readonly do: "look"; readonly path: string; readonly write: boolean }
  /** May it be written to by `identity`, which the worker becomes for good? */
  | { readonly do: "write-access"; readonly path: string; readonly identity: Identity | undefined }
  | ({ readonly do: "mount"; readonly target: string } & KernelMount)
  /** Have the kernel read the words of a mount one by one. */
  | ({ readonly do: "read-options"; readonly words: readonly string[] } & Pick<KernelMount, "fstype" | "source">)
  /** Leave nfs-init's mount namespace for good: what is mounted on `target` from then on is not seen outside. */
  | { readonly do: "enter-private-namespace"; readonly target: string }
  /** Mount a guard. */
  | { readonly do: "guard"; readonly path: string }
  /** Make a directory with a private tmpfs on it, or remove it again. */
  | { readonly do: "make-aside" | "remove-aside"; readonly path: string }
  /** Mount what is mounted on `target` a second time, on a directory that is made for it. */
  | { readonly do: "keep"; readonly target: string; readonly path: string }
  | { readonly do: "bind" | "move"; readonly from: string; readonly to: string }
  | { readonly do: "umount"; readonly target: string; readonly how: "plain" | "lazy" | "force" };

export type WorkerReply =
  | { readonly kind: "done" }
  | {
      readonly kind: "answers";
      readonly isWritable: boolean;
      readonly space: Space;
      /** The errno of a file that could not be written for want of room. */
      readonly full?: string | undefined;
    }
  | { readonly kind: "failed"; readonly errno: string; readonly reason: string }
  | { readonly kind: "prepared"; readonly path: string; readonly fd: number | undefined; readonly isEmpty: boolean }
  | { readonly kind: "unwritable"; readonly mode: string; readonly uid: number; readonly gid: number }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "options"; readonly read: OptionsRead };

/** Says that it is ready, and answers requests until stdin ends. */
export function runWorker(): void {
  let pending = "";
  // One that was started ahead of everything has the umask that nfs-init was given.
  process.umask(ownUmask);
  writeSync(1, `${workerReady}\n`);
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (chunk: string) => {
    const lines = (pending + chunk).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      // At once and whole: the next request may hang.
      writeSync(1, `${JSON.stringify(answer(JSON.parse(line) as WorkerRequest))}\n`);
    }
  });
  process.stdin.on("end", () => process.exit(0));
}

function answer(request: WorkerRequest): WorkerReply {
  try {
    switch (request.do) {
      case "statfs":
        statfsSync(request.path);
        return { kind: "done" };
      case "prepare":
        return request.below === undefined ? prepareLocal(request.target) : prepareBelow(request.target, request.below);
      case "hold":
        return hold(request.path);
      case "release":
        closeSync(request.fd);
        return { kind: "done" };
      case "look":
        return look(request.path, request.write);
      case "write-access":
        return writeAccess(request.path, request.identity);
      case "mount":
        return replyTo(mount(request.source, request.target, request.fstype, request.flags, request.data));
      case "read-options":
        return { kind: "options", read: readOptions(request.fstype, request.source, request.words) };
      case "enter-private-namespace": {
        const reason = enterPrivateNamespace(request.target);
        return reason === undefined ? { kind: "done" } : { kind: "refused", reason };
      }
      case "guard":
        return replyTo(mountEmpty(guardSource, request.path, "0555"));
      case "make-aside":
        return makeAside(request.path);
      case "remove-aside":
        rmdirSync(request.path);
        return { kind: "done" };
      case "keep":
        return keep(request.target, request.path);
      case "bind":
        return replyTo(mount(request.from, request.to, null, mountFlags.MS_BIND, null));
      case "move":
        return replyTo(mount(request.from, request.to, null, mountFlags.MS_MOVE, null));
      case "umount":
        return replyTo(umount2(request.target, umountFlags.UMOUNT_NOFOLLOW | howFlags[request.how]));
    }
  } catch (error) {
    return { kind: "failed", errno: errnoOf(error) ?? "EIO", reason: messageOf(error) };
  }
}

const howFlags = { plain: 0, lazy: umountFlags.MNT_DETACH, force: umountFlags.MNT_FORCE } as const;

/** Mounts a read-only tmpfs in which nothing can be made; 0, or errno. */
function mountEmpty(source: string, path: string, mode: string): number {
  const flags = mountFlags.MS_RDONLY | mountFlags.MS_NOSUID | mountFlags.MS_NODEV | mountFlags.MS_NOEXEC;
  return mount(source, path, "tmpfs", flags, `size=4k,nr_inodes=1,mode=${mode}`);
}

function makeAside(path: string): WorkerReply {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const failure = mountEmpty(asideSource, path, "0500");
  if (failure !== 0) return replyTo(failure);
  // Below a shared mount it is shared itself, and others would see what is mounted on it before it is whole.
  return replyTo(mount("none", path, null, mountFlags.MS_PRIVATE, null));
}

function keep(target: string, path: string): WorkerReply {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const failure = mount(target, path, null, mountFlags.MS_BIND, null);
  // What is mounted on the one must not show on the other.
  return replyTo(failure === 0 ? mount("none", path, null, mountFlags.MS_PRIVATE, null) : failure);
}

/** The reply to a system call that gave 0 or an errno. */
function replyTo(failure: number): WorkerReply {
  const name = errnoName(failure);
  return failure === 0 ? { kind: "done" } : { kind: "failed", errno: name, reason: name };
}

/** statfs asks the server each time; readdir finds what statfs does not: an exported directory that was made anew. */
function look(path: string, write: boolean): WorkerReply {
  const { bsize, blocks, bfree, bavail } = statfsSync(path);
  const space = { totalBytes: blocks * bsize, freeBytes: bfree * bsize, availableBytes: bavail * bsize };
  const failure = readFirstEntries(path);
  // A directory that may not be read is alive.
  if (failure !== 0 && failure !== errno.EACCES && failure !== errno.EPERM) {
    const name = errnoName(failure);
    return { kind: "failed", errno: name, reason: name };
  }
  if (!write) return { kind: "answers", isWritable: mayWrite(path), space, full: undefined };
  const written = writeAndReadBack(path);
  return {
    kind: "answers",
    isWritable: written !== "refused",
    space,
    full: fullErrnos.find((name) => name === written),
  };
}

function writeAccess(path: string, identity: Identity | undefined): WorkerReply {
  const refused = identity === undefined ? undefined : become(identity);
  if (refused !== undefined) {
    const name = errnoName(refused.errno);
    return { kind: "failed", errno: name, reason: `${refused.step}: ${name}` };
  }
  if (mayWrite(path)) return { kind: "done" };
  const { mode, uid, gid } = statSync(path);
  return { kind: "unwritable", mode: (mode & 0o7777).toString(8).padStart(4, "0"), uid, gid };
}

/** What access(2) says; the client answers from its cache until the directory has changed on the server. */
function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  return ["EACCES", "EPERM", "EROFS"].includes(errnoOf(error) ?? "");
}

/** Room is wanting: on the file system, or for this user. */
const fullErrnos = ["ENOSPC", "EDQUOT"] as const;

/**
 * Writes a small file of our own, reads it back, and removes it, whatever becomes of it. A full disk is no refusal. The file must be
 * made by this very call: whoever writes to the share may have put a link or a FIFO of that name there.
 */
function writeAndReadBack(path: string): "written" | "refused" | (typeof fullErrnos)[number] {
  // One name for each host: what a probe that was killed has left is removed by the next one.
  const file = join(path, `.nfs-init-probe-${hostname()}`);
  try {
    if (lstatSync(file, { throwIfNoEntry: false })?.isFile() === true) rmSync(file, { force: true });
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
    const fd = openSync(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK, 0o600);
    try {
      writeAndCompare(fd);
    } finally {
      removeQuietly(file);
    }
    return "written";
  } catch (error) {
    if (isRefusal(error)) return "refused";
    const errnoOfIt = errnoOf(error);
    // Somebody else's, and it stays as it is.
    if (errnoOfIt === "EEXIST") return mayWrite(path) ? "written" : "refused";
    const full = fullErrnos.find((name) => name === errnoOfIt);
    if (full === undefined) throw error;
    return full;
  }
}

/** Closes it too, which may tell what the write did not. */
function writeAndCompare(fd: number): void {
  const text = `${Date.now()}\n`;
  const read = Buffer.alloc(text.length);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
    readSync(fd, read, 0, read.byteLength, 0);
  } finally {
    closeSync(fd);
  }
  if (read.toString() !== text) throw Object.assign(new Error("read back something else"), { code: "EIO" });
}

/** The next probe tries again what does not go now. */
function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // A share that has become read-only, or is away.
  }
}

function prepareLocal(target: string): WorkerReply {
  try {
    mkdirSync(target, { recursive: true, mode: 0o755 });
  } catch (error) {
    return { kind: "refused", reason: messageOf(error) };
  }
  if (!statSync(target).isDirectory()) return { kind: "refused", reason: "it is not a directory" };
  return { kind: "prepared", path: target, fd: undefined, isEmpty: isEmptyDirectory(target) };
}

function hold(path: string): WorkerReply {
  const opened = openDirectory(-1, path);
  if (opened.kind === "failed") return { kind: "refused", reason: errnoName(opened.errno) };
  return { kind: "prepared", path, fd: opened.fd, isEmpty: false };
}

/** Whether nothing lies in a directory; only a local or just mounted one is asked. */
function isEmptyDirectory(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return true;
  }
}

/** Whether an error is that of a share which is lost or away, and not of the path on it. */
function isPassing(number: number): boolean {
  return ["ESTALE", "EIO", "ENOENT", "ETIMEDOUT", "EHOSTDOWN", "ENOTCONN"].includes(errnoName(number));
}

function failedOn(path: string, number: number): WorkerReply {
  const name = errnoName(number);
  return { kind: "failed", errno: name, reason: `${path}: ${name}` };
}

/**
 * Walks from the share on `below` down to `target` one directory at a time, never through a symbolic link: whoever writes to
 * the share must not choose what is covered here. The directory is held open, so that it cannot be exchanged before the mount.
 */
function prepareBelow(target: string, below: string): WorkerReply {
  const start = openDirectory(-1, below);
  if (start.kind === "failed") return failedOn(below, start.errno);
  let { fd } = start;
  let path = below;
  for (const name of target
    .slice(below.length)
    .split("/")
    .filter((part) => part !== "")) {
    path = `${path}/${name}`;
    let next = openDirectory(fd, name);
    if (next.kind === "failed" && next.errno === errno.ENOENT) {
      const failure = makeDirectory(fd, name);
      if (failure !== 0 && failure !== errno.EEXIST) {
        closeSync(fd);
        if (isPassing(failure)) return failedOn(path, failure);
        return { kind: "refused", reason: `cannot make ${path} on the share: ${errnoName(failure)}` };
      }
      next = openDirectory(fd, name);
    }
    closeSync(fd);
    if (next.kind === "failed") {
      if (isPassing(next.errno)) return failedOn(path, next.errno);
      const isLink = next.errno === errno.ENOTDIR || next.errno === errno.ELOOP;
      return {
        kind: "refused",
        reason: `${path} on the share ${isLink ? "is a symbolic link or a file" : errnoName(next.errno)}`,
      };
    }
    ({ fd } = next);
  }
  const held = `/proc/${process.pid}/fd/${fd}`;
  return { kind: "prepared", path: held, fd, isEmpty: isEmptyDirectory(`${held}/`) };
}
