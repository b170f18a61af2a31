// Turns a process into COMMAND: a child by posix_spawn, or this very process by execve.
import type { Command } from "../init/command.ts";
import { needsShim, type Handover } from "../init/handover.ts";
import type { StartOutcome } from "../init/supervise.ts";
import { errnoName } from "./errno.ts";
import { withInheritance, type Inheritance } from "./inheritance.ts";
import { errno, execute, spawnInGroup, type ExecRequest } from "./libc.ts";
import { mayExecute, readBytes } from "./raw-files.ts";
import { become, dropMountingCapabilities } from "./privileges.ts";

/** The argument that makes the binary a shim: it changes itself as the next argument says, and becomes what follows. */
export const shimArgument = "--nfs-init-shim";

/** Why COMMAND could not be started. */
export type NotStarted = Exclude<StartOutcome, { kind: "started" }>;

/** Starts COMMAND as a child in a process group of its own. */
export function spawnCommand(command: Command, handover: Handover, inheritance: Inheritance): StartOutcome {
  const before = handover.umask === undefined ? undefined : process.umask(handover.umask);
  try {
    const outcome = withInheritance(inheritance, handover.nofile, () =>
      needsShim(handover) ? spawnShim(command, handover) : withShell(command, spawnInGroup),
    );
    return outcome.kind === "spawned" ? { kind: "started", pid: outcome.pid } : notStarted(outcome.errno);
  } finally {
    if (before !== undefined) process.umask(before);
  }
}

function spawnShim({ argv, env }: Command, handover: Handover) {
  const encoder = new TextEncoder();
  const file = encoder.encode("/proc/self/exe");
  const words = [shimArgument, JSON.stringify(handover)].map((word) => encoder.encode(word));
  return spawnInGroup({ file, argv: [encoder.encode("nfs-init"), ...words, ...argv], env });
}

/** Becomes COMMAND; returns only where that fails. */
export function becomeCommand(command: Command, handover: Handover, inheritance: Inheritance): NotStarted {
  if (handover.umask !== undefined) process.umask(handover.umask);
  const refused =
    (handover.dropCaps ? dropMountingCapabilities() : undefined) ??
    (handover.identity === undefined ? undefined : become(handover.identity));
  if (refused !== undefined) return { kind: "not-executable", reason: `${refused.step}: ${errnoName(refused.errno)}` };
  const failure = withInheritance(inheritance, handover.nofile, () =>
    withShell(command, (request) => ({ kind: "failed", errno: execute(request) })),
  );
  return notStarted(failure.errno);
}

const isProgram = "check that it is a program and its mode has x";

function notStarted(number: number): NotStarted {
  switch (number) {
    case errno.ENOENT:
    case errno.ENOTDIR:
      return { kind: "not-found" };
    case errno.EACCES:
      return { kind: "not-executable", reason: "permission denied", hint: isProgram };
    case errno.ENOEXEC:
      return { kind: "not-executable", reason: "not in a format this machine can run", hint: isProgram };
    case errno.EAGAIN:
      return { kind: "not-executable", reason: "no more processes are allowed", hint: "raise the limit of processes" };
    default:
      return { kind: "not-executable", reason: errnoName(number) };
  }
}

interface Failed {
  readonly kind: "failed";
  readonly errno: number;
}

/** Runs a script without a first line that names its interpreter by sh, as execvp(3) has it; a binary is not one. */
function withShell<T extends { readonly kind: string }>(
  { argv, env }: Command,
  start: (request: ExecRequest) => T | Failed,
): T | Failed {
  const [file = new Uint8Array(), ...rest] = argv;
  const outcome = start({ file, argv, env });
  if (!("errno" in outcome) || outcome.errno !== errno.ENOEXEC) return outcome;
  const path = findExecutable(new TextDecoder().decode(file));
  if (path === undefined || isBinary(path)) return outcome;
  const encoder = new TextEncoder();
  const shell = encoder.encode("/bin/sh");
  return start({ file: shell, argv: [shell, encoder.encode(path), ...rest], env });
}

/** Where execvp(3) finds a program. */
function findExecutable(name: string): string | undefined {
  if (name.includes("/")) return name;
  const folders = (process.env["PATH"] ?? "/bin:/usr/bin").split(":");
  return folders.map((folder) => `${folder === "" ? "." : folder}/${name}`).find(mayExecute);
}

/** Whether a file's first bytes are those of no script: shells look for a NUL, too. */
function isBinary(path: string): boolean {
  return readBytes(path, 256)?.includes(0) === true;
}
