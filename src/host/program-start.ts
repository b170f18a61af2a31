// The start of a program: at once, or without waiting for what may hang; a script without an interpreter goes to sh.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import { SIGKILL } from "../init/signals.ts";
import type { NotStarted, StartOutcome } from "../init/supervise.ts";
import { awaitProgram, inChild, sendQuietly } from "./children.ts";
import { readFirstBytes } from "./small-files.ts";

/** The step that failed, and its errno. */
interface Failure {
  readonly syscall: string;
  readonly errno: string;
}

type Begun = Extract<StartOutcome, { kind: "started" }> | ({ readonly kind: "failed" } & Failure);

/** Waits until the program runs; whoever looks for its file or its directory on a share that is dead hangs, and we with it. */
export async function startAtOnce(program: native.ChildProgram): Promise<StartOutcome> {
  return withShell(program, begin, async (file) => scriptIn(file));
}

/** Looks on in the loop meanwhile. Rejects with the signal's reason where that aborts before the program runs; it is killed then. */
export async function startInLoop(program: native.ChildProgram, signal?: AbortSignal): Promise<StartOutcome> {
  const look = async (file: native.CString) => {
    const answer = await inChild(() => scriptIn(file), undefined, signal);
    signal?.throwIfAborted();
    if (answer.kind === "not-started") return scriptIn(file);
    return answer.kind === "answer" ? answer.value : undefined;
  };
  return withShell(program, (one) => beginInLoop(one, signal), look);
}

/** Becomes the program; settles only where that fails. */
export async function becomeProgram(program: native.Program): Promise<NotStarted> {
  const become = async (one: native.Program) => native.execve(one);
  const outcome = await withShell(
    program,
    (one) => become(one).catch(failureOf),
    async (file) => scriptIn(file),
  );
  if (outcome.kind === "started") throw new Error("execve(2) has returned");
  return outcome;
}

async function begin(program: native.ChildProgram): Promise<Begun> {
  try {
    const pid = native.spawn(program);
    return { kind: "started", pid, ended: awaitProgram(pid) };
  } catch (error) {
    return failureOf(error);
  }
}

async function beginInLoop(program: native.ChildProgram, signal: AbortSignal | undefined): Promise<Begun> {
  const ends = tryPipe();
  // For want of descriptors: whoever waits needs none.
  if (ends === undefined) return begin(program);
  const { readEnd, writeEnd } = ends;
  let pid: number;
  try {
    pid = native.spawn({ ...program, report: writeEnd });
  } catch (error) {
    native.close(readEnd);
    return failureOf(error);
  } finally {
    native.close(writeEnd);
  }
  const ended = awaitProgram(pid);
  const report = await reportOf(readEnd, signal);
  if (report === undefined) {
    sendQuietly(pid, SIGKILL);
    throw signal?.reason;
  }
  const [syscall = "", errno] = report.split(" ");
  if (errno === undefined) return { kind: "started", pid, ended };
  await ended;
  return { kind: "failed", syscall, errno };
}

function tryPipe(): ReturnType<typeof native.pipe> | undefined {
  try {
    return native.pipe(0);
  } catch {
    return undefined;
  }
}

/** All that is told before the pipe ends; undefined where `signal` aborts before. */
function reportOf(readEnd: number, signal: AbortSignal | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const end = (result: string | undefined) => {
      native.unwatch(readEnd);
      native.close(readEnd);
      signal?.removeEventListener("abort", abort);
      resolve(result);
    };
    const abort = () => end(undefined);
    native.watch(readEnd, native.POLLIN, () => {
      const bytes = native.read(readEnd, longestReportBytes);
      if (bytes.byteLength === 0) end(text);
      else text += native.decodeLatin1(bytes);
    });
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
  });
}

/** The names of a call and of an errno. */
const longestReportBytes = 256;

function failureOf(error: unknown): { readonly kind: "failed" } & Failure {
  const errno = errnoOf(error);
  if (errno === undefined) throw error;
  return { kind: "failed", syscall: (error as native.NativeError).syscall, errno };
}

/** A script without a first line that names its interpreter is started by sh, as execvp(3) has it. */
async function withShell<Program extends native.Program>(
  program: Program,
  start: (program: Program) => Promise<Begun>,
  lookUp: (file: native.CString) => Promise<string | undefined>,
): Promise<StartOutcome> {
  const begun = await start(program);
  if (begun.kind === "started") return begun;
  const script = begun.errno === "ENOEXEC" ? await lookUp(program.file) : undefined;
  if (script === undefined) return notStarted(begun, program);
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
function scriptIn(file: native.CString): string | undefined {
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
