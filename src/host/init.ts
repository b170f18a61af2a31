// The init's hands: signals, COMMAND's start, reaping, the terminal.
import { constants } from "node:os";
import { readdirSync, readFileSync } from "node:fs";
import { messageOf } from "../errors.ts";
import { splitEntries } from "../init/command.ts";
import { reap } from "../init/reaper.ts";
import { forwardedSignals, isStopSignal, type ForwardedSignal } from "../init/signals.ts";
import type { InitPorts } from "../init/supervise.ts";
import {
  becomeSubreaper,
  collect,
  errno,
  foregroundGroup,
  hasPidfd,
  isTerminal,
  kill,
  openFileLimits,
  peekEndedChild,
  setForegroundGroup,
  setOpenFileLimits,
  spawnInGroup,
  type SpawnOutcome,
} from "./libc.ts";
import { readText } from "./text.ts";

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
 * be shared, and `docker exec` puts processes beside us that are not ours.
 */
export function killDescendants(isOwnHelper: (pid: number) => boolean): void {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    // The second field is a name in parentheses that may hold anything; the parent is the second field after it.
    const fields = readText(`/proc/${name}/stat`)?.split(")").at(-1)?.trim().split(" ");
    parents.set(Number(name), Number(fields?.[1] ?? 0));
  }
  const isDescendant = (pid: number): boolean => {
    for (let parent = parents.get(pid); parent !== undefined && parent !== 0; parent = parents.get(parent)) {
      if (parent === process.pid) return true;
    }
    return false;
  };
  for (const pid of parents.keys()) if (!isOwnHelper(pid) && isDescendant(pid)) kill(pid, SIGKILL);
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
  /** Entered by COMMAND; it stays in ours where undefined. */
  readonly workingDirectory: string | undefined;
  readonly isRuntimeChild: (pid: number) => boolean;
}

export function initPorts({ nofile, workingDirectory, isRuntimeChild }: InitOptions, inbox: SignalInbox): InitPorts {
  const ownGroup = isTerminal(stdin) ? foregroundGroup(stdin) : undefined;
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
      const outcome = spawn(command.argv, command.env);
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
      if (ownGroup !== undefined) setForegroundGroup(stdin, ownGroup);
    },
  };
}

function spawn(argv: readonly Uint8Array[], env: readonly Uint8Array[]): SpawnOutcome {
  const [file = new Uint8Array()] = argv;
  const outcome = spawnInGroup({ file, argv, env });
  if (outcome.kind === "spawned" || outcome.errno !== errno.ENOEXEC) return outcome;
  // A script without a first line that names its interpreter is sh's to run, as execvp(3) has it.
  const shell = new TextEncoder().encode("/bin/sh");
  return spawnInGroup({ file: shell, argv: [shell, ...argv], env });
}

function errnoText(number: number): string {
  switch (number) {
    case errno.EACCES:
      return "permission denied";
    case errno.ENOEXEC:
      return "not in a format this machine can run";
    default: {
      const name = Object.entries(constants.errno).find(([, value]) => value === number)?.[0];
      return name ?? `errno ${number}`;
    }
  }
}
