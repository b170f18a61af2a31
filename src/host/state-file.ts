// The state file: replaced as a whole by the instance, read by `check` and `status`.
import * as native from "native";
import { messageOf } from "../errors.ts";
import type { FoundState } from "../report/health.ts";
import { createPublisher, type Publisher } from "../report/publisher.ts";
import { parseState, stateFileName } from "../report/state.ts";
import { readTrusted, trustDirectories } from "./bounded-file.ts";
import { elsewhereOnce } from "./callers.ts";
import { clock } from "./clock.ts";
import { lockOrClose } from "./locks.ts";
import { replaceFile } from "./path-calls.ts";
import { makeDirectories, removeQuietly } from "./small-files.ts";

export interface StateFile extends Pick<Publisher, "write"> {
  /** Removes the file, which nobody is to believe any more. */
  readonly withdraw: () => Promise<void>;
}

/** Where a state is published, and how often at least: who reads it takes it for old after some intervals. */
export interface PublishedState {
  readonly stateDir: string;
  readonly intervalMs: number;
}

/** Held by the instance that publishes there: two of them in one directory would contradict each other. */
const lockName = "state.lock";

/** Longest time a write takes; what takes longer is tried again with the next text. */
const writeMs = 30_000;

/**
 * Publishes in `stateDir`, which is made where it is absent. Written elsewhere, one at a time, so that a disk that hangs holds
 * up nothing else. `onTrouble` is told the first time that it cannot be written; it is tried again with each text.
 */
export function openStateFile(
  { stateDir, intervalMs }: PublishedState,
  onTrouble: (reason: string) => void,
): StateFile {
  const path = `${stateDir}/${stateFileName}`;
  let lock: number | undefined;
  let isWithdrawn = false;
  let hasTold = false;
  let isOurs = false;

  const put = async (text: string): Promise<void> => {
    try {
      lock ??= lockDirectory(stateDir);
      const answer = await elsewhereOnce((at) => replaceFile(at, stateDir, stateFileName, text, 0o644), writeMs);
      if (answer.kind !== "answer")
        throw new Error(answer.kind === "no-answer" ? "it cannot be written in time" : answer.reason);
      isOurs = true;
    } catch (error) {
      if (hasTold || isWithdrawn) return;
      hasTold = true;
      onTrouble(messageOf(error));
      // What an earlier instance left there is not to be taken for ours; our own is believed until it is too old.
      if (lock !== undefined && !isOurs) removeQuietly(path);
    }
  };
  const { write, end } = createPublisher({ clock, put, longestPauseMs: intervalMs });
  return {
    write,
    withdraw: async () => {
      isWithdrawn = true;
      const isThrough = await end();
      if (lock === undefined) return;
      // A disk that hangs would take us along.
      if (isThrough) removeQuietly(path);
      native.close(lock);
      lock = undefined;
    },
  };
}

/** Makes and locks the directory; gives the descriptor that holds the lock. Nobody but this user may write there. */
function lockDirectory(stateDir: string): number {
  makeDirectories(stateDir);
  trustDirectories(stateDir);
  const flags = native.O_RDWR | native.O_CREAT | native.O_NOFOLLOW;
  const fd = native.open(`${stateDir}/${lockName}`, flags, 0o600);
  if (lockOrClose(fd)) return fd;
  throw new Error(`another nfs-init publishes its state in ${stateDir}`);
}

/** More than thousands of shares need. */
const longestStateBytes = 16 * 1024 * 1024;

/** The state published in `stateDir`; only what its writer alone can have put there, and root or this user is the writer. */
export function readStateFile(stateDir: string): FoundState {
  const content = readTrusted(stateDir, stateFileName, longestStateBytes);
  if (content.kind === "absent") return { kind: "none" };
  if (content.kind === "refused") return { kind: "unusable", reason: content.reason };
  const state = parseState(native.decodeUtf8(content.bytes));
  if (state !== undefined) return { kind: "state", state };
  return { kind: "unusable", reason: `the state in ${stateDir} is that of another version of nfs-init` };
}
