// The fstab file: changed under a lock, replaced atomically or rewritten in place.
import * as native from "native";
import { errnoOf, messageOf } from "../errors.ts";
import { planFinishing, planRewriting, recoverText, type Rewriting, type RewriteStep } from "../shares/rewrite.ts";
import { readOpened, readRegular } from "./bounded-file.ts";
import { clock } from "./clock.ts";
import { tryLock } from "./locks.ts";
import { closing } from "./opened.ts";
import { parentOf, removeQuietly } from "./small-files.ts";

export type FstabOutcome =
  | { readonly kind: "written"; readonly text: string }
  | { readonly kind: "unchanged"; readonly text: string }
  | { readonly kind: "unwritable"; readonly reason: string };

const lockForMs = 3_000;

/** More than any fstab needs; a longer file is left alone. */
const longestBytes = 1024 * 1024;
/** With what an unfinished rewriting has left in it. */
const longestFileBytes = 4 * longestBytes;

function recovered(found: string): string {
  const text = recoverText(found);
  if (text.length > longestBytes) throw new Error(`it is longer than ${longestBytes / 1024} KiB`);
  return text;
}

/** The text of an fstab without what an unfinished rewriting has left in it. Bytes are given as Latin-1. */
export type FstabText =
  | { readonly kind: "text"; readonly text: string; readonly isUnfinished: boolean }
  | { readonly kind: "absent" }
  | { readonly kind: "refused"; readonly reason: string };

export function readFstab(path: string): FstabText {
  const content = readRegular(path, longestFileBytes);
  if (content.kind !== "read") return content;
  const found = native.decodeLatin1(content.bytes);
  try {
    const text = recovered(found);
    return { kind: "text", text, isUnfinished: text !== found };
  } catch (error) {
    return { kind: "refused", reason: messageOf(error) };
  }
}

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
    const real = native.realpath(path);
    const found = native.decodeLatin1(readOpened(fd, longestFileBytes));
    const before = recovered(found);
    const after = edit(before);
    if (after === found) return { kind: "unchanged", text: after };
    if (!replaceFile(real, fd, after)) {
      rewrite(fd, found, planFinishing(found));
      if (after !== before) rewrite(fd, before, planRewriting(before, after));
    }
    return { kind: "written", text: after };
  } catch (error) {
    return { kind: "unwritable", reason: messageOf(error) };
  } finally {
    if (fd !== undefined) native.close(fd);
  }
}

/** Opens and locks a file; the lock counts only while the path still leads to the file that was locked. */
async function openLocked(path: string): Promise<number | undefined> {
  const untilMs = clock.nowMs() + lockForMs;
  for (;;) {
    const fd = native.open(path, native.O_RDWR | native.O_CREAT | native.O_NONBLOCK, 0o644);
    try {
      const locked = native.fstat(fd);
      // /dev/null, as people mask a file, must not be replaced by one; a FIFO would be waited for.
      if (locked.type !== "file") throw new Error("it is not a regular file");
      if (tryLock(fd) && leadsTo(path, locked)) return fd;
    } catch (error) {
      native.close(fd);
      throw error;
    }
    native.close(fd);
    if (clock.nowMs() > untilMs) return undefined;
    await clock.sleep(20);
  }
}

function leadsTo(path: string, { dev, ino }: native.Stat): boolean {
  try {
    const named = native.stat(path);
    return named.ino === ino && named.dev === dev;
  } catch {
    return false;
  }
}

/** Whether a file could be replaced by rename(2); false where only rewriting in place is left. */
function replaceFile(path: string, fd: number, text: string): boolean {
  // One name for all: who holds the lock on the file may remove what an earlier run left when it was killed.
  const temporary = `${parentOf(path)}/.${path.slice(path.lastIndexOf("/") + 1)}.nfs-init`;
  const { mode, uid, gid } = native.fstat(fd);
  try {
    removeQuietly(temporary);
    closing(native.open(temporary, native.O_WRONLY | native.O_CREAT | native.O_EXCL, 0o600), (copy) => {
      writeAt(copy, native.encodeLatin1(text), 0);
      native.fchown(copy, uid, gid);
      native.fchmod(copy, mode);
      native.fsync(copy);
    });
    native.rename(temporary, path);
    return true;
  } catch (error) {
    removeQuietly(temporary);
    // EBUSY: a bind mount, as Docker has it for /etc files given with -v.
    if (["EBUSY", "EXDEV", "EACCES", "EPERM", "EROFS"].includes(errnoOf(error) ?? "")) return false;
    throw error;
  }
}

/** Rewrites a file so that neither a full disk nor a kill loses a byte of it. */
function rewrite(fd: number, before: string, { prepare, replace }: Rewriting): void {
  try {
    for (const step of prepare) takeStep(fd, step);
  } catch (error) {
    native.ftruncate(fd, before.length);
    throw error;
  }
  for (const step of replace) takeStep(fd, step);
}

function takeStep(fd: number, step: RewriteStep): void {
  if (step.kind === "sync") native.fsync(fd);
  else if (step.kind === "truncate") native.ftruncate(fd, step.length);
  else writeAt(fd, native.encodeLatin1(step.latin1), step.at);
}

function writeAt(fd: number, bytes: Uint8Array, at: number): void {
  for (let offset = 0; offset < bytes.byteLength;) offset += native.write(fd, bytes.subarray(offset), at + offset);
}
