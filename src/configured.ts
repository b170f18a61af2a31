// Puts the rooms together for a role that reads the configuration; loaded only when there is something configured.
import { createLog } from "./host/log.ts";
import { clock } from "./host/clock.ts";
import { lockLocalDirectory, readMounts, writeTerminationLog } from "./host/files.ts";
import { editFile, readFstab } from "./host/fstab-file.ts";
import type { Inheritance } from "./host/inheritance.ts";
import { killDescendants } from "./host/descendants.ts";
import { initPorts, type SignalInbox } from "./host/init.ts";
import { isTerminal } from "./host/libc.ts";
import { createWorkers, isRuntimeChild, loadModules } from "./host/processes.ts";
import { ownRights } from "./host/privileges.ts";
import { mountRights } from "./host/rights.ts";
import { dial, resolveName } from "./host/sockets.ts";
import { claimDirectory, hiddenPath, lineClaims, lockTarget, readNotes } from "./host/state-directory.ts";
import { readLink, readText } from "./host/text.ts";
import { readConfig, type Config, type Environment } from "./config/config.ts";
import { choiceOf, variables } from "./config/variables.ts";
import { AppError, exitCodes } from "./errors.ts";
import type { Command } from "./init/command.ts";
import { ownUmask } from "./init/handover.ts";
import { missingCapability, withHome } from "./init/identity.ts";
import type { Invocation } from "./invocation.ts";
import type { Log, LogStage } from "./lifecycle/log.ts";
import { ownedMounts } from "./mount/notes.ts";
import { startPublishing } from "./publishing.ts";
import { printFstab } from "./roles/fstab.ts";
import { mount } from "./roles/mount.ts";
import { run } from "./roles/run.ts";
import { sidecar } from "./roles/sidecar.ts";
import { unmount } from "./roles/unmount.ts";
import { wait } from "./roles/wait.ts";
import type { ExactVersion } from "./fstab/options.ts";
import type { KernelMount } from "./mount/kernel-options.ts";
import { planMounts, type PlanFacts, type Share } from "./fstab/plan.ts";

export interface Surroundings {
  readonly environment: Environment;
  readonly inbox: SignalInbox;
  readonly inheritance: Inheritance;
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
  const inheritedUmask = process.umask(ownUmask);
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
    const planFacts = factsOf(log, config);
    if (result.kind === "problems") {
      const plan = planMounts(config, planFacts());
      const ofTargets = plan.kind === "problems" ? plan.problems : [];
      return refuse(log, [...result.problems, ...ofTargets], isReporting);
    }
    return await runRole(log, invocation, config, planFacts, command, surroundings, inheritedUmask);
  } catch (error) {
    if (error instanceof AppError) return end(log, error, isReporting);
    throw error;
  }
}

function factsOf(log: Log, { settings: { stateDir } }: Config): () => PlanFacts {
  const told = new Set<string>();
  const tell = (path: string, reason: string) => {
    if (told.has(path)) return;
    told.add(path);
    log("warn", "what earlier instances noted is not believed", { stage: "config", path, reason });
  };
  return () => {
    const mounts = readMounts();
    return { mounts, readLink, owned: ownedMounts(readNotes(stateDir, tell), mounts) };
  };
}

async function runRole(
  log: Log,
  { role, json = false }: Invocation,
  config: Config,
  planFacts: () => PlanFacts,
  command: Command,
  { environment, inbox, inheritance, workingDirectory, version, print }: Surroundings,
  inheritedUmask: number,
): Promise<number> {
  const { settings, identity } = config;
  if (role === "fstab") {
    await print(printFstab(planFacts, config));
    return exitCodes.ok;
  }
  if (role === "run") checkHandover(config);
  if (settings.mountSkip) {
    log("error", "NFS_MOUNT_SKIP or TEST is set, nothing is mounted", { stage: "config" });
  } else if (config.shares.length > 0) {
    // A working directory below a mount point would be the one under the share; COMMAND enters it anew.
    process.chdir("/");
  } else if (role !== "run" && role !== "doctor") {
    throw new AppError("no share is configured", exitCodes.config, { hint: "set NFS_HOST and NFS_MOUNT_POINT" });
  }
  const workers = createWorkers();
  // One may have been started in vain.
  if (config.shares.length === 0) workers.stop();
  const machine = async () => {
    const { doctorPorts } = await import("./host/doctor-facts.ts");
    return doctorPorts({ environment, fstab: settings.fstab ?? "/etc/fstab", mounter: workers.mounter });
  };
  if (role === "doctor") {
    const { doctor } = await import("./roles/doctor.ts");
    const isColoured = isTerminal(1) && (environment["NO_COLOR"] ?? "") === "";
    return doctor({ doctor: await machine(), planFacts, print, isColoured, onStop: inbox.onStop }, config, { json });
  }
  if (config.shares.length > 0) claimDirectory(settings.stateDir);
  const publishing = startPublishing(log, config, role, version);
  const ports = {
    log,
    board: publishing.board,
    clock,
    network: { dial, resolveName },
    mounter: workers.mounter,
    workers,
    planFacts,
    rights: mountRights,
    workingDirectory,
    lockTarget: (target: string) => lockTarget(settings.stateDir, target),
    lockDirectory: lockLocalDirectory,
    asidePath: (target: string) => hiddenPath(settings.stateDir, "aside", target),
    keptPath: (target: string) => hiddenPath(settings.stateDir, "kept", target),
    loadModules,
    editFstab: editFile,
    readFstab,
    lineClaims: lineClaims(settings.stateDir),
    tryCalls: async (share: Share, asked: ExactVersion, calls: readonly KernelMount[]) => {
      const { trial } = await machine();
      const requests = calls.map((call) => ({ version: asked, call }));
      const tried = await trial(share, requests, AbortSignal.timeout(explainMs));
      return tried.kind === "tried" ? tried.calls.map(({ errno }) => errno) : [];
    },
    explain: async (share: Share) => {
      const { explain } = await import("./doctor/explain.ts");
      return explain(share, await machine(), identity, explainMs);
    },
    writeAccess: workers.writeAccess,
    init: initPorts(
      {
        handover: {
          identity,
          dropCaps: settings.dropCaps,
          umask: settings.umask ?? inheritedUmask,
          nofile: settings.nofile,
        },
        inheritance,
        workingDirectory,
        isRuntimeChild,
        spawnsHelpers: config.shares.length > 0 || settings.mountSkip,
      },
      inbox,
    ),
    onStop: inbox.onStop,
    onStopRequest: inbox.onStopRequest,
    user: identity ?? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 },
    killDescendants: () => killDescendants(isRuntimeChild),
  };
  try {
    switch (role) {
      case "run":
        return await run(
          ports,
          config,
          identity === undefined ? command : { ...command, env: withHome(command.env, identity) },
        );
      case "wait":
        return await wait(ports, config);
      case "mount":
        return await mount(ports, config);
      case "unmount":
        return await unmount(ports, config);
      case "sidecar":
        return await sidecar(ports, config);
    }
  } finally {
    await publishing.stop();
    // Outside a pid namespace one that waits for a dead server would stay behind; nobody is left to take its answer.
    workers.stopAll();
  }
}

/** Time for a diagnosis beside the waiting. */
const explainMs = 4_000;

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
