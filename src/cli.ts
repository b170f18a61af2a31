// The one place that reads the arguments and the environment and sets the exit code.
// First: other rooms use what it brings as soon as they are read.
import "./host/globals.ts";
import { decodeEnvironment, decodeText } from "./text/encoding.ts";
import * as native from "native";
import { exitCodes } from "./errors.ts";
import { complainOf, takeFaults } from "./host/faults.ts";
import { initPorts } from "./host/init.ts";
import { openSignalInbox } from "./host/signals.ts";
import { print } from "./host/stdio.ts";
import { commandArgv, type Command } from "./init/command.ts";
import { exitCodeOf } from "./init/exit-status.ts";
import { plainHandover } from "./init/handover.ts";
import { startCommand } from "./init/supervise.ts";
import { readPlainInvocation, readReportRole, type ReportRole } from "./command-line/invocation.ts";

/** Set by the build, from package.json and from the repository. */
declare const NFS_INIT_VERSION: string;
declare const NFS_INIT_COMMIT: string;
declare const NFS_INIT_ENGINE: string;

async function main(args: readonly string[], given: readonly Uint8Array[]): Promise<number> {
  const inbox = openSignalInbox();
  const invocation = readPlainInvocation(args) ?? (await parseArguments(args));
  if (invocation.kind === "text") {
    await print(invocation.text);
    return exitCodes.ok;
  }
  const { role, flags, command } = invocation;
  const isConfigured = flags.values.size + flags.mounts.length > 0 || given.some(isOurs);
  if (role === "run" && !isConfigured) {
    // A plain init: nothing but the supervisor is loaded.
    const init = initPorts({ handover: plainHandover, workingDirectory: undefined }, inbox);
    return exitCodeOf(await startCommand(init, { argv: argvOf(command), env: given }).ended);
  }
  const [{ runConfigured }, { holdsSecret }] = await Promise.all([
    import("./roles/assembly/configured.ts"),
    import("./text/secrets.ts"),
  ]);
  return runConfigured(invocation, commandOf(command, given, holdsSecret), {
    environment: decodeEnvironment(given),
    inbox,
    workingDirectory: currentDirectory(),
    version: NFS_INIT_VERSION,
    print,
  });
}

const equals = 0x3d;
const prefix = native.encodeUtf8("NFS_");

/** Whether an entry of the environment is a variable that may be ours. */
function isOurs(entry: Uint8Array): boolean {
  return prefix.every((byte, index) => entry[index] === byte);
}

/** A role that only reads what is published starts no init. */
async function reportFrom(role: ReportRole, words: readonly string[]): Promise<number> {
  native.unblockSignals();
  const { runReport } = await import("./roles/assembly/reports.ts");
  return runReport(role, words, decodeEnvironment(native.environ()), print);
}

async function parseArguments(args: readonly string[]) {
  const { parseCommandLine } = await import("./command-line/parser.ts");
  return parseCommandLine(args, `nfs-init ${NFS_INIT_VERSION} (commit ${NFS_INIT_COMMIT}, ${NFS_INIT_ENGINE})`);
}

/** COMMAND's arguments, as the bytes they were given. */
function argvOf(words: readonly string[]): readonly Uint8Array[] {
  return commandArgv(words, native.argv());
}

/** COMMAND as given, except that no secret of our configuration reaches its environment. */
function commandOf(
  words: readonly string[],
  given: readonly Uint8Array[],
  holdsSecret: (value: string) => boolean,
): Command {
  const valueOf = (entry: Uint8Array) => native.decodeUtf8(entry.subarray(entry.indexOf(equals) + 1));
  return { argv: argvOf(words), env: given.filter((entry) => !(isOurs(entry) && holdsSecret(valueOf(entry)))) };
}

function currentDirectory(): string | undefined {
  try {
    return native.getcwd();
  } catch {
    return undefined;
  }
}

const args = native.argv().slice(1).map(decodeText);
const reportRole = readReportRole(args);
takeFaults();
void (reportRole === undefined ? main(args, native.environ()) : reportFrom(reportRole, args.slice(1)))
  .catch(complainOf)
  .then(native.exit);
