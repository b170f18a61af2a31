// The one place that reads the arguments and the environment and sets the exit code.
import type { Environment } from "./config/config.ts";
import { decodeEnvironment, decodeText } from "./config/encoding.ts";
import { holdsSecret } from "./config/secrets.ts";
import { AppError, errnoOf, exitCodes, messageOf } from "./errors.ts";
import { becomeCommand, shimArgument } from "./host/execute.ts";
import { rawEntries, readInheritance } from "./host/inheritance.ts";
import { initPorts, openSignalInbox } from "./host/init.ts";
import { exitNow } from "./host/libc.ts";
import { writeText } from "./host/raw-files.ts";
import { workerArgument } from "./host/worker-argument.ts";
import { commandArgv, type Command } from "./init/command.ts";
import { exitCodeOf } from "./init/exit-status.ts";
import { plainHandover, type Handover } from "./init/handover.ts";
import { notStarted, startCommand } from "./init/supervise.ts";
import { printable } from "./printable.ts";
import { readPlainInvocation, readReportRole, type Invocation, type ReportRole } from "./invocation.ts";

/** Set by the build, from package.json and from the repository. */
declare const NFS_INIT_VERSION: string;
declare const NFS_INIT_COMMIT: string;

async function main(args: readonly string[], environment: Environment): Promise<number> {
  const inbox = openSignalInbox();
  const inheritance = readInheritance();
  inbox.openOwn();
  const invocation = readPlainInvocation(args) ?? (await parseArguments(args));
  if (invocation.kind === "text") {
    await print(invocation.text);
    return exitCodes.ok;
  }
  const { role, flags, command } = invocation;
  const isConfigured =
    flags.values.size + flags.mounts.length > 0 || Object.keys(environment).some((name) => name.startsWith("NFS_"));
  if (role === "run" && !isConfigured) {
    // A plain init: nothing but the supervisor is loaded.
    const init = initPorts(
      {
        handover: plainHandover,
        inheritance,
        workingDirectory: undefined,
        isRuntimeChild: () => false,
        spawnsHelpers: false,
      },
      inbox,
    );
    return exitCodeOf(await startCommand(init, commandOf(command)).ended);
  }
  // It starts while the rest is loaded and read.
  if (namesMountPoint(invocation, environment)) (await import("./host/processes.ts")).readyWorker();
  const { runConfigured } = await import("./configured.ts");
  return runConfigured(invocation, commandOf(command), {
    environment,
    inbox,
    inheritance,
    workingDirectory: currentDirectory(),
    version: NFS_INIT_VERSION,
    print,
  });
}

/** Whether a role that mounts has something to mount, by all that is known before anything is read. */
function namesMountPoint({ role, flags }: Invocation, environment: Environment): boolean {
  if (role !== "run" && role !== "mount" && role !== "sidecar") return false;
  const isOn = ([name, value]: readonly [string, string | undefined]) =>
    /^NFS_(\d+_)?MOUNT(_POINT|S)$/.test(name) && value !== "";
  return flags.mounts.length > 0 || flags.values.has("mountPoint") || Object.entries(environment).some(isOn);
}

/** The shim: a process between nfs-init and COMMAND that changes itself as `handover` says and becomes COMMAND. */
function runShim([handover = "", ...words]: readonly string[]): never {
  const inheritance = readInheritance();
  const command = commandOf(words);
  throw notStarted(command, becomeCommand(command, JSON.parse(handover) as Handover, inheritance));
}

/** A role that only reads what is published starts no init. */
async function reportFrom(role: ReportRole, words: readonly string[], environment: Environment): Promise<number> {
  const { runReport } = await import("./published.ts");
  return runReport(role, words, environment, print);
}

async function parseArguments(args: readonly string[]) {
  const { parseCommandLine } = await import("./command-line.ts");
  return parseCommandLine(
    args,
    `nfs-init ${NFS_INIT_VERSION} (commit ${NFS_INIT_COMMIT}, bun ${process.versions.bun})`,
  );
}

/** What other programs end with whose output is lost. Not in the table of exit codes: COMMAND never runs behind it. */
const notPrinted = 1;

/**
 * Writes to stdout to the end: an exit would cut off what a slow reader has not taken yet. Throws AppError where it cannot be
 * written: who asked for a text must not take half of it for the whole.
 */
function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Told by the callback; unheard it would count as a fault of ours.
    if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", () => {});
    process.stdout.write(text, (error) => {
      if (error === null || error === undefined) return resolve();
      const reason = errnoOf(error) ?? messageOf(error);
      reject(new AppError(`cannot write to stdout: ${reason}`, notPrinted, { cause: error, hint: printHints[reason] }));
    });
  });
}

const printHints: Readonly<Record<string, string>> = {
  ENOSPC: "make room where it is written to",
  EPIPE: "whoever reads it has ended before it was through",
};

/** COMMAND as given, except that no secret of our configuration reaches its environment. */
function commandOf(words: readonly string[]): Command {
  const decoder = new TextDecoder();
  const isSecret = (entry: string) => entry.startsWith("NFS_") && holdsSecret(entry.slice(entry.indexOf("=") + 1));
  return {
    argv: commandArgv(words, rawEntries("cmdline")),
    env: givenEnvironment().filter((entry) => !isSecret(decoder.decode(entry))),
  };
}

/** The environment as bytes; from the runtime, which has decoded it, only where there is no /proc. */
function givenEnvironment(): readonly Uint8Array[] {
  const encoder = new TextEncoder();
  const decoded = () => Object.entries(process.env).map(([name, value]) => encoder.encode(`${name}=${value ?? ""}`));
  return rawEntries("environ") ?? decoded();
}

/** The arguments after the program's name, where the runtime would have changed bytes that are not UTF-8. */
function givenArguments(): readonly string[] {
  const words = process.argv.slice(2);
  return commandArgv(words, rawEntries("cmdline")).map(decodeText);
}

function currentDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/** Says why nothing could be done, in plain words: there is no configured log here. */
function complain(error: unknown): number {
  const { text, exitCode } = lastWordsOf(error);
  writeText(2, text);
  return exitCode;
}

const unspoken =
  "nfs-init: an argument or a value is not understood, and not shown because it seems to hold a password; see nfs-init --help";

function lastWordsOf(error: unknown): { readonly text: string; readonly exitCode: number } {
  if (!(error instanceof AppError)) {
    const what = error instanceof Error ? error.stack : messageOf(error);
    const lines = `nfs-init: fault of nfs-init itself: ${what}`.split("\n").map(printable);
    return { text: `${lines.join("\n")}\n`, exitCode: exitCodes.fault };
  }
  const { message, hint, exitCode } = error;
  const text = `nfs-init: ${message}${hint === undefined ? "" : `; ${hint}`}`;
  // What was typed is repeated, and may hold what nobody is to read; where that ends cannot be told.
  return { text: `${holdsSecret(text) ? unspoken : printable(text)}\n`, exitCode };
}

const args = givenArguments();
const reportRole = readReportRole(args);
if (args[0] === workerArgument) {
  void import("./host/worker.ts").then(({ runWorker }) => runWorker());
} else if (args[0] === shimArgument) {
  try {
    runShim(args.slice(1));
  } catch (error) {
    process.exit(complain(error));
  }
} else if (reportRole !== undefined) {
  void reportFrom(reportRole, args.slice(1), decodeEnvironment(givenEnvironment()))
    .catch(complain)
    .then((exitCode) => process.exit(exitCode));
} else {
  // A fault beside the main flow must not take COMMAND down with it: it is said, and COMMAND goes on.
  process.on("uncaughtException", complain);
  process.on("unhandledRejection", complain);
  void main(args, decodeEnvironment(givenEnvironment()))
    .catch(complain)
    .then((exitCode) => exitNow(exitCode));
}
