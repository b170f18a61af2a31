// What is asked of a path that may lie on a share, and may block for ever: every function here runs in a child only.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import type { Identity } from "../init/identity.ts";
import type { WriteAccess } from "../lifecycle/writable.ts";
import type { Look, Prepared } from "../mount/ports.ts";
import { closing } from "./opened.ts";
import { lookAt, removeQuietly } from "./small-files.ts";

/** What a look gave, but for "no answer". */
export type Seen = Exclude<Look, { kind: "no-answer" }>;

/** statfs asks the server each time; readdir finds what statfs does not: an exported directory that was made anew. */
export function look(path: string, write: boolean): Seen {
  try {
    const { totalBytes, freeBytes, availableBytes } = native.statfs(path);
    readFirstEntries(path);
    const space = { totalBytes, freeBytes, availableBytes };
    if (!write) return { kind: "answers", isWritable: mayWrite(path), space };
    const written = writeAndReadBack(path);
    const full = fullErrnos.find((name) => name === written);
    return { kind: "answers", isWritable: written !== "refused", space, full };
  } catch (error) {
    return { kind: "failed", errno: errnoOf(error) ?? "EIO" };
  }
}

/** Reads the first few entries of a directory and no more, however many it has. One that may not be read is alive. */
function readFirstEntries(path: string): void {
  try {
    closing(native.open(path, native.O_RDONLY | native.O_DIRECTORY), native.getdents);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

export function writeAccess(path: string, identity: Identity | undefined): WriteAccess {
  if (identity !== undefined) become(identity);
  if (mayWrite(path)) return { kind: "writable" };
  const { mode, uid, gid } = native.stat(path);
  return { kind: "unwritable", mode: mode.toString(8).padStart(4, "0"), uid, gid };
}

/** Sets groups, gid and uid for good. */
function become({ uid, gid, groups }: Identity): void {
  const isSame = native.geteuid() === uid && native.getegid() === gid && groups.length === 0;
  try {
    native.setgroups([gid, ...groups]);
  } catch (error) {
    if (!isSame) throw error;
  }
  native.setresgid(gid);
  native.setresuid(uid);
}

/** What access(2) says; the client answers from its cache until the directory has changed on the server. */
function mayWrite(path: string): boolean {
  try {
    native.access(path, native.W_OK | native.X_OK);
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
  const file = `${path}/.nfs-init-probe-${native.uname().nodename}`;
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = native;
  try {
    if (lookAt(file)?.type === "file") native.unlink(file);
    const fd = native.open(file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK, 0o600);
    try {
      writeAndCompare(fd);
    } finally {
      // On a share that has become read-only, or is away, the next probe tries again.
      removeQuietly(file);
    }
    return "written";
  } catch (error) {
    if (isRefusal(error)) return "refused";
    const errno = errnoOf(error);
    // Somebody else's, and it stays as it is.
    if (errno === "EEXIST") return mayWrite(path) ? "written" : "refused";
    const full = fullErrnos.find((name) => name === errno);
    if (full === undefined) throw error;
    return full;
  }
}

/** Closes it too, which may tell what the write did not. */
function writeAndCompare(fd: number): void {
  const text = native.encodeUtf8(`${Date.now()}\n`);
  const read = closing(fd, () => {
    native.write(fd, text);
    native.fsync(fd);
    return native.read(fd, text.byteLength, 0);
  });
  if (native.decodeLatin1(read) !== native.decodeLatin1(text)) {
    throw Object.assign(new Error("read back something else"), { code: "EIO" });
  }
}

/** A mount point made ready, as the child that made it tells. */
export type Ready =
  | { readonly kind: "prepared"; readonly path: string; readonly isEmpty: boolean }
  | Extract<Prepared, { kind: "refused" | "failed" }>;

/** Whether nothing lies in a directory; only a local or just mounted one is asked. */
function isEmptyDirectory(path: string): boolean {
  try {
    return closing(native.open(path, native.O_RDONLY | native.O_DIRECTORY), (fd) => {
      let names = native.getdents(fd);
      while (names?.length === 0) names = native.getdents(fd);
      return names === undefined;
    });
  } catch {
    return true;
  }
}

/** Whether an error is that of a share which is lost or away, and not of the path on it. */
function isPassing(errno: string): boolean {
  return ["ESTALE", "EIO", "ENOENT", "ETIMEDOUT", "EHOSTDOWN", "ENOTCONN"].includes(errno);
}

/** A step on the way down that failed. */
class StepFailed extends Error {
  override readonly name = "StepFailed";
  readonly answer: Ready;

  constructor(answer: Ready) {
    super("a step on the way to a mount point failed");
    this.answer = answer;
  }
}

/**
 * Walks from the share on `below` down to `target` one directory at a time, never through a symbolic link: whoever writes to
 * the share must not choose what is covered here. The directory is held open, so that it cannot be exchanged before the mount: the
 * child must go on for as long as the path is used.
 */
export function prepareBelow(target: string, below: string): Ready {
  try {
    let fd = step(below, () => openDirectory(native.AT_FDCWD, below));
    let path = below;
    for (const name of target.slice(below.length).split("/")) {
      if (name === "") continue;
      path = `${path}/${name}`;
      const next = step(path, () => openOrMake(fd, name, path));
      native.close(fd);
      fd = next;
    }
    const held = `/proc/${native.getpid()}/fd/${fd}`;
    return { kind: "prepared", path: held, isEmpty: isEmptyDirectory(`${held}/`) };
  } catch (error) {
    if (error instanceof StepFailed) return error.answer;
    throw error;
  }
}

function step(path: string, open: () => number): number {
  try {
    return open();
  } catch (error) {
    if (error instanceof StepFailed) throw error;
    const errno = errnoOf(error) ?? "EIO";
    if (isPassing(errno)) throw new StepFailed({ kind: "failed", reason: `${path}: ${errno}` });
    const isLink = errno === "ENOTDIR" || errno === "ELOOP";
    const what = isLink ? "is a symbolic link or a file" : errno;
    throw new StepFailed({ kind: "refused", reason: `${path} on the share ${what}`, errno });
  }
}

function openDirectory(directory: number, name: string): number {
  return native.openat(directory, name, native.O_PATH | native.O_DIRECTORY | native.O_NOFOLLOW);
}

function openOrMake(directory: number, name: string, path: string): number {
  try {
    return openDirectory(directory, name);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  try {
    native.mkdirat(directory, name, 0o755);
  } catch (error) {
    const errno = errnoOf(error) ?? "EIO";
    if (errno !== "EEXIST" && !isPassing(errno)) {
      throw new StepFailed({ kind: "refused", reason: `cannot make ${path} on the share: ${errno}`, errno });
    }
    if (errno !== "EEXIST") throw error;
  }
  return openDirectory(directory, name);
}

/** Opens a directory and keeps it open. */
export function hold(path: string): void {
  openDirectory(native.AT_FDCWD, path);
}

/** Waits until this process is killed. */
export function stay(): void {
  const { readEnd } = native.pipe(0);
  native.poll(readEnd, native.POLLIN, -1);
}
