// The init's hands: COMMAND's start, its signals, its end, the terminal.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import type { Command } from "../init/command.ts";
import type { Handover } from "../init/handover.ts";
import { mountingCapabilities } from "../init/identity.ts";
import { SIGCONT } from "../init/signals.ts";
import type { InitPorts, StartOutcome } from "../init/supervise.ts";
import { onOtherChild, reapChildren, sendQuietly } from "./children.ts";
import { readFirstBytes } from "./small-files.ts";
import type { SignalInbox } from "./signals.ts";
import { takeTerminal } from "./terminal.ts";

export interface InitOptions {
  readonly handover: Handover;
  /**
   * The directory that COMMAND starts in; ours where undefined. It is entered by COMMAND itself: a share may have been mounted on
   * it since we started.
   */
  readonly workingDirectory: string | undefined;
}

const stdin = 0;

export function initPorts({ handover, workingDirectory }: InitOptions, inbox: SignalInbox): InitPorts {
  const terminal = native.isatty(stdin) ? takeTerminal(stdin) : undefined;
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
    start: (command) => {
      if (native.getpid() !== 1) becomeSubreaper();
      const foreground = terminal?.isOurs() === true ? stdin : undefined;
      const outcome = withShell(program(command), (one) => native.spawn({ ...one, newGroup: true, foreground }));
      // A working directory on a mount would keep it busy.
      native.chdir("/");
      if (outcome.kind === "started") terminal?.follow(outcome.pid);
      return outcome;
    },
    replace: (command) => {
      const outcome = withShell(program(command), native.execve);
      if (outcome.kind === "started") throw new Error("execve(2) has returned");
      return outcome;
    },
    send: (pid, signal) => {
      if (signal === SIGCONT && terminal?.resume(pid) === true) return;
      sendQuietly(pid, signal);
    },
    reapChildren: (onEnd) => {
      onOtherChild(onEnd);
      inbox.onChild(() => terminal?.followStop());
      reapChildren();
    },
    routeSignals: inbox.route,
    reclaimTerminal: () => terminal?.reclaim(),
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

const isProgram = "check that it is a program and its mode has x";

/** Starts a program; a script without a first line that names its interpreter by sh, as execvp(3) has it. */
function withShell(program: native.Program, start: (program: native.Program) => number): StartOutcome {
  try {
    return { kind: "started", pid: start(program) };
  } catch (error) {
    if (errnoOf(error) !== "ENOEXEC") return notStarted(error, program);
    const path = findExecutable(program.file);
    // Shells look for a NUL, too: a binary is no script.
    if (path === undefined || readFirstBytes(path, 256)?.includes(0) === true) return notStarted(error, program);
    const shell = "/bin/sh";
    try {
      return {
        kind: "started",
        pid: start({ ...program, file: shell, argv: [shell, path, ...program.argv.slice(1)] }),
      };
    } catch (again) {
      return notStarted(again, program);
    }
  }
}

function notStarted(error: unknown, { directory }: native.Program): Exclude<StartOutcome, { kind: "started" }> {
  const errno = errnoOf(error);
  if (errno === undefined) throw error;
  const { syscall } = error as native.NativeError;
  if (syscall === "chdir")
    return { kind: "not-executable", reason: `its working directory ${String(directory)}: ${errno}` };
  if (syscall !== "execve") return { kind: "not-executable", reason: stepReason(syscall, errno) };
  switch (errno) {
    case "ENOENT":
    case "ENOTDIR":
      return { kind: "not-found" };
    case "EACCES":
      return { kind: "not-executable", reason: "permission denied", hint: isProgram };
    case "ENOEXEC":
      return { kind: "not-executable", reason: "not in a format this machine can run", hint: isProgram };
    default:
      return { kind: "not-executable", reason: errno };
  }
}

function stepReason(syscall: string, errno: string): string {
  if (syscall === "fork" && errno === "EAGAIN") return "no more processes are allowed, raise the limit of processes";
  return `${syscall}: ${errno}`;
}

/** Where spawn and execve find a program, as bytes. */
function findExecutable(file: native.CString): Uint8Array | undefined {
  const name = typeof file === "string" ? native.encodeUtf8(file) : file;
  const slash = 0x2f;
  if (name.includes(slash)) return name;
  const path = native.environ().find((entry) => native.decodeLatin1(entry.subarray(0, 5)) === "PATH=");
  const folders = path === undefined ? "/usr/local/bin:/bin:/usr/bin" : native.decodeLatin1(path.subarray(5));
  return folders
    .split(":")
    .map((folder) => native.encodeLatin1(`${folder === "" ? "." : folder}/${native.decodeLatin1(name)}`))
    .find((found) => {
      try {
        native.access(found, native.X_OK);
        // A directory is passed over: execve(2) says EACCES to it.
        return native.stat(found).type === "file";
      } catch {
        return false;
      }
    });
}
