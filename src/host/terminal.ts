// Job control: COMMAND has the terminal while we would have it.
import * as native from "native";
import { SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU } from "../init/signals.ts";
import { sendQuietly } from "./children.ts";
import { statFields } from "./process-stat.ts";

export interface Terminal {
  /** Whether the foreground is ours to give. */
  readonly isOurs: () => boolean;
  /** Another COMMAND runs, in a process group of this number; the first one that runs is the one that has the terminal. */
  readonly follow: (pid: number) => void;
  /** Stops with COMMAND when the terminal has stopped it, so that the shell that started us goes on (Ctrl-Z). */
  readonly followStop: () => void;
  /** Continues what stopped with COMMAND, in the foreground if we were put there (fg); whether there was something. */
  readonly resume: (pid: number) => boolean;
  /** Takes the foreground back from a program that has ended. */
  readonly reclaim: (pid: number) => void;
}

/** Undefined where `fd` is a terminal of another session. */
export function takeTerminal(fd: number): Terminal | undefined {
  const foreground = () => {
    try {
      return native.tcgetpgrp(fd);
    } catch {
      return undefined;
    }
  };
  const give = (group: number) => {
    try {
      native.tcsetpgrp(fd, group);
    } catch {
      // It was taken away, or hung up.
    }
  };
  if (foreground() === undefined) return undefined;
  const ownGroup = native.getpgid(0);
  // 0: the foreground lies outside our pid namespace, whose init we are.
  const isOurs = () => [0, ownGroup].includes(foreground() ?? -1);
  let command: number | undefined;
  let isStopped = false;
  return {
    isOurs,
    follow: (pid) => {
      command ??= pid;
    },
    followStop: () => {
      if (command === undefined) return;
      const signal = takeStop(command);
      if (signal !== SIGTSTP && signal !== SIGTTIN && signal !== SIGTTOU) return;
      if (isOrphanedGroup()) {
        // Nobody could continue us, and the kernel would not stop COMMAND without us in between: Ctrl-Z means nothing then.
        if (signal === SIGTSTP) sendQuietly(-command, SIGCONT);
        return;
      }
      isStopped = true;
      if (foreground() === command) give(ownGroup);
      // The whole job stops, as it would have without us in between.
      sendQuietly(0, signal);
      native.stopSelf(signal);
    },
    resume: (pid) => {
      const wasStopped = isStopped;
      isStopped = false;
      if (isOurs()) give(pid);
      if (wasStopped) sendQuietly(-pid, SIGCONT);
      return wasStopped;
    },
    reclaim: (pid) => {
      if (command !== pid) return;
      command = undefined;
      if (native.getpid() !== 1 && foreground() === pid) give(ownGroup);
    },
  };
}

/** The signal that has stopped a child since this was last asked; undefined where none has. */
function takeStop(pid: number): number | undefined {
  return native.waitid(pid, native.WSTOPPED | native.WNOHANG)?.status;
}

/** Whether no shell of our session stands above our process group: the kernel stops none of it at Ctrl-Z then (setpgid(2)). */
function isOrphanedGroup(): boolean {
  const own = familyOf(native.getpid());
  for (let pid = native.getppid(); pid > 0;) {
    const one = familyOf(pid);
    if (one === undefined || one.session !== own?.session) return true;
    if (one.group !== own.group) return false;
    pid = one.parent;
  }
  return true;
}

function familyOf(pid: number) {
  const fields = statFields(pid);
  const [, parent = 0, group = 0, session = 0] = fields?.map(Number) ?? [];
  return fields === undefined ? undefined : { parent, group, session };
}
