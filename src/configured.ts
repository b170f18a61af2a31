// Puts the rooms together for a role that reads the configuration; loaded only when there is something configured.
import { createLog } from "./host/log.ts";
import { clock } from "./host/clock.ts";
import { editFile, lockTarget, readMounts, readOwnedTargets, writeTerminationLog } from "./host/files.ts";
import { initPorts, killDescendants, type Inheritance, type SignalInbox } from "./host/init.ts";
import { createWorkers, isRuntimeChild, loadModules } from "./host/processes.ts";
import { mountRights } from "./host/rights.ts";
import { dial, resolveName } from "./host/sockets.ts";
import { readLink } from "./host/text.ts";
import { readConfig, type Config, type Environment } from "./config/config.ts";
import { choiceOf, variables } from "./config/variables.ts";
import { AppError, exitCodes } from "./errors.ts";
import type { Command } from "./init/command.ts";
import type { Invocation } from "./invocation.ts";
import type { Log, LogStage } from "./lifecycle/log.ts";
import { printFstab } from "./roles/fstab.ts";
import { run } from "./roles/run.ts";
import type { PlanFacts } from "./fstab/plan.ts";

export interface Surroundings {
  readonly environment: Environment;
  readonly inbox: SignalInbox;
  readonly inheritance: Inheritance;
  /** Where nfs-init was started; undefined where that directory is gone. */
  readonly workingDirectory: string | undefined;
  readonly print: (text: string) => Promise<void>;
}

/** Runs a role; gives the exit code. What ends it early is logged here. */
export async function runConfigured(
  invocation: Invocation,
  command: Command,
  surroundings: Surroundings,
): Promise<number> {
  const { environment, print } = surroundings;
  const log = createLog({
    level: choiceOf(variables.logLevel, invocation.flags.values.get("logLevel") ?? environment["NFS_LOG_LEVEL"]),
    format: choiceOf(variables.logFormat, invocation.flags.values.get("logFormat") ?? environment["NFS_LOG_FORMAT"]),
  });
  try {
    const result = readConfig(environment, invocation.flags);
    if (result.kind === "problems") return refuse(log, result.problems);
    const { config } = result;
    for (const reason of config.warnings) log("warn", "configuration", { stage: "config", reason });
    const planFacts = (): PlanFacts => ({
      mounts: readMounts(),
      readLink,
      owned: readOwnedTargets(config.settings.stateDir),
    });
    switch (invocation.role) {
      case "fstab":
        await print(printFstab(planFacts, config));
        return exitCodes.ok;
      case "run":
        return await runCommand(log, config, planFacts, command, surroundings);
    }
  } catch (error) {
    if (error instanceof AppError) return end(log, error);
    throw error;
  }
}

function runCommand(
  log: Log,
  config: Config,
  planFacts: () => PlanFacts,
  command: Command,
  { inbox, inheritance, workingDirectory }: Surroundings,
): Promise<number> {
  const { settings } = config;
  if (settings.mountSkip) {
    log("error", "NFS_MOUNT_SKIP or TEST is set, nothing is mounted", { stage: "config" });
  } else if (config.shares.length > 0) {
    // A working directory below a mount point would be the one under the share; COMMAND enters it anew.
    process.chdir("/");
  }
  const workers = createWorkers();
  return run(
    {
      log,
      clock,
      network: { dial, resolveName },
      mounter: workers.mounter,
      workers,
      planFacts,
      rights: mountRights,
      workingDirectory,
      lockTarget: (target) => lockTarget(settings.stateDir, target),
      loadModules,
      editFstab: editFile,
      init: initPorts({ nofile: settings.nofile, inheritance, workingDirectory, isRuntimeChild }, inbox),
      onStop: inbox.onStop,
      onStopRequest: inbox.onStopRequest,
      killDescendants: () => killDescendants(isRuntimeChild),
    },
    config,
    command,
  );
}

/** Every problem of the configuration, a line each. */
function refuse(log: Log, problems: readonly string[]): number {
  for (const reason of problems) log("fatal", "wrong configuration", { stage: "config", reason });
  writeTerminationLog(problems.join("; "));
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

function end(log: Log, { message, exitCode, hint, fields }: AppError): number {
  const { phrase, stage } = lastWords[exitCode] ?? { phrase: "nfs-init ends", stage: "init" };
  log("fatal", phrase, {
    stage,
    ...fields,
    reason: message,
    ...(hint === undefined ? {} : { hint }),
    exitCode,
  });
  if (reported.has(exitCode)) writeTerminationLog(hint === undefined ? message : `${message}; ${hint}`);
  return exitCode;
}
