// run: plan, wait, mount, hand over, tear down.
import type { Config } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";
import { foreignText, withBlock } from "../fstab/fstab.ts";
import { foreignLinesOn, fstabLines, type MountPlan, type PlanFacts } from "../fstab/plan.ts";
import type { Command } from "../init/command.ts";
import { exitCodeOf } from "../init/exit-status.ts";
import { startCommand, type InitPorts } from "../init/supervise.ts";
import { planShares } from "../lifecycle/plan-shares.ts";
import { mountShares, type MountedShares, type MountSharesPorts } from "../lifecycle/mount-shares.ts";
import { undoStack } from "../lifecycle/undo.ts";
import { watchCommand, type WatchedCommand, type WatchedCommandPorts } from "../lifecycle/watched-command.ts";
import { refusalOfRights, type MountRights } from "../mount/preflight.ts";

/** What `run` needs of the machine with shares to mount. */
export interface RunPorts extends MountSharesPorts, WatchedCommandPorts {
  readonly workers: {
    readonly warmUp: () => void;
    /** Ends the workers that wait for nothing. */ readonly stop: () => void;
  };
  /** Where COMMAND is to start; undefined where that directory is gone. */
  readonly workingDirectory: string | undefined;
  readonly planFacts: () => PlanFacts;
  readonly rights: (source: string, target: string) => MountRights;
  readonly editFstab: (
    path: string,
    edit: (text: string) => string,
  ) => Promise<
    | { readonly kind: "written" | "unchanged"; readonly text: string }
    | { readonly kind: "unwritable"; readonly reason: string }
  >;
  readonly init: InitPorts;
  /** Called with the first stop signal that comes before COMMAND runs. */
  readonly onStop: (stop: (signal: number) => void) => void;
}

/** A stop signal came before COMMAND ran. */
class Stopped extends Error {
  override readonly name = "Stopped";
  readonly signal: number;

  constructor(signal: number) {
    super(`stopped by signal ${signal}`);
    this.signal = signal;
  }
}

/** Time that mount calls cut short are given to end before what is there is taken down. */
const settleMs = 1_000;

/** Runs COMMAND on its shares; gives the exit code. */
export async function run(ports: RunPorts, config: Config, command: Command): Promise<number> {
  const { log, init, clock } = ports;
  const undo = undoStack((error) => log("warn", "could not undo a step", { stage: "umount", reason: String(error) }));
  const stop = new AbortController();
  ports.onStop((signal) => stop.abort(new Stopped(signal)));
  let shares: MountedShares | undefined;
  let watched: WatchedCommand | undefined;
  try {
    const plan = planShares(ports.planFacts, config);
    checkRights(ports, plan);
    await writeFstab(ports, config, plan);
    shares = mountShares(ports, config.settings, plan, stop, undo, (share) => watched?.isAway(share) === true);
    await Promise.race([shares.ready, abortedBy(stop.signal)]);
    if (plan.shares.length === 0) return exitCodeOf(await startCommand(init, command).ended);

    await waitForPaths(ports, config, command, stop.signal);
    ports.workers.stop();
    log("info", "starting the process", { stage: "init", command: nameOf(command) });
    watched = watchCommand(ports, config.settings, startCommand(init, command), shares);
    const end = await watched.end;
    if (end.kind === "ended") {
      log("info", "the process has ended", { stage: "init", exitCode: exitCodeOf(end.status) });
      return exitCodeOf(end.status);
    }
    throw new AppError(`${end.share.label} on ${end.share.target} is lost: ${end.reason}`, exitCodes.lost, {
      hint: "starting again mounts it afresh",
    });
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    log("info", "stopped before the process was started", { stage: "init", signal: error.signal });
    return exitCodes.signalBase + error.signal;
  } finally {
    // What is still going on is cut short before anything is taken down.
    stop.abort(new Error("nfs-init ends"));
    if (shares !== undefined) await Promise.race([shares.settled, clock.sleep(settleMs)]);
    await undo.unwind();
    ports.workers.stop();
  }
}

/** Rejects when `signal` aborts. */
function abortedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

/**
 * COMMAND is started by nfs-init itself, which enters its working directory and looks for its file: where these lie on a share
 * that has died since it was mounted, PID 1 would block with them. They are looked at in a worker first.
 */
async function waitForPaths(ports: RunPorts, config: Config, command: Command, signal: AbortSignal): Promise<void> {
  const { log, clock, mounter, workingDirectory } = ports;
  const file = nameOf(command);
  for (const path of [workingDirectory, file.startsWith("/") ? file : undefined]) {
    if (path === undefined) continue;
    const look = () => Promise.race([mounter.statfs(path, config.settings.attemptTimeoutMs), abortedBy(signal)]);
    while ((await look()).kind === "no-answer") {
      log("warn", "the process is to start on a share that does not answer, waiting for it", { stage: "init", path });
      await clock.sleep(config.settings.retryMaxMs, signal);
    }
  }
}

function nameOf(command: Command): string {
  return new TextDecoder().decode(command.argv[0]);
}

function checkRights({ rights }: RunPorts, { shares }: MountPlan): void {
  const [first] = shares;
  if (first === undefined) return;
  const refusal = refusalOfRights(rights(first.label, first.realTarget));
  if (refusal === undefined) return;
  const reason = `cannot mount ${first.label} on ${first.target}: ${refusal.reason}`;
  throw new AppError(reason, exitCodes.mountFailed, { hint: refusal.hint });
}

async function writeFstab({ log, editFstab }: RunPorts, config: Config, plan: MountPlan): Promise<void> {
  const path = config.settings.fstab ?? "/etc/fstab";
  if (path === "none" || plan.shares.length === 0) return;
  // The file's bytes come and go as Latin-1; our lines are UTF-8.
  const lines = fstabLines(plan).map((line) => Buffer.from(line).toString("latin1"));
  const outcome = await editFstab(path, (text) => withBlock(text, lines));
  if (outcome.kind === "unwritable") {
    log("warn", "fstab cannot be written, mounting goes on without it", {
      stage: "fstab",
      path,
      reason: outcome.reason,
    });
    return;
  }
  const text = Buffer.from(foreignText(outcome.text), "latin1").toString();
  for (const { share, source } of foreignLinesOn(plan, text)) {
    log("warn", "another fstab line names the same mount point", {
      stage: "fstab",
      path,
      target: share.target,
      reason: `that line mounts ${source}, the configuration ${share.label}`,
    });
  }
}
