// The fstab file: changed under a lock, replaced atomically or rewritten in place.
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
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
import { planFinishing, planRewriting, recoverText, type Rewriting, type RewriteStep } from "../fstab/rewrite.ts";
import { readOpened, readRegular } from "./bounded-file.ts";
import { clock } from "./clock.ts";
import { tryLock } from "./libc.ts";

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
  const found = content.bytes.toString("latin1");
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
    const real = realpathSync(path);
    const found = readOpened(fd, longestFileBytes).toString("latin1");
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
    if (fd !== undefined) closeSync(fd);
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

/** Rewrites a file so that neither a full disk nor a kill loses a byte of it. */
function rewrite(fd: number, before: string, { prepare, replace }: Rewriting): void {
  try {
    for (const step of prepare) takeStep(fd, step);
  } catch (error) {
    ftruncateSync(fd, before.length);
    throw error;
  }
  for (const step of replace) takeStep(fd, step);
}

function takeStep(fd: number, step: RewriteStep): void {
  if (step.kind === "sync") return fsyncSync(fd);
  if (step.kind === "truncate") return ftruncateSync(fd, step.length);
  const bytes = Buffer.from(step.latin1, "latin1");
  for (let offset = 0; offset < bytes.byteLength;) {
    offset += writeSync(fd, bytes, offset, bytes.byteLength - offset, step.at + offset);
  }
}
