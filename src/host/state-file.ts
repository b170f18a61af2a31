// The state file: replaced as a whole by the instance, read by `check` and `status`.
import { closeSync, constants, open as openCallback } from "node:fs";
import { lstat, mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { errnoOf, messageOf } from "../errors.ts";
import type { FoundState } from "../report/health.ts";
import { parseState, stateFileName } from "../report/state.ts";
import { distrust } from "../report/trust.ts";
import { readTrusted } from "./bounded-file.ts";
import { tryLock } from "./libc.ts";

export interface StateFile {
  /** Has the file replaced by this text. Nobody waits for it: while a write is under way the newest text waits. */
  readonly write: (text: string) => void;
  /** Removes the file, which nobody is to believe any more. */
  readonly withdraw: () => Promise<void>;
}

/** Held by the instance that publishes there: two of them in one directory would contradict each other. */
const lockName = "state.lock";
const temporaryName = ".state.json.new";

/** Longest time a write under way is waited for at the end: a disk may hang. */
const withdrawMs = 200;

/**
 * Publishes in `stateDir`, which is made where it is absent. Written by the pool's threads, one at a time, so that a disk that
 * hangs holds up nothing else. `onTrouble` is told the first time that it cannot be written; it is tried again with each text.
 */
export function openStateFile(stateDir: string, onTrouble: (reason: string) => void): StateFile {
  const path = join(stateDir, stateFileName);
  let lock: number | undefined;
  let next: string | undefined;
  let writing: Promise<void> | undefined;
  let isWithdrawn = false;
  let hasTold = false;

  const put = async (text: string): Promise<void> => {
    try {
      lock ??= await lockDirectory(stateDir);
      await replace(stateDir, path, text, () => isWithdrawn);
    } catch (error) {
      if (hasTold || isWithdrawn) return;
      hasTold = true;
      onTrouble(messageOf(error));
      // What an earlier instance left there is not to be taken for ours.
      if (lock !== undefined) await rm(path, { force: true }).catch(() => {});
    }
  };
  const drain = async (): Promise<void> => {
    for (let text = next; text !== undefined && !isWithdrawn; text = next) {
      next = undefined;
      await put(text);
    }
    writing = undefined;
  };
  return {
    write: (text) => {
      next = text;
      if (!isWithdrawn) writing ??= drain();
    },
    withdraw: async () => {
      isWithdrawn = true;
      const remove = async () => {
        await writing;
        if (lock === undefined) return;
        await rm(path, { force: true }).catch(() => {});
        closeSync(lock);
        lock = undefined;
      };
      await Promise.race([remove(), new Promise<void>((resolve) => void setTimeout(resolve, withdrawMs).unref())]);
    },
  };
}

/** Makes and locks the directory; gives the descriptor that holds the lock. Nobody but this user may write there. */
async function lockDirectory(stateDir: string): Promise<number> {
  await mkdir(stateDir, { recursive: true });
  const reason = distrust(await lstat(stateDir), "directory", process.geteuid?.());
  if (reason !== undefined) throw new Error(`${stateDir} ${reason}`);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const fd = await promisify(openCallback)(join(stateDir, lockName), flags, 0o600);
  if (tryLock(fd)) return fd;
  closeSync(fd);
  throw new Error(`another nfs-init publishes its state in ${stateDir}`);
}

/**
 * Readers see the old text or the new one, never half of it. It need not outlive the machine: nothing is synced. This is done
 * for as long as shares are watched, and each step wakes a thread: there is none that is needed only after a failure.
 */
async function replace(stateDir: string, path: string, text: string, isOver: () => boolean): Promise<void> {
  const temporary = join(stateDir, temporaryName);
  const file = await create(temporary);
  try {
    try {
      await file.chmod(0o644);
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    if (isOver()) throw new Error("nobody is to read it any more");
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** Makes the file anew, in place of what an earlier instance has left there. */
async function create(path: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    return await open(path, flags, 0o644);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    await rm(path);
    return open(path, flags, 0o644);
  }
}

/** More than thousands of shares need. */
const longestStateBytes = 16 * 1024 * 1024;

/** The state published in `stateDir`; only what its writer alone can have put there, and root or this user is the writer. */
export function readStateFile(stateDir: string): FoundState {
  const content = readTrusted(stateDir, stateFileName, longestStateBytes);
  if (content.kind === "absent") return { kind: "none" };
  if (content.kind === "refused") return { kind: "unusable", reason: content.reason };
  const state = parseState(content.bytes.toString());
  if (state !== undefined) return { kind: "state", state };
  return { kind: "unusable", reason: `the state in ${stateDir} is that of another version of nfs-init` };
}
