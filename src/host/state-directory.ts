// The state directory: locks on targets, notes of what is mounted there, and who keeps lines in an fstab. It is root's.
import * as native from "native";
import { errnoOf, messageOf } from "../errors.ts";
import { formatNote, nameOfTarget, parseNote, type MountNote } from "../mount/notes.ts";
import type { TargetLock } from "../mount/ports.ts";
import { readTrusted, trustDirectories, trustFile } from "./bounded-file.ts";
import { lockOrClose, tryLock } from "./locks.ts";
import { closing, preparedOrClosed } from "./opened.ts";
import { listDirectory, makeDirectories, removeQuietly } from "./small-files.ts";
import { replaceWhole } from "./whole-file.ts";

/** Locks are nobody else's to hold: whoever can open a file can flock(2) it. What others may read stands in files of its own. */
const lockMode = 0o600;
const targets = "targets";
const claims = "fstab";

/** More than a note needs: two paths. */
const longestNoteBytes = 64 * 1024;
/** More than the targets of thousands of shares need. */
const longestClaimBytes = 16 * 1024 * 1024;

/**
 * Takes from others the right to write to an empty directory of ours: the kubelet makes that of an emptyDir with mode 0777. One
 * that holds something, or has the sticky bit as /tmp has it, is shared on purpose and stays as it is.
 */
export function claimDirectory(path: string): void {
  try {
    closing(native.open(path, native.O_RDONLY | native.O_DIRECTORY | native.O_NOFOLLOW), (fd) => {
      const { uid, mode } = native.fstat(fd);
      const isShared = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
      if (isShared && uid === native.geteuid() && listDirectory(path).length === 0) native.fchmod(fd, mode & 0o7755);
    });
  } catch {
    // It is not there yet, or whoever is about to write there says why it cannot.
  }
}

/** A directory below the state directory, made where it can be; throws where others could write to either. */
function openBelow(stateDir: string, name: string): string {
  const path = `${stateDir}/${name}`;
  makeDirectories(path);
  trustDirectories(stateDir, path);
  return path;
}

/** Opens a file that only its owner may open, made where it is absent; an older one that others may open is theirs no more. */
function openLock(path: string): number {
  const flags = native.O_RDWR | native.O_CREAT | native.O_NOFOLLOW | native.O_NONBLOCK;
  return preparedOrClosed(native.open(path, flags, lockMode), (fd) => {
    trustFile(fd, path);
    if (native.fstat(fd).mode !== lockMode) native.fchmod(fd, lockMode);
  });
}

/** Where what belongs on `target` is mounted out of sight: `aside` a share that is put together, `kept` what lies below one. */
export function hiddenPath(
  stateDir: string,
  kind: "aside" | "kept",
  target: string,
): { readonly path: string } | { readonly reason: string } {
  try {
    openBelow(stateDir, targets);
    return { path: `${stateDir}/${kind}/${nameOfTarget(target)}` };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

/** Takes the lock on a target without waiting; it lasts as long as this process. */
export function lockTarget(stateDir: string, target: string): TargetLock {
  try {
    const directory = openBelow(stateDir, targets);
    const fd = openLock(`${directory}/${nameOfTarget(target)}.lock`);
    if (!lockOrClose(fd)) return { kind: "busy" };
    const noteName = `${nameOfTarget(target)}.note`;
    return {
      kind: "locked",
      note: (source) => {
        try {
          // What a file says that an earlier version wrote its note to.
          native.ftruncate(fd, 0);
          if (source === undefined) removeQuietly(`${directory}/${noteName}`);
          else native.close(replaceWhole(directory, noteName, formatNote({ target, source }), 0o644));
        } catch {
          // Without the note a later instance takes the mount for somebody else's, which loses nothing.
        }
      },
      release: () => native.close(fd),
    };
  } catch (error) {
    return { kind: "unavailable", reason: messageOf(error) };
  }
}

/** What this and earlier instances noted; `tell` gets what is not believed. */
export function readNotes(stateDir: string, tell: (path: string, reason: string) => void): readonly MountNote[] {
  const notes: MountNote[] = [];
  for (const name of namesIn(stateDir, targets, tell)) {
    if (!name.endsWith(".note")) continue;
    const content = readTrusted(stateDir, `${targets}/${name}`, longestNoteBytes);
    if (content.kind === "refused") tell(`${stateDir}/${targets}/${name}`, content.reason);
    const note = content.kind === "read" ? parseNote(native.decodeUtf8(content.bytes)) : undefined;
    if (note !== undefined) notes.push(note);
  }
  return notes;
}

/** The names in a directory of the state directory; none where it is absent, or not believed. */
function namesIn(stateDir: string, name: string, tell: (path: string, reason: string) => void): readonly string[] {
  const path = `${stateDir}/${name}`;
  try {
    trustDirectories(stateDir, path);
    return listDirectory(path);
  } catch (error) {
    // What is not there, or cannot be looked at, says nothing.
    if (errnoOf(error) === undefined) tell(stateDir, messageOf(error));
    return [];
  }
}

/** Who keeps lines in an fstab: each instance, for as long as it lives, those for its targets. */
export interface LineClaims {
  /** Claims lines from now on. */
  readonly stake: (targets: readonly string[]) => void;
  /** The targets that instances claim which are running; this one's are among them. */
  readonly staked: () => ReadonlySet<string>;
}

export function lineClaims(stateDir: string): LineClaims {
  return {
    stake: (own) => {
      try {
        // The lock is held until the process ends.
        replaceWhole(openBelow(stateDir, claims), `${randomName()}.lock`, JSON.stringify(own), lockMode, true);
      } catch {
        // Another instance may then take its lines for old ones.
      }
    },
    staked: () => {
      const found = new Set<string>();
      for (const name of namesIn(stateDir, claims, () => {})) {
        if (name.endsWith(".lock")) for (const target of claimedIn(stateDir, name)) found.add(target);
      }
      return found;
    },
  };
}

function randomName(): string {
  return [...native.getrandom(16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The targets of one claim; one whose instance has ended is removed. */
function claimedIn(stateDir: string, name: string): readonly string[] {
  const path = `${stateDir}/${claims}/${name}`;
  try {
    const isLeft = closing(openLock(path), (fd) => {
      const isFree = tryLock(fd);
      if (isFree) removeQuietly(path);
      return isFree;
    });
    if (isLeft) return [];
    const content = readTrusted(stateDir, `${claims}/${name}`, longestClaimBytes);
    const claimed: unknown = content.kind === "read" ? JSON.parse(native.decodeUtf8(content.bytes)) : [];
    return Array.isArray(claimed) ? claimed.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}
