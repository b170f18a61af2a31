// The init's hands: signals, COMMAND's start, reaping, the terminal.
import { accessSync, closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { constants as fileConstants } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { messageOf } from "../errors.ts";
import { splitEntries } from "../init/command.ts";
import { reap } from "../init/reaper.ts";
import { forwardedSignals, isStopSignal, type ForwardedSignal } from "../init/signals.ts";
import type { InitPorts } from "../init/supervise.ts";
import { errnoName } from "./errno.ts";
import {
  becomeSubreaper,
  collect,
  errno,
  hasPidfd,
  isTerminal,
  kill,
  openFileLimits,
  ownForegroundGroup,
  peekEndedChild,
  setCloseOnExec,
  setForegroundGroup,
  setOpenFileLimits,
  setStatusFlags,
  spawnInGroup,
  statusFlags,
  type SpawnOutcome,
} from "./libc.ts";
import { readLink, readText } from "./text.ts";

/** Takes signals from the first moment on: for COMMAND once it runs, to end the wait before. */
export interface SignalInbox {
  /** From now on signals are for COMMAND. */
  readonly route: InitPorts["routeSignals"];
  /** Called with the first stop signal that comes before `route`; at once if one has come. */
  readonly onStop: (stop: (signal: number) => void) => void;
  /** Called with the first signal after `route` that asks COMMAND to end; at once if one has come. */
  readonly onStopRequest: (asked: () => void) => void;
}

export function openSignalInbox(): SignalInbox {
  let early: { readonly name: ForwardedSignal; readonly number: number }[] = [];
  let stop: ((signal: number) => void) | undefined;
  let deliver: ((signal: number) => void) | undefined;
  let stopRequests = 0;
  let onFirstRequest: (() => void) | undefined;
  const pass = (name: ForwardedSignal, number: number) => {
    deliver?.(number);
    // HUP asks many a program to read its configuration anew.
    if (isStopSignal(name) && name !== "SIGHUP" && ++stopRequests === 1) onFirstRequest?.();
  };
  for (const name of forwardedSignals) {
    const number = constants.signals[name];
    process.on(name, () => {
      if (deliver !== undefined) return pass(name, number);
      early.push({ name, number });
      if (isStopSignal(name)) stop?.(number);
    });
  }
  return {
    onStop: (callback) => {
      stop = callback;
      const first = early.find(({ name }) => isStopSignal(name));
      if (first !== undefined) callback(first.number);
    },
    route: (onSignal) => {
      deliver = onSignal;
      // What came before and did not stop us was meant for COMMAND only if it asks for an end: the rest is about a
      // process that did not run.
      for (const { name, number } of early) if (isStopSignal(name)) pass(name, number);
      early = [];
    },
    onStopRequest: (asked) => {
      onFirstRequest = asked;
      if (stopRequests > 0) asked();
    },
  };
}

const SIGKILL = constants.signals.SIGKILL;

/**
 * Sends SIGKILL to every descendant of this process that is not a helper of its own, and to nobody else: a pid namespace may
 * be shared, and `docker exec` puts processes beside us that are not ours. Gives how many were alive, zombies not counted.
 */
export function killDescendants(isOwnHelper: (pid: number) => boolean): number {
  const parents = new Map<number, number>();
  const alive = new Set<number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    // The second field is a name in parentheses that may hold anything; state and parent follow it.
    const [state = "Z", parent] = readText(`/proc/${name}/stat`)?.split(")").at(-1)?.trim().split(" ") ?? [];
    parents.set(Number(name), Number(parent ?? 0));
    if (state !== "Z" && state !== "X") alive.add(Number(name));
  }
  const isOurs = (pid: number): boolean => {
    for (let one: number | undefined = pid; one !== undefined && one !== 0; one = parents.get(one)) {
      if (one === process.pid) return true;
      if (isOwnHelper(one)) return false;
    }
    return false;
  };
  const found = [...alive].filter((pid) => pid !== process.pid && isOurs(pid));
  for (const pid of found) kill(pid, SIGKILL);
  return found.length;
}

/** /proc/self/environ or cmdline as entries; undefined where there is no /proc. */
export function rawEntries(name: "cmdline" | "environ"): readonly Uint8Array[] | undefined {
  try {
    const bytes = readFileSync(`/proc/self/${name}`);
    return bytes.byteLength === 0 && name === "cmdline" ? undefined : splitEntries(bytes);
  } catch {
    return undefined;
  }
}

/** The soft limit of open files that programs expect (select(2) cannot count further). */
const conventionalNofile = 1024n;
/** How often ended children are looked for where SIGCHLD does not reach us. */
const reapIntervalMs = 1_000;
/** How soon to look again when a child of the runtime stands before others. */
const reapAgainMs = 5;
const stdin = 0;

export interface InitOptions {
  /** Soft limit of open files for COMMAND; the conventional one where undefined. */
  readonly nofile: number | undefined;
  readonly inheritance: Inheritance;
  /** Entered by COMMAND; it stays in ours where undefined. */
  readonly workingDirectory: string | undefined;
  readonly isRuntimeChild: (pid: number) => boolean;
}

export function initPorts(
  { nofile, inheritance, workingDirectory, isRuntimeChild }: InitOptions,
  inbox: SignalInbox,
): InitPorts {
  const ownGroup = isTerminal(stdin) ? ownForegroundGroup(stdin) : undefined;
  if (process.pid !== 1) becomeSubreaper();
  return {
    start: (command) => {
      try {
        if (workingDirectory !== undefined) process.chdir(workingDirectory);
      } catch (error) {
        return { kind: "not-executable", reason: `its working directory ${workingDirectory}: ${messageOf(error)}` };
      }
      const limits = openFileLimits();
      const wanted = nofile === undefined ? conventionalNofile : BigInt(nofile);
      setOpenFileLimits({ soft: wanted < limits.hard ? wanted : limits.hard, hard: limits.hard });
      for (const fd of inheritance.descriptors) setCloseOnExec(fd, false);
      // The runtime makes pipes and terminals non-blocking where it uses them.
      inheritance.stdioFlags.forEach((flags, fd) => {
        if (flags !== -1 && flags !== statusFlags(fd)) setStatusFlags(fd, flags);
      });
      const outcome = spawn(command.argv, command.env);
      for (const fd of inheritance.descriptors) setCloseOnExec(fd, true);
      setOpenFileLimits(limits);
      // A working directory on a mount would keep it busy.
      process.chdir("/");
      if (outcome.kind === "failed") {
        if (outcome.errno === errno.ENOENT || outcome.errno === errno.ENOTDIR) return { kind: "not-found" };
        return { kind: "not-executable", reason: errnoText(outcome.errno) };
      }
      if (ownGroup !== undefined) {
        setForegroundGroup(stdin, outcome.pid);
        // It may have looked at the terminal before that and been stopped (SIGTTIN).
        kill(-outcome.pid, constants.signals.SIGCONT);
      }
      return { kind: "started", pid: outcome.pid };
    },
    send: (pid, signal) => {
      kill(pid, signal);
    },
    reapChildren: (onEnd) => {
      let again: NodeJS.Timeout | undefined;
      const look = () => {
        clearTimeout(again);
        if (!reap({ peek: peekEndedChild, collect, isRuntimeChild }, onEnd)) again = setTimeout(look, reapAgainMs);
      };
      process.on("SIGCHLD", look);
      // Keeps the runtime alive; it also does the looking on kernels where the runtime takes SIGCHLD for itself.
      setInterval(look, hasPidfd() ? 2 ** 31 - 1 : reapIntervalMs);
      look();
    },
    routeSignals: inbox.route,
    reclaimTerminal: () => {
      if (ownGroup !== undefined && ownGroup > 0) setForegroundGroup(stdin, ownGroup);
    },
  };
}

function spawn(argv: readonly Uint8Array[], env: readonly Uint8Array[]): SpawnOutcome {
  const [file = new Uint8Array(), ...rest] = argv;
  const outcome = spawnInGroup({ file, argv, env });
  if (outcome.kind === "spawned" || outcome.errno !== errno.ENOEXEC) return outcome;
  // A script without a first line that names its interpreter is sh's to run, as execvp(3) has it; a binary is not.
  const path = findExecutable(new TextDecoder().decode(file));
  if (path === undefined || isBinary(path)) return outcome;
  const encoder = new TextEncoder();
  const shell = encoder.encode("/bin/sh");
  return spawnInGroup({ file: shell, argv: [shell, encoder.encode(path), ...rest], env });
}

/** Where execvp(3) finds a program. */
function findExecutable(name: string): string | undefined {
  if (name.includes("/")) return name;
  const folders = (process.env["PATH"] ?? "/bin:/usr/bin").split(":");
  return folders.map((folder) => join(folder === "" ? "." : folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, fileConstants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Whether a file's first bytes are those of no script: shells look for a NUL, too. */
function isBinary(path: string): boolean {
  try {
    const fd = openSync(path, fileConstants.O_RDONLY);
    const head = Buffer.alloc(256);
    const length = readSync(fd, head);
    closeSync(fd);
    return head.subarray(0, length).includes(0);
  } catch {
    return false;
  }
}

/** What nfs-init was given and what its runtime changes of it. */
export interface Inheritance {
  /** Descriptors from 3 up that were open before the runtime opened its own. */
  readonly descriptors: readonly number[];
  /** Status flags of stdin, stdout and stderr. */
  readonly stdioFlags: readonly number[];
}

/** Must be called before anything is opened: the runtime has marked what was inherited close-on-exec. */
export function readInheritance(): Inheritance {
  const descriptors: number[] = [];
  for (const name of listDescriptors()) {
    const fd = Number(name);
    // The runtime's own are an epoll, an eventfd and their like; nobody hands these down.
    const link = fd > 2 ? readLink(`/proc/self/fd/${name}`) : undefined;
    if (link !== undefined && !link.startsWith("anon_inode:")) descriptors.push(fd);
  }
  return { descriptors, stdioFlags: [0, 1, 2].map(statusFlags) };
}

function listDescriptors(): readonly string[] {
  try {
    return readdirSync("/proc/self/fd");
  } catch {
    return [];
  }
}

function errnoText(number: number): string {
  switch (number) {
    case errno.EACCES:
      return "permission denied";
    case errno.ENOEXEC:
      return "not in a format this machine can run";
    default:
      return errnoName(number);
  }
}
