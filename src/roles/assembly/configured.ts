// What every role that reads the configuration begins with; loaded only when there is something configured.
import * as native from "native";
import { createLog } from "../../host/log.ts";
import { writeTerminationLog } from "../../host/termination-log.ts";
import { initPorts } from "../../host/init.ts";
import { ownRights } from "../../host/process-facts.ts";
import type { SignalInbox } from "../../host/signals.ts";
import { readText } from "../../host/small-files.ts";
import { readConfig, type Config, type Environment } from "../../config/config.ts";
import { choiceOf, variables } from "../../config/variables.ts";
import { AppError, exitCodes } from "../../errors.ts";
import type { Command } from "../../init/command.ts";
import { exitCodeOf } from "../../init/exit-status.ts";
import { ownUmask, type Handover } from "../../init/handover.ts";
import { missingCapability, withHome } from "../../init/identity.ts";
import { becomeCommand, startCommand, type InitPorts } from "../../init/supervise.ts";
import type { Invocation } from "../../command-line/invocation.ts";
import type { Log, LogStage } from "../../lifecycle/log.ts";

export interface Surroundings {
  readonly environment: Environment;
  readonly inbox: SignalInbox;
  /** Where nfs-init was started; undefined where that directory is gone. */
  readonly workingDirectory: string | undefined;
  /** Version of nfs-init. */
  readonly version: string;
  readonly print: (text: string) => Promise<void>;
}

/** Runs a role; gives the exit code. What ends it early is logged here. */
export async function runConfigured(
  invocation: Invocation,
  command: Command,
  surroundings: Surroundings,
): Promise<number> {
  const { environment } = surroundings;
  // What nfs-init makes has the mode that is promised; COMMAND gets the umask back.
  const inheritedUmask = native.umask(ownUmask);
  // Doctor changes nothing, the termination log of the container it looks at included.
  const isReporting = invocation.role !== "doctor";
  const log = createLog({
    level: choiceOf(variables.logLevel, invocation.flags.values.get("logLevel") ?? environment["NFS_LOG_LEVEL"]),
    format: choiceOf(variables.logFormat, invocation.flags.values.get("logFormat") ?? environment["NFS_LOG_FORMAT"]),
  });
  try {
    const accounts = () => ({ passwd: readText("/etc/passwd") ?? "", group: readText("/etc/group") ?? "" });
    const result = readConfig(environment, invocation.flags, { role: invocation.role, accounts });
    const config = result.kind === "config" ? result.config : result.rest;
    for (const reason of config.warnings) log("warn", "configuration", { stage: "config", reason });
    if (result.kind === "problems") {
      return refuse(log, [...result.problems, ...(await problemsOfTargets(log, config))], isReporting);
    }
    return await runRole(log, invocation, config, command, surroundings, inheritedUmask);
  } catch (error) {
    if (error instanceof AppError) return end(log, error, isReporting);
    throw error;
  }
}

async function problemsOfTargets(log: Log, config: Config): Promise<readonly string[]> {
  const [{ planMounts }, { planFactsOf }] = await Promise.all([
    import("../../plan/plan.ts"),
    import("../../host/plan-facts.ts"),
  ]);
  const plan = planMounts(config, planFactsOf(log, config.settings.stateDir)());
  return plan.kind === "problems" ? plan.problems : [];
}

async function runRole(
  log: Log,
  invocation: Invocation,
  config: Config,
  command: Command,
  surroundings: Surroundings,
  inheritedUmask: number,
): Promise<number> {
  const { role } = invocation;
  const { settings, identity, shares } = config;
  const { inbox, workingDirectory, print } = surroundings;
  if (role === "fstab") {
    const [{ printFstab }, { planFactsOf }] = await Promise.all([
      import("../fstab.ts"),
      import("../../host/plan-facts.ts"),
    ]);
    await print(printFstab(planFactsOf(log, settings.stateDir), config));
    return exitCodes.ok;
  }
  if (role === "run") checkHandover(config);
  if (settings.mountSkip) {
    log("error", "NFS_MOUNT_SKIP or TEST is set, nothing is mounted", { stage: "config" });
  } else if (shares.length > 0) {
    // A working directory below a mount point would be the one under the share; one that is gone lies under nothing.
    if (workingDirectory !== undefined) native.chdir("/");
  } else if (role !== "run" && role !== "doctor") {
    throw new AppError("no share is configured", exitCodes.config, { hint: "set NFS_HOST and NFS_MOUNT_POINT" });
  }
  const handover: Handover = {
    identity,
    dropCaps: settings.dropCaps,
    umask: settings.umask ?? inheritedUmask,
    nofile: settings.nofile,
  };
  const asUser = identity === undefined ? command : { ...command, env: withHome(command.env, identity) };
  if (role === "run" && shares.length === 0 && (settings.listen ?? "off") === "off") {
    // One that is gone is still ours, and is inherited.
    return runAlone(initPorts({ handover, workingDirectory }, inbox), asUser, config);
  }
  const { runWithShares } = await import("./shares.ts");
  return runWithShares(log, { ...invocation, role }, config, { command: asUser, handover }, surroundings);
}

/** With nothing to mount and nobody to answer, COMMAND is all there is to look after. */
async function runAlone(init: InitPorts, command: Command, { settings }: Config): Promise<number> {
  if (settings.exec) becomeCommand(init, command);
  return exitCodeOf(await startCommand(init, command, settings.signalMap).ended);
}

/** Whether COMMAND can be made what it is to be is known before anything is touched. */
function checkHandover({ settings: { dropCaps }, identity }: Config): void {
  if (identity === undefined && !dropCaps) return;
  const missing = missingCapability(ownRights(), identity, dropCaps);
  if (missing === undefined) return;
  const [name, what] =
    missing === "CAP_SETPCAP"
      ? [variables.dropCaps.name, "capabilities cannot be dropped"]
      : [variables.user.name, `the process cannot become uid ${identity?.uid} gid ${identity?.gid}`];
  throw new AppError(`${name}: ${what}, nfs-init lacks ${missing}`, exitCodes.config, {
    hint: `start nfs-init as root with ${missing} (cap_add), or leave ${name} unset${missing === "CAP_SETPCAP" ? " or off" : ""}`,
  });
}

/** Every problem of the configuration, a line each. */
function refuse(log: Log, problems: readonly string[], isReporting: boolean): number {
  for (const reason of problems) log("fatal", "wrong configuration", { stage: "config", reason });
  if (isReporting) writeTerminationLog(problems.join("; "));
  return exitCodes.config;
}

/** The phrase of the last log line, and the stage it is about. */
const lastWords: Readonly<Record<number, { readonly phrase: string; readonly stage: LogStage }>> = {
  [exitCodes.mountFailed]: { phrase: "a share cannot be mounted", stage: "mount" },
  [exitCodes.config]: { phrase: "wrong configuration", stage: "config" },
  [exitCodes.timedOut]: { phrase: "gave up waiting", stage: "wait" },
  [exitCodes.lost]: { phrase: "a share was lost", stage: "watch" },
  [exitCodes.notExecutable]: { phrase: "the process cannot be started", stage: "init" },
  [exitCodes.notFound]: { phrase: "the process cannot be started", stage: "init" },
};

/** Exit codes whose reason goes to the termination log too: those that are about shares and their configuration. */
const reported: ReadonlySet<number> = new Set([
  exitCodes.mountFailed,
  exitCodes.lost,
  exitCodes.config,
  exitCodes.timedOut,
]);

function end(log: Log, { message, exitCode, hint, fields }: AppError, isReporting: boolean): number {
  const { phrase, stage } = lastWords[exitCode] ?? { phrase: "nfs-init ends", stage: "init" };
  log("fatal", phrase, {
    stage,
    ...fields,
    reason: message,
    ...(hint === undefined ? {} : { hint }),
    exitCode,
  });
  if (isReporting && reported.has(exitCode)) writeTerminationLog(hint === undefined ? message : `${message}; ${hint}`);
  return exitCode;
}
