// Local files: /proc, symbolic links, fstab, locks, the termination log. Nothing here may be called on a path of a share.
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoOf, messageOf } from "../errors.ts";
import { printable } from "../printable.ts";
import { parseMountinfo, type MountRecord } from "../fstab/mountinfo.ts";
import type { TargetLock } from "../mount/ports.ts";
import { clock } from "./clock.ts";
import { tryLock } from "./libc.ts";
import { readText } from "./text.ts";

const mountinfoPath = "/proc/self/mountinfo";

/**
 * The mounts of this namespace. A change between two reads of the file can hide entries (the kernel gives it page by page),
 * so it is read until two readings agree.
 */
export function readMounts(): readonly MountRecord[] {
  let text = readFileSync(mountinfoPath, "utf8");
  for (let tries = 0; tries < 3; tries++) {
    const again = readFileSync(mountinfoPath, "utf8");
    if (again === text) break;
    text = again;
  }
  return parseMountinfo(text);
}

export type FstabOutcome =
  | { readonly kind: "written"; readonly text: string }
  | { readonly kind: "unchanged"; readonly text: string }
  | { readonly kind: "unwritable"; readonly reason: string };

const lockForMs = 3_000;

/**
 * Changes a file under flock(2): replaced atomically with its mode and owner, or rewritten in place where it is a bind mount
 * or its directory cannot be written. A symbolic link is followed; a file that is absent is made. Bytes are given to `edit`
 * as Latin-1, so that none is changed on the way.
 */
export async function editFile(path: string, edit: (latin1: string) => string): Promise<FstabOutcome> {
  let fd: number | undefined;
  try {
    fd = await openLocked(path);
    if (fd === undefined) return { kind: "unwritable", reason: "another process keeps it locked" };
    // Opening has made the file that a symbolic link may have pointed to in vain.
    const real = realpathSync(path);
    const before = readFileSync(fd).toString("latin1");
    const after = edit(before);
    if (after === before) return { kind: "unchanged", text: before };
    if (!replaceFile(real, fd, after)) rewriteInPlace(fd, Buffer.from(before, "latin1"), Buffer.from(after, "latin1"));
    return { kind: "written", text: after };
  } catch (error) {
    return { kind: "unwritable", reason: messageOf(error) };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const directoryLockMs = 10_000;

/** Waits for the flock(2) on a local directory; gives the function that lets go, undefined where it cannot be had in time. */
export async function lockLocalDirectory(path: string): Promise<(() => void) | undefined> {
  const untilMs = clock.nowMs() + directoryLockMs;
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    while (!tryLock(fd)) {
      if (clock.nowMs() > untilMs) {
        closeSync(fd);
        return undefined;
      }
      await clock.sleep(50);
    }
    return () => closeSync(fd);
  } catch {
    return undefined;
  }
}

/** Opens and locks a file; the lock counts only while the path still leads to the file that was locked. */
async function openLocked(path: string): Promise<number | undefined> {
  const untilMs = clock.nowMs() + lockForMs;
  for (;;) {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK, 0o644);
    if (!fstatSync(fd).isFile()) {
      // /dev/null, as people mask a file, must not be replaced by one; a FIFO would be waited for.
      closeSync(fd);
      throw new Error("it is not a regular file");
    }
    if (tryLock(fd)) {
      const [locked, named] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
      if (named?.ino === locked.ino && named.dev === locked.dev) return fd;
    }
    closeSync(fd);
    if (clock.nowMs() > untilMs) return undefined;
    await clock.sleep(20);
  }
}

/** Whether a file could be replaced by rename(2); false where only rewriting in place is left. */
function replaceFile(path: string, fd: number, text: string): boolean {
  // One name for all: who holds the lock on the file may remove what an earlier run left when it was killed.
  const temporary = join(dirname(path), `.${basename(path)}.nfs-init`);
  const { mode, uid, gid } = fstatSync(fd);
  try {
    rmSync(temporary, { force: true });
    const copy = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeFileSync(copy, text, "latin1");
      fchownSync(copy, uid, gid);
      fchmodSync(copy, mode & 0o7777);
      fsyncSync(copy);
    } finally {
      closeSync(copy);
    }
    renameSync(temporary, path);
    return true;
  } catch (error) {
    try {
      unlinkSync(temporary);
    } catch {
      // It was not made.
    }
    // EBUSY: a bind mount, as Docker has it for /etc files given with -v.
    if (["EBUSY", "EXDEV", "EACCES", "EPERM", "EROFS"].includes(errnoOf(error) ?? "")) return false;
    throw error;
  }
}

/** Rewrites a file so that a full disk is met before a byte of it has changed: what makes it longer is written first. */
function rewriteInPlace(fd: number, before: Buffer, after: Buffer): void {
  try {
    writeAll(fd, after.subarray(before.byteLength), before.byteLength);
  } catch (error) {
    ftruncateSync(fd, before.byteLength);
    throw error;
  }
  writeAll(fd, after.subarray(0, before.byteLength), 0);
  ftruncateSync(fd, after.byteLength);
  fsyncSync(fd);
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let offset = 0; offset < bytes.byteLength;) {
    offset += writeSync(fd, bytes, offset, bytes.byteLength - offset, position + offset);
  }
}

/**
 * Takes from others the right to write to an empty directory of ours: the kubelet makes that of an emptyDir with mode 0777. One
 * that holds something, or has the sticky bit as /tmp has it, is shared on purpose and stays as it is.
 */
export function claimDirectory(path: string): void {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      const { uid, mode } = fstatSync(fd);
      const isShared = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
      if (isShared && uid === process.geteuid?.() && readdirSync(path).length === 0) fchmodSync(fd, mode & 0o7755);
    } finally {
      closeSync(fd);
    }
  } catch {
    // It is not there yet, or whoever is about to write there says why it cannot.
  }
}

/** The directory of target locks, made where it can be; or why it cannot be used. */
function lockDirectory(stateDir: string): { readonly path: string } | { readonly reason: string } {
  const path = join(stateDir, "targets");
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    for (const one of [stateDir, path]) {
      const { uid, mode } = lstatSync(one);
      const isOurs = lstatSync(one).isDirectory() && uid === process.geteuid?.() && (mode & 0o022) === 0;
      if (!isOurs) return { reason: `${one} is not a directory that only this user can write to` };
    }
    return { path };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

/** What a lock file says of its target. */
interface LockNote {
  readonly target: string;
  readonly source: string;
}

/** The file that stands for a target: its path with '/' as '-', as systemd names units, and no longer than a name may be. */
function lockName(target: string): string {
  const name = encodeURIComponent(target).replaceAll("%2F", "+");
  return name.length <= 200 ? `${name}.lock` : `${name.slice(0, 150)}~${Bun.hash(target).toString(16)}.lock`;
}

/** Takes the lock on a target without waiting; it lasts as long as this process. */
export function lockTarget(stateDir: string, target: string): TargetLock {
  const directory = lockDirectory(stateDir);
  if ("reason" in directory) return { kind: "unavailable", reason: directory.reason };
  try {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    const fd = openSync(join(directory.path, lockName(target)), flags, 0o644);
    if (!tryLock(fd)) {
      closeSync(fd);
      return { kind: "busy" };
    }
    return {
      kind: "locked",
      note: (source) => {
        const text = source === undefined ? "" : `${JSON.stringify({ target, source } satisfies LockNote)}\n`;
        try {
          ftruncateSync(fd, 0);
          writeAll(fd, Buffer.from(text), 0);
        } catch {
          // Without the note a later instance takes the mount for somebody else's, which loses nothing.
        }
      },
      release: () => closeSync(fd),
    };
  } catch (error) {
    return { kind: "unavailable", reason: messageOf(error) };
  }
}

/** Where what belongs on `target` is mounted out of sight: `aside` a share that is put together, `kept` what lies below one. */
export function hiddenPath(
  stateDir: string,
  kind: "aside" | "kept",
  target: string,
): { readonly path: string } | { readonly reason: string } {
  const directory = lockDirectory(stateDir);
  if ("reason" in directory) return directory;
  return { path: join(stateDir, kind, lockName(target).slice(0, -".lock".length)) };
}

/** Source by target of the mounts that this or an earlier instance noted as its own. */
export function readOwnedTargets(stateDir: string): ReadonlyMap<string, string> {
  const owned = new Map<string, string>();
  const directory = join(stateDir, "targets");
  let names: readonly string[] = [];
  try {
    names = readdirSync(directory);
  } catch {
    return owned;
  }
  for (const name of names) {
    const note = parseNote(readText(join(directory, name)) ?? "");
    if (note !== undefined) owned.set(note.target, note.source);
  }
  return owned;
}

function parseNote(text: string): LockNote | undefined {
  try {
    const note: unknown = JSON.parse(text);
    if (typeof note !== "object" || note === null || !("target" in note) || !("source" in note)) return undefined;
    const { target, source } = note;
    return typeof target === "string" && typeof source === "string" ? { target, source } : undefined;
  } catch {
    return undefined;
  }
}

const terminationLog = "/dev/termination-log";

/** Leaves the reason of the end where Kubernetes reads it, if that file exists. */
export function writeTerminationLog(reason: string): void {
  try {
    const fd = openSync(terminationLog, constants.O_WRONLY | constants.O_TRUNC);
    writeSync(fd, `${printable(reason)}\n`);
    closeSync(fd);
  } catch {
    // Only Kubernetes makes this file.
  }
}
