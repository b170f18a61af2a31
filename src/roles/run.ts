// run: plan, wait, mount, hand over, watch, tear down; and all of that again where NFS_WATCH=restart has a share lost.
import { isShareMount } from "../kinds/kinds.ts";
import type { MountPlan, PlanFacts } from "../plan/plan.ts";
import { isSameOrBelow } from "../shares/paths.ts";
import { resolveTarget } from "../plan/target.ts";
import type { Config, Settings } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";
import type { Command } from "../init/command.ts";
import { exitCodeOf } from "../init/exit-status.ts";
import { becomeCommand, startCommand, type InitPorts } from "../init/supervise.ts";
import type { MountedShares } from "../lifecycle/mount-shares.ts";
import { restartBudget } from "../lifecycle/restart-budget.ts";
import { mountedSession, preparePlan, type Session, type SessionPorts } from "../lifecycle/session.ts";
import { abortedBy } from "../lifecycle/stop.ts";
import { notStartedWords } from "../mount/ports.ts";
import { reasonLog } from "../wait/reasons.ts";
import { watchCommand, type CommandEnd, type WatchedCommandPorts } from "../lifecycle/watched-command.ts";
import { waitUntilWritable, type WritablePorts } from "../lifecycle/writable.ts";

/** What `run` needs of the machine with shares to mount. */
export interface RunPorts extends SessionPorts, WatchedCommandPorts, WritablePorts {
  readonly workers: {
    /** Ends those that nobody is waiting for, and settles when they are gone: COMMAND is to find none of them. */
    readonly dismiss: () => Promise<void>;
    /** Ends all workers. */
    readonly stopAll: () => void;
    /** Settles when no process of nfs-init's own is left, or soon after. */
    readonly ended: () => Promise<void>;
  };
  /** Where COMMAND is to start; undefined where that directory is gone. */
  readonly workingDirectory: string | undefined;
  readonly init: InitPorts;
}

type Lost = Extract<CommandEnd, { kind: "lost" }>;
type Round = { readonly kind: "over"; readonly exitCode: number } | Lost;

/** Runs COMMAND on its shares; gives the exit code. */
export async function run(ports: RunPorts, config: Config, command: Command): Promise<number> {
  const { log, clock } = ports;
  const plan = await preparePlan(ports, config);
  const restarts = restartBudget();
  let isRestart = false;
  for (;;) {
    const round = await runOnce(ports, config, plan, command, isRestart);
    if (round.kind === "over") return round.exitCode;
    if (config.settings.watch !== "restart" || round.wasAsked)
      throw lostError(round, "starting again mounts it afresh");
    if (!restarts.take(clock.nowMs())) {
      throw lostError(
        round,
        `it was lost ${restarts.most} times in ${restarts.perMs / 60_000} minutes; look at its server`,
      );
    }
    isRestart = true;
    log("warn", "starting the process again on fresh mounts", { stage: "init", reason: round.reason });
  }
}

function lostError({ share, reason }: Lost, hint: string): AppError {
  return new AppError(`${share.label} on ${share.target} is lost: ${reason}`, exitCodes.lost, { hint });
}

/** Mounts, runs COMMAND until it ends or a share is lost, and takes everything down again. */
function runOnce(
  ports: RunPorts,
  config: Config,
  plan: MountPlan,
  command: Command,
  isRestart: boolean,
): Promise<Round> {
  const { log, clock } = ports;
  // The time-out is for the first time that every share is mounted.
  const settings = isRestart ? { ...config.settings, waitTimeoutMs: 0 } : config.settings;
  const startedMs = clock.nowMs();
  return mountedSession<Round>(ports, settings, plan, {
    work: async (session) => {
      await session.unlessStopped(session.shares.ready);
      if (settings.requireWritable) await waitUntilAllWritable(ports, { ...config, settings }, session, startedMs);
      if (plan.shares.length > 0) await waitForPaths(ports, config, plan, command, session.signal);
      if (plan.shares.length > 0) log("info", "starting the process", { stage: "init", command: nameOf(command) });
      if (settings.exec) await becomeOnShares(ports, plan, session.shares, command);
      if (isRestart) ports.board.tell({ kind: "restarted" });
      return runCommand(ports, settings, plan, session, command);
    },
    stopped: (signal) => {
      log("info", "stopped before the process was started", { stage: "init", signal });
      return { kind: "over", exitCode: exitCodes.signalBase + signal };
    },
  });
}

async function waitUntilAllWritable(
  ports: RunPorts,
  { settings, identity }: Config,
  { shares, signal, unlessStopped }: Session,
  startedMs: number,
): Promise<void> {
  const times = {
    attemptTimeoutMs: settings.attemptTimeoutMs,
    pauseMs: settings.retryMaxMs,
    deadlineMs: settings.waitTimeoutMs === 0 ? undefined : startedMs + settings.waitTimeoutMs,
  };
  await unlessStopped(waitUntilWritable(ports, shares.mounted(), identity, times, signal));
}

/** Replaces nfs-init by COMMAND. */
async function becomeOnShares(
  ports: RunPorts,
  plan: MountPlan,
  shares: MountedShares,
  command: Command,
): Promise<never> {
  sayWhatStaysAway(ports, plan, shares);
  // COMMAND would inherit them as zombies.
  ports.workers.stopAll();
  await ports.workers.ended();
  return becomeCommand(ports.init, command);
}

/** Runs COMMAND until it ends or a share is lost. */
async function runCommand(
  ports: RunPorts,
  settings: Settings,
  plan: MountPlan,
  { shares, signal, awayBy }: Session,
  command: Command,
): Promise<Round> {
  await ports.workers.dismiss();
  const running = await startCommand(ports.init, command, { map: settings.signalMap, signal });
  if (plan.shares.length === 0) return { kind: "over", exitCode: exitCodeOf(await running.ended) };
  const watched = watchCommand(ports, settings, running, shares);
  awayBy(watched.isAway);
  const end = await watched.end;
  if (end.kind === "lost") return end;
  const exitCode = exitCodeOf(end.status);
  ports.log("info", "the process has ended", { stage: "init", exitCode });
  return { kind: "over", exitCode };
}

/**
 * COMMAND is started by nfs-init itself, which enters its working directory and looks for its file: where these lie on a share
 * that has died since it was mounted, PID 1 would block with them. They are looked at in a worker first, and what lies on no share is
 * not looked at.
 */
async function waitForPaths(
  ports: RunPorts,
  config: Config,
  plan: MountPlan,
  command: Command,
  signal: AbortSignal,
): Promise<void> {
  const { log, clock, mounter, workingDirectory } = ports;
  const file = nameOf(command);
  const reasons = reasonLog();
  const facts = factsOf(ports);
  for (const path of [workingDirectory, file.startsWith("/") ? file : undefined]) {
    if (path === undefined || !isOnShare(path, plan, facts)) continue;
    const look = () => Promise.race([mounter.statfs(path, config.settings.attemptTimeoutMs), abortedBy(signal)]);
    for (let seen = await look(); seen.kind === "no-answer"; seen = await look()) {
      const { notStarted } = seen;
      const reason = notStarted === undefined ? "it does not answer" : notStartedWords(notStarted);
      if (reasons.isDue(path, reason, clock.nowMs())) log("warn", waitsForPath, { stage: "init", path, reason });
      await clock.sleep(config.settings.retryMaxMs, signal);
    }
  }
}

const waitsForPath = "the process is to start on a share, waiting until that has been seen to answer";

/** Where no descriptor is free to read them, paths are taken as they are written. */
function factsOf({ planFacts }: Pick<RunPorts, "planFacts">): Pick<PlanFacts, "mounts" | "readLink"> {
  try {
    return planFacts();
  } catch {
    return { mounts: [], readLink: () => undefined };
  }
}

/** Whether the way to a path leads over an NFS share; nothing on a share is touched to tell. */
function isOnShare(
  path: string,
  plan: MountPlan,
  { mounts, readLink }: Pick<PlanFacts, "mounts" | "readLink">,
): boolean {
  const targets = [
    ...plan.shares.map(({ realTarget }) => realTarget),
    ...mounts.filter(isShareMount).map(({ target }) => target),
  ];
  const real = resolveTarget(path, mounts, readLink, new Set(targets));
  return real !== undefined && targets.some((target) => isSameOrBelow(real, target));
}

/** With NFS_EXEC nobody is left to mount what comes later. */
function sayWhatStaysAway({ log }: RunPorts, plan: MountPlan, { isMounted }: MountedShares): void {
  for (const { label, target } of plan.shares.filter((share) => !isMounted(share))) {
    const reason = "with NFS_EXEC nobody is left to mount it when it comes";
    log("warn", "the process starts without a share", { stage: "mount", source: label, target, reason });
  }
}

function nameOf(command: Command): string {
  return new TextDecoder().decode(command.argv[0]);
}
