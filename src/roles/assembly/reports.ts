// Puts the rooms together for the roles that read what a running nfs-init has published: check and status.
import { anyWordToggle, toggle } from "../../config/values.ts";
import { printable } from "../../text/printable.ts";
import * as native from "native";
import type { Environment } from "../../config/config.ts";
import { parsed, takenAs, tidied } from "../../config/given.ts";
import { variables } from "../../config/variables.ts";
import { AppError, errnoOf, exitCodes } from "../../errors.ts";
import { clock } from "../../host/clock.ts";
import { bootId, pidNamespace, processStartedMs } from "../../host/process-facts.ts";
import { readStateFile } from "../../host/state-file.ts";
import { complain as complainOn } from "../../host/stdio.ts";
import { readReportArguments, type ReportRole } from "../../report/arguments.ts";
import type { CallerFacts } from "../../report/health.ts";
import { check } from "../check.ts";

/** Runs `check` or `status` on the arguments after its name; gives the exit code. Throws AppError 64 and 78. */
export async function runReport(
  role: ReportRole,
  args: readonly string[],
  environment: Environment,
  print: (text: string) => Promise<void>,
): Promise<number> {
  const read = readReportArguments(role, args);
  if (typeof read === "string") {
    await print(read);
    return exitCodes.ok;
  }
  const { switches } = read;
  const stateDir = stateDirOf(read.stateDir, environment);
  const readState = () => readStateFile(stateDir);
  const caller = () => callerFacts(environment);
  if (role === "check") {
    const question = { ready: switches.has("--ready"), sinceStart: switches.has("--since-start") };
    const { exitCode, line } = check({ readState, caller }, question);
    // The answer is the exit code: it is the same where nobody takes the line.
    if (exitCode === exitCodes.ok) await print(`${printable(line)}\n`).catch(() => {});
    else complain(line);
    return exitCode;
  }
  const [{ showStatus }, { readMountstats }] = await Promise.all([
    import("../status.ts"),
    import("../../host/mounts.ts"),
  ]);
  const isTerminal = native.isatty(1);
  const isPlain = (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb";
  return showStatus(
    {
      readState,
      caller,
      mountstats: readMountstats,
      print: (text) => print(text).catch(endWithReader),
      complain,
      sleep: clock.sleep,
      isTerminal,
      hasColours: isTerminal && !isPlain,
    },
    { json: switches.has("--json"), watch: switches.has("--watch") },
  );
}

/** Whoever reads it may have had enough (head). */
function endWithReader(error: unknown): never {
  if (error instanceof AppError && errnoOf(error.cause) === "EPIPE") native.exit(exitCodes.ok);
  throw error;
}

function complain(line: string): void {
  complainOn(`${printable(line)}\n`);
}

function stateDirOf(flag: string | undefined, environment: Environment): string {
  const { name, format, default: initial } = variables.stateDir;
  const fromEnvironment = environment[name];
  const given = flag ?? (tidied(fromEnvironment ?? "") === "" ? initial : (fromEnvironment ?? ""));
  const problems: string[] = [];
  const path = parsed({ problems }, takenAs(flag === undefined ? name : "--state-dir", given), format);
  if (path !== undefined) return path;
  throw new AppError(problems.join("; "), exitCodes.config);
}

const shareNames = /^NFS_(?:(?:\d+_)?MOUNT_POINT|HOST|MOUNTS)$/;

function callerFacts(environment: Environment): CallerFacts {
  const isOn = (format: typeof toggle, name: string) =>
    tidied(environment[name] ?? "") !== "" && format.parse(tidied(environment[name] ?? "")) === true;
  return {
    nowMs: clock.nowMs(),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    processStartedMs,
    hasShares: Object.entries(environment).some(([name, value]) => shareNames.test(name) && tidied(value ?? "") !== ""),
    isSkipped: [variables.mountSkip.name, ...variables.mountSkip.aliases].some((name) => isOn(anyWordToggle, name)),
    isReplaced: isOn(toggle, variables.exec.name),
  };
}
