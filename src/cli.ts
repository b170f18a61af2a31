// The one place that reads the arguments and the environment and sets the exit code.
// First: other rooms use what it brings as soon as they are read.
import "./host/globals.ts";
import * as native from "native";
import { readShortForm } from "./command-line/short-form.ts";
import { decodeText } from "./text/encoding.ts";
import { exitCodes } from "./errors.ts";
import { complainOf, takeFaults } from "./host/faults.ts";
import { initPorts } from "./host/init.ts";
import { openSignalInbox } from "./host/signals.ts";
import { print } from "./host/stdio.ts";
import { commandArgv } from "./init/command.ts";
import { exitCodeOf } from "./init/exit-status.ts";
import { plainHandover } from "./init/handover.ts";
import { startCommand } from "./init/supervise.ts";
import type { Invocation } from "./roles/roles.ts";

/** Set by the build, from package.json and from the repository. */
declare const NFS_INIT_VERSION: string;
declare const NFS_INIT_COMMIT: string;
declare const NFS_INIT_ENGINE: string;

async function main(args: readonly string[], given: readonly Uint8Array[]): Promise<number> {
  const asked = readShortForm(args) ?? (await parseArguments(args));
  if (asked.kind === "text") {
    native.unblockSignals();
    await print(asked.text);
    return exitCodes.ok;
  }
  if (isPlainInit(asked, given)) {
    // Nothing but the supervisor is loaded.
    const init = initPorts({ handover: plainHandover, workingDirectory: undefined, mayHang: false }, openSignalInbox());
    const argv = commandArgv(asked.command, native.argv());
    const { ended } = await startCommand(init, { argv, env: given });
    return exitCodeOf(await ended);
  }
  const { start } = await asked.role.load();
  return start({ invocation: asked, given, version: NFS_INIT_VERSION });
}

/** Whether there is a COMMAND, and nothing at all is configured. */
function isPlainInit({ role, flags }: Invocation, given: readonly Uint8Array[]): boolean {
  return role.command === "required" && flags.values.size + flags.mounts.length === 0 && !given.some(mayBeOurs);
}

const prefix = native.encodeUtf8("NFS_");

/** Whether an entry of the environment is a variable that may be ours. */
function mayBeOurs(entry: Uint8Array): boolean {
  return prefix.every((byte, index) => entry[index] === byte);
}

async function parseArguments(args: readonly string[]) {
  const { parseCommandLine } = await import("./command-line/parser.ts");
  return parseCommandLine(args, `nfs-init ${NFS_INIT_VERSION} (commit ${NFS_INIT_COMMIT}, ${NFS_INIT_ENGINE})`);
}

takeFaults();
void main(native.argv().slice(1).map(decodeText), native.environ()).catch(complainOf).then(native.exit);
