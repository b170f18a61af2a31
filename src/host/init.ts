// The init's hands: signals, COMMAND's start, reaping, the terminal.
import { constants } from "node:os";
import { messageOf } from "../errors.ts";
import type { Handover } from "../init/handover.ts";
import { reap, type EndedChild } from "../init/reaper.ts";
import { forwardedSignals, isStopSignal, type ForwardedSignal } from "../init/signals.ts";
import type { InitPorts } from "../init/supervise.ts";
import { becomeCommand, spawnCommand, type NotStarted } from "./execute.ts";
import type { Inheritance } from "./inheritance.ts";
import {
  becomeSubreaper,
  collect,
  foregroundGroup,
  hasPidfd,
  isTerminal,
  kill,
  ownGroup,
  peekEndedChild,
  setForegroundGroup,
  takeStop,
} from "./libc.ts";
import { takeOwnSignals } from "./own-signals.ts";
import { readText } from "./text.ts";

/** Takes signals from the first moment on: for COMMAND once it runs, to end the wait before. */
export interface SignalInbox {
  /** From now on signals are for COMMAND. */
  readonly route: InitPorts["routeSignals"];
  /** Called with the first stop signal that comes before `route`; at once if one has come. */
  readonly onStop: (stop: (signal: number) => void) => void;
  /** Called with the first signal after `route` that asks COMMAND to end; at once if one has come. */
  readonly onStopRequest: (asked: () => void) => void;
  /** Takes the signals too that the runtime does not know: they come with the next `takeOwn`, and a SIGCHLD tells of them. */
  readonly openOwn: () => void;
  readonly takeOwn: () => void;
  /** Forgets those that came before COMMAND. */
  readonly dropOwn: () => void;
}

export function openSignalInbox(): SignalInbox {
  let early: { readonly name: ForwardedSignal; readonly number: number }[] = [];
  let stop: ((signal: number) => void) | undefined;
  let deliver: ((signal: number) => void) | undefined;
  let readOwn: () => readonly number[] = () => [];
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
      stopRequests = 0;
      if (onSignal === undefined) return;
      // What came before and did not stop us was meant for COMMAND only if it asks for an end: the rest is about a
      // process that did not run.
      for (const { name, number } of early) if (isStopSignal(name)) pass(name, number);
      early = [];
      for (const number of readOwn()) onSignal(number);
    },
    onStopRequest: (asked) => {
      onFirstRequest = asked;
      if (stopRequests > 0) asked();
    },
    openOwn: () => {
      readOwn = takeOwnSignals();
    },
    takeOwn: () => {
      // Until then they wait in their pipe.
      if (deliver === undefined) return;
      for (const number of readOwn()) deliver(number);
    },
    dropOwn: () => {
      readOwn();
    },
  };
}

/** How often ended children are looked for where SIGCHLD does not reach us. */
const reapIntervalMs = 250;
/** How soon to look again when a child of the runtime stands before others. */
const reapAgainMs = 5;
const stdin = 0;
const { SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU } = constants.signals;

export interface InitOptions {
  readonly handover: Handover;
  readonly inheritance: Inheritance;
  /** Entered by COMMAND; it stays in ours where undefined. */
  readonly workingDirectory: string | undefined;
  readonly isRuntimeChild: (pid: number) => boolean;
  /** Whether the runtime has children at all. */
  readonly spawnsHelpers: boolean;
}

export function initPorts(
  { handover, inheritance, workingDirectory, isRuntimeChild, spawnsHelpers }: InitOptions,
  inbox: SignalInbox,
): InitPorts {
  const terminal = isTerminal(stdin) ? takeTerminal() : undefined;
  let onEnd: ((child: EndedChild) => void) | undefined;
  const enterDirectory = (): NotStarted | undefined => {
    try {
      if (workingDirectory !== undefined) process.chdir(workingDirectory);
      return undefined;
    } catch (error) {
      return { kind: "not-executable", reason: `its working directory ${workingDirectory}: ${messageOf(error)}` };
    }
  };
  return {
    start: (command) => {
      const refused = enterDirectory();
      if (refused !== undefined) return refused;
      if (process.pid !== 1) becomeSubreaper();
      inbox.dropOwn();
      const outcome = spawnCommand(command, handover, inheritance);
      // A working directory on a mount would keep it busy.
      process.chdir("/");
      if (outcome.kind === "started") terminal?.hand(outcome.pid);
      return outcome;
    },
    replace: (command) => enterDirectory() ?? becomeCommand(command, handover, inheritance),
    send: (pid, signal) => {
      if (signal === SIGCONT && terminal?.resume(pid) === true) return;
      kill(pid, signal);
    },
    reapChildren: (callback) => {
      const isFirst = onEnd === undefined;
      onEnd = callback;
      if (!isFirst) return;
      let again: NodeJS.Timeout | undefined;
      const look = () => {
        clearTimeout(again);
        inbox.takeOwn();
        terminal?.followStop();
        const isThrough = reap({ peek: peekEndedChild, collect, isRuntimeChild }, (child) => onEnd?.(child));
        if (!isThrough) again = setTimeout(look, reapAgainMs);
      };
      // Without pidfd_open (kernels before 5.3) the runtime needs SIGCHLD for its own children, and is left it where it has any.
      const isTold = hasPidfd() || !spawnsHelpers;
      if (isTold) process.on("SIGCHLD", look);
      // Keeps the runtime alive; it also does the looking where SIGCHLD is not ours.
      setInterval(look, isTold ? 2 ** 31 - 1 : reapIntervalMs);
      look();
    },
    routeSignals: inbox.route,
    reclaimTerminal: () => terminal?.reclaim(),
  };
}

/** Job control: COMMAND has the terminal while we would have it. */
interface Terminal {
  /** Puts COMMAND's group into the foreground, where that is ours to give. */
  readonly hand: (pid: number) => void;
  /** Stops with COMMAND when the terminal has stopped it, so that the shell that started us goes on (Ctrl-Z). */
  readonly followStop: () => void;
  /** Continues what stopped with COMMAND, in the foreground if we were put there (fg); whether there was something. */
  readonly resume: (pid: number) => boolean;
  /** Takes the foreground back. */
  readonly reclaim: () => void;
}

/** Whether no shell of our session stands above our process group: the kernel stops none of it at Ctrl-Z then (setpgid(2)). */
function isOrphanedGroup(): boolean {
  const own = familyOf(process.pid);
  for (let pid = process.ppid; pid > 0;) {
    const one = familyOf(pid);
    if (one === undefined || one.session !== own?.session) return true;
    if (one.group !== own.group) return false;
    pid = one.parent;
  }
  return true;
}

function familyOf(pid: number) {
  // The second field is a name in parentheses that may hold anything.
  const fields = readText(`/proc/${pid}/stat`)?.split(")").at(-1)?.trim().split(" ");
  const [, parent = 0, group = 0, session = 0] = fields?.map(Number) ?? [];
  return fields === undefined ? undefined : { parent, group, session };
}

/** Undefined where stdin is a terminal of another session. */
function takeTerminal(): Terminal | undefined {
  // 0: the foreground lies outside our pid namespace, whose init we are.
  const isOurs = () => [0, ownGroup()].includes(foregroundGroup(stdin) ?? -1);
  if (foregroundGroup(stdin) === undefined) return undefined;
  let command: number | undefined;
  let isStopped = false;
  const hand = (pid: number) => {
    if (!isOurs()) return;
    setForegroundGroup(stdin, pid);
    // It may have looked at the terminal before that and been stopped (SIGTTIN).
    kill(-pid, SIGCONT);
  };
  return {
    hand: (pid) => {
      command = pid;
      hand(pid);
    },
    followStop: () => {
      if (command === undefined) return;
      const signal = takeStop(command);
      if (signal !== SIGTSTP && signal !== SIGTTIN && signal !== SIGTTOU) return;
      if (isOrphanedGroup()) {
        // Nobody could continue us, and the kernel would not stop COMMAND without us in between: Ctrl-Z means nothing then.
        if (signal === SIGTSTP) kill(-command, SIGCONT);
        return;
      }
      isStopped = true;
      if (foregroundGroup(stdin) === command) setForegroundGroup(stdin, ownGroup());
      // The whole job stops, as it would have without us in between.
      kill(0, signal);
    },
    resume: (pid) => {
      const wasStopped = isStopped;
      isStopped = false;
      hand(pid);
      if (wasStopped) kill(-pid, SIGCONT);
      return wasStopped;
    },
    reclaim: () => {
      if (process.pid !== 1 && foregroundGroup(stdin) === command) setForegroundGroup(stdin, ownGroup());
    },
  };
}
