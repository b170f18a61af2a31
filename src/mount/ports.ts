// What mounting needs of the machine; the host rooms implement it, and every call on a path runs in a process that can be killed.
import type { MountRecord } from "../shares/mountinfo.ts";
import type { KernelMount } from "../kinds/mounting.ts";

/** How a helper process ended. */
export type HelperEnd =
  | { readonly kind: "exited"; readonly exitCode: number; readonly stderr: string }
  | { readonly kind: "killed"; readonly stderr: string }
  | { readonly kind: "not-started"; readonly reason: string };

/** No answer within its time; or why no process could be started to ask, which says nothing of the path. */
export interface NoAnswer {
  readonly kind: "no-answer";
  readonly notStarted?: string | undefined;
}

/** What is said where no process could be started, `reason` being a clause. */
export function notStartedWords(reason: string): string {
  return `no process can be started for that (${reason}); it takes a free process, some descriptors and /dev/null`;
}

/** The answer to a system call on a path: 0, the name of an errno, or nothing within its time. */
export type PathAnswer = { readonly kind: "done" } | { readonly kind: "failed"; readonly errno: string } | NoAnswer;

/** A mount point made ready. */
export type Prepared =
  | {
      readonly kind: "prepared";
      /** What mount(2) is given. */ readonly path: string;
      readonly isEmpty: boolean;
      /** Lets go of what is held open for a mount point below another share; nothing is held for others. */
      readonly release: () => void;
    }
  /** It cannot be one; the errno where a call said so. */
  | { readonly kind: "refused"; readonly reason: string; readonly errno?: string | undefined }
  /** What lies above it is not well at this moment. */
  | { readonly kind: "failed"; readonly reason: string }
  | NoAnswer;

/** What the kernel says of the words of a mount that it was given one by one. */
export type OptionsRead =
  | { readonly kind: "refused"; readonly index: number; readonly errno: string; readonly said: readonly string[] }
  /** All of them are words it knows, and it refuses the whole. */
  | { readonly kind: "failed"; readonly errno: string; readonly said: readonly string[] }
  | { readonly kind: "accepted" }
  /** It cannot be asked so (Linux before 5.6, a seccomp profile). */
  | { readonly kind: "unknown" };

/** How much a file system holds, as statfs(2) says it. */
export interface Space {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** What somebody without privileges can still write. */
  readonly availableBytes: number;
}

/** What a look at a mount point gave. */
export type Look =
  | {
      readonly kind: "answers";
      readonly isWritable: boolean;
      readonly space?: Space;
      /** The errno that says so (ENOSPC, EDQUOT), where a file could not be written for want of room. */
      readonly full?: string | undefined;
    }
  | { readonly kind: "failed"; readonly errno: string }
  | { readonly kind: "no-answer" };

export interface Mounter {
  /** The mounts of this namespace now. */
  readonly mounts: () => readonly MountRecord[];
  /** Runs a mount helper; `signal` kills it. */
  readonly runHelper: (file: string, args: readonly string[], signal: AbortSignal) => Promise<HelperEnd>;
  /** mount(2) in a worker, killed when `signal` aborts. */
  readonly mount: (call: KernelMount & { readonly target: string }, signal: AbortSignal) => Promise<PathAnswer>;
  /** Has the kernel read the words of a mount, which is not made. */
  readonly readOptions: (
    call: Pick<KernelMount, "fstype" | "source">,
    words: readonly string[],
    timeoutMs: number,
  ) => Promise<OptionsRead>;
  /** statfs(2), which asks the server each time. */
  readonly statfs: (path: string, timeoutMs: number) => Promise<PathAnswer>;
  /**
   * Makes `target` a directory, with its parents. Below the share mounted on `below` no symlink is followed, and the path
   * stands for the very directory that was looked at.
   */
  readonly prepare: (target: string, below: string | undefined, timeoutMs: number) => Promise<Prepared>;
  /** Keeps a mount busy, so that no plain umount(2) takes it away in any mount namespace; gives the function that lets go. */
  readonly hold: (path: string, timeoutMs: number) => Promise<() => Promise<void>>;
  /** umount2(2); `force` is MNT_FORCE, which aborts what other users of the same server connection have under way. */
  readonly umount: (target: string, how: "plain" | "lazy" | "force", timeoutMs: number) => Promise<PathAnswer>;
  /**
   * umount2(2) in this very process, for where none can be started. Whoever unmounts last waits until the kernel has taken leave of
   * the server: only for what was last seen to answer, and for what is local.
   */
  readonly umountHere: (target: string, how: "plain" | "lazy") => PathAnswer;
  /** Mounts a guard on `path`. */
  readonly guard: (path: string, timeoutMs: number) => Promise<PathAnswer>;
  /** Makes the directory `path`, which lies on no share, with a private tmpfs on it; see aside.ts. */
  readonly makeAside: (path: string, timeoutMs: number) => Promise<PathAnswer>;
  /** Removes that directory once nothing is mounted on it. */
  readonly removeAside: (path: string, timeoutMs: number) => Promise<PathAnswer>;
  /** Mounts what is mounted on `target` a second time, on the directory `path`, which is made and lies on no share (MS_BIND). */
  readonly keep: (target: string, path: string, timeoutMs: number) => Promise<PathAnswer>;
  readonly bind: (from: string, to: string, timeoutMs: number) => Promise<PathAnswer>;
  /** Moves the mount on `from` with everything below it onto `to` (MS_MOVE): it is there at once, and whole. */
  readonly move: (from: string, to: string, timeoutMs: number) => Promise<PathAnswer>;
  /** statfs, readdir and access of a mount point, and with `write` a small file written and read back. */
  readonly look: (path: string, write: boolean, timeoutMs: number) => Promise<Look>;
}

/** What a lock on a target says of it. */
export type TargetLock =
  /** Ours until released; `note` writes down what we mounted there. */
  | { readonly kind: "locked"; readonly note: (source: string | undefined) => void; readonly release: () => void }
  | { readonly kind: "busy" }
  /** There is no place for locks; mounting goes on without. */
  | { readonly kind: "unavailable"; readonly reason: string };
