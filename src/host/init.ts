// The init's hands: the start of programs, their signals, their end, the terminal.
import * as native from "native";
import type { Command } from "../init/command.ts";
import type { Handover } from "../init/handover.ts";
import { mountingCapabilities } from "../init/identity.ts";
import { relayOf } from "../init/relay.ts";
import { SIGCONT } from "../init/signals.ts";
import type { InitPorts } from "../init/supervise.ts";
import { sendToChild } from "./children.ts";
import { becomeProgram, startAtOnce } from "./program-start.ts";
import type { SignalInbox } from "./signals.ts";
import { takeTerminal } from "./terminal.ts";

export interface InitOptions {
  readonly handover: Handover;
  /**
   * The directory that a program starts in; ours where undefined. It is entered by the program itself: a share may have been mounted
   * on it since we started.
   */
  readonly workingDirectory: string | undefined;
  /** Whether the start may hang on a share that dies meanwhile: it is not waited for then, which takes a copy of our memory. */
  readonly mayHang: boolean;
}

const stdin = 0;

export function initPorts({ handover, workingDirectory, mayHang }: InitOptions, inbox: SignalInbox): InitPorts {
  const terminal = native.isatty(stdin) ? takeTerminal(stdin) : undefined;
  if (terminal !== undefined) inbox.onChild(terminal.followStop);
  const program = ({ argv, env }: Command): native.Program => ({
    file: argv[0] ?? "",
    argv,
    env,
    directory: workingDirectory,
    umask: handover.umask,
    nofile: handover.nofile,
    identity: changeOf(handover.identity),
    dropCapabilities: handover.dropCaps ? mountingCapabilities : undefined,
  });
  return {
    start: async (command, signal) => {
      if (native.getpid() !== 1) becomeSubreaper();
      const foreground = terminal?.isOurs() === true ? stdin : undefined;
      const child = { ...program(command), newGroup: true, foreground };
      const outcome = mayHang
        ? await (await import("./loop-start.ts")).startInLoop(child, signal)
        : await startAtOnce(child);
      // A working directory on a mount would keep it busy.
      native.chdir("/");
      if (outcome.kind === "started") terminal?.follow(outcome.pid);
      return outcome;
    },
    replace: (command) => becomeProgram(program(command)),
    send: (pid, signal) => {
      if (signal === SIGCONT && terminal?.resume(pid) === true) return;
      sendToChild(pid, signal);
    },
    signals: relayOf(inbox.route),
    reclaimTerminal: (pid) => terminal?.reclaim(pid),
  };
}

const CAP_SETGID = 6n;

/** Groups, gid and uid to set; none where an unprivileged process is to be who it is. */
function changeOf(identity: Handover["identity"]): native.Program["identity"] {
  if (identity === undefined) return undefined;
  const { uid, gid, groups } = identity;
  const isSame = native.geteuid() === uid && native.getegid() === gid && groups.length === 0;
  const maySetGroups = ((native.capget().effective >> CAP_SETGID) & 1n) !== 0n;
  return isSame && !maySetGroups ? undefined : { uid, gid, groups: [gid, ...groups] };
}

/** Makes orphans among our descendants our children, as they are for PID 1. An emulated kernel may not know the call. */
function becomeSubreaper(): void {
  try {
    native.prctl(native.PR_SET_CHILD_SUBREAPER, 1);
  } catch {
    // They go to somebody else then.
  }
}
