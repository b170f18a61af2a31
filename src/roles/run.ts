// run: plan, wait, mount, hand over, tear down.
import type { Config } from "../config/config.ts";
import { AppError, exitCodes } from "../errors.ts";
import { foreignText, withBlock } from "../fstab/fstab.ts";
import { foreignLinesOn, fstabLines, type MountPlan, type PlanFacts, type Share } from "../fstab/plan.ts";
import type { Command } from "../init/command.ts";
import { exitCodeOf } from "../init/exit-status.ts";
import { supervise, type InitPorts } from "../init/supervise.ts";
import { establishShares, type Establishing } from "../lifecycle/establish.ts";
import type { Log } from "../lifecycle/log.ts";
import { planShares } from "../lifecycle/plan-shares.ts";
import { mountReporter } from "../lifecycle/reporter.ts";
import { undoStack, type UndoStack } from "../lifecycle/undo.ts";
import type { Clock, Mounter, TargetLock } from "../mount/ports.ts";
import { refusalOfRights, type MountRights } from "../mount/preflight.ts";
import { unmounter } from "../mount/umount.ts";
import { askServer, questionOf, type Network } from "../wait/readiness.ts";
import { serverWaiter } from "../wait/wait.ts";

/** What `run` needs of the machine with shares to mount. */
export interface RunPorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly network: Network;
  readonly mounter: Mounter;
  /** Starts a worker ahead of need, and ends those that wait for nothing. */
  readonly workers: { readonly warmUp: () => void; readonly stop: () => void };
  readonly planFacts: () => PlanFacts;
  readonly rights: (source: string, target: string) => MountRights;
  readonly lockTarget: (target: string) => TargetLock;
  readonly loadModules: () => Promise<void>;
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
  let mounting: Establishing | undefined;
  try {
    const plan = planShares(ports.planFacts, config);
    checkRights(ports, plan);
    await writeFstab(ports, config, plan);
    mounting = mountShares(ports, config, plan, stop, undo);
    await mounting.ready;
    ports.workers.stop();
    if (plan.shares.length > 0) log("info", "starting the process", { stage: "init", command: nameOf(command) });
    const status = await supervise(init, command);
    if (plan.shares.length > 0) log("info", "the process has ended", { stage: "init", exitCode: exitCodeOf(status) });
    return exitCodeOf(status);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    log("info", "stopped before the process was started", { stage: "init", signal: error.signal });
    return exitCodes.signalBase + error.signal;
  } finally {
    // What is still going on is cut short before anything is taken down.
    stop.abort(new Error("nfs-init ends"));
    if (mounting !== undefined) await Promise.race([mounting.settled, clock.sleep(settleMs)]);
    await undo.unwind();
    ports.workers.stop();
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

function mountShares(ports: RunPorts, config: Config, plan: MountPlan, stop: AbortController, undo: UndoStack) {
  const { log, clock, network, mounter, workers } = ports;
  const { settings } = config;
  if (plan.shares.length > 0) workers.warmUp();
  const report = mountReporter(log, clock, plan);
  const { signal } = stop;

  const giveUp =
    settings.waitTimeoutMs === 0
      ? undefined
      : setTimeout(() => {
          const reason = `not mounted within ${settings.waitTimeoutMs / 1_000} s: ${report.pending().join("; ")}`;
          stop.abort(new AppError(reason, exitCodes.timedOut, { hint: "check the server, or raise NFS_WAIT_TIMEOUT" }));
        }, settings.waitTimeoutMs);

  const waiter = serverWaiter(
    {
      nowMs: clock.nowMs,
      sleep: clock.sleep,
      ask: (question, asked) => askServer(network, question, asked),
      tell: report.notReady,
    },
    settings.attemptTimeoutMs,
    signal,
  );
  const unmount = unmounter(mounter, clock, settings.unmountTimeoutMs);
  const locks = new Map<Share, TargetLock>();
  const lock = (share: Share): TargetLock => {
    const held = locks.get(share);
    if (held?.kind === "locked") return held;
    const taken = ports.lockTarget(share.realTarget);
    locks.set(share, taken);
    return taken;
  };
  const ours = new Set<Share>();
  const takeDown = async (share: Share): Promise<void> => {
    if (!ours.has(share)) return;
    report.unmounted(share, await unmount(share));
    const held = locks.get(share);
    if (held?.kind === "locked") held.note(undefined);
  };

  const mounting = establishShares(
    {
      mounter,
      clock,
      lock,
      serverReady: (share, notYet) => waiter.ready(questionOf(share), notYet),
      serverAnswers: async (share, asked) => (await askServer(network, questionOf(share), asked)).kind === "ready",
      loadModules: () => (settings.modprobe === "off" ? Promise.resolve() : ports.loadModules()),
      tell: report.notice,
      onMounting: (share) => {
        if (ours.has(share)) return;
        ours.add(share);
        undo.push(() => takeDown(share));
      },
      onMounted: (share, mounted) => {
        if (!mounted.isOurs) ours.delete(share);
        report.mounted(share, mounted);
      },
      onFailedAttempt: report.failedAttempt,
      onGivenUp: report.givenUp,
    },
    plan,
    settings,
    signal,
  );
  const cancel = () => clearTimeout(giveUp);
  mounting.ready.then(cancel, cancel);
  return mounting;
}
