// A program that could not be started: a script goes to sh, anything else is told why.
import * as native from "native";
import type { NotStarted, StartOutcome } from "../init/supervise.ts";
import type { Begun, Failure } from "./program-start.ts";
import { readFirstBytes } from "./small-files.ts";

/** Starts a script without a first line that names its interpreter by sh, as execvp(3) has it; says why another has failed. */
export async function bySh<Program extends native.Program>(
  program: Program,
  failure: Failure,
  start: (program: Program) => Promise<Begun>,
  lookUp: (file: native.CString) => Promise<string | undefined>,
): Promise<StartOutcome> {
  const script = failure.errno === "ENOEXEC" ? await lookUp(program.file) : undefined;
  if (script === undefined) return notStarted(failure, program);
  const shell = "/bin/sh";
  const argv = [shell, native.encodeLatin1(script), ...program.argv.slice(1)];
  const again = await start({ ...program, file: shell, argv });
  return again.kind === "started" ? again : notStarted(again, program);
}

const isProgram = "check that it is a program and its mode has x";

function notStarted({ syscall, errno }: Failure, { directory }: native.Program): NotStarted {
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

/** Where spawn and execve find a file that may be a script, a character a byte; undefined where it is none. */
export function scriptIn(file: native.CString): string | undefined {
  const path = findExecutable(typeof file === "string" ? native.encodeUtf8(file) : file);
  // Shells look for a NUL, too: a binary is no script.
  if (path === undefined || readFirstBytes(path, 256)?.includes(0) === true) return undefined;
  return native.decodeLatin1(path);
}

/** Where spawn and execve find a program. */
function findExecutable(name: Uint8Array): Uint8Array | undefined {
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
