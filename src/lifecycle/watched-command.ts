// COMMAND beside the watch of its shares: who ends first decides, and what the way out must know is kept.
import type { Settings } from "../config/config.ts";
import { messageOf } from "../errors.ts";
import { topMountOn } from "../fstab/mountinfo.ts";
import { isShareOf, type Share } from "../fstab/plan.ts";
import { endCommand, killAll, type EndingPorts } from "../init/ending.ts";
import type { ExitStatus } from "../init/exit-status.ts";
import type { Running } from "../init/supervise.ts";
import type { Clock, Mounter } from "../mount/ports.ts";
import { askMountedServer } from "../watch/server.ts";
import type { ShareState } from "../watch/staleness.ts";
import { watchShares, type ShareChange } from "../watch/watch.ts";
import type { Network } from "../wait/readiness.ts";
import type { Log } from "./log.ts";

export interface WatchedCommandPorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly mounter: Mounter;
  readonly network: Network;
  readonly killDescendants: () => number;
  /** Calls back when a signal from outside asks COMMAND to end. */
  readonly onStopRequest: (asked: () => void) => void;
}

export type CommandEnd =
  | { readonly kind: "ended"; readonly status: ExitStatus }
  /** A share was lost, and COMMAND was ended for it. */
  | { readonly kind: "lost"; readonly share: Share; readonly reason: string };

/** Shares as they come and go while COMMAND runs. */
export interface WatchedShares {
  readonly mounted: ReadonlySet<Share>;
  /** Those that this instance mounted. */
  readonly ours: ReadonlySet<Share>;
}

/** Time one question to a server is given. */
const askMs = 3_000;
/** How often it is looked whether a share answers while COMMAND takes longer to end than its grace. */
const escalationMs = 1_000;

export interface WatchedCommand {
  readonly end: Promise<CommandEnd>;
  /** Whether a share was last seen not to answer, or stale: its unmount is not waited for. */
  readonly isAway: (share: Share) => boolean;
}

type Loss = ShareChange & { readonly lost: string };

/** Watches the mounted shares while COMMAND runs, and ends it where NFS_WATCH says so. */
export function watchCommand(
  ports: WatchedCommandPorts,
  settings: Settings,
  running: Running,
  shares: WatchedShares,
): WatchedCommand {
  const { log, clock, mounter, network } = ports;
  const states = new Map<Share, ShareState>();
  const over = new AbortController();
  /** A process that uses it may be blocked: a share that is stale or gone from the mount table blocks nobody. */
  const isBlocking = (share: Share) => states.get(share) === "unresponsive" || states.get(share) === "server-gone";
  const blocking = () => [...shares.mounted].filter(isBlocking);
  const askServer = async (share: Share) => {
    const there = topMountOn(mounter.mounts(), share.realTarget);
    if (there === undefined || !isShareOf(there, share)) return "silent";
    return askMountedServer(network, share, there, AbortSignal.timeout(askMs));
  };
  const look = (share: Share, timeoutMs: number) => mounter.look(share.realTarget, settings.watchWrite, timeoutMs);

  let isLost = false;
  const lost = new Promise<Loss>((resolve) => {
    if (settings.watch === "off") return;
    const onChange = (change: ShareChange) => {
      states.set(change.share, change.to);
      report(log, change);
      if (change.lost !== undefined && settings.watch !== "log") resolve({ ...change, lost: change.lost });
    };
    const onFault = (error: unknown) =>
      log("error", "a round of the watch failed", { stage: "watch", reason: messageOf(error) });
    void watchShares(
      { clock, mounts: mounter.mounts, look, askServer, onChange, onFault },
      () => [...shares.mounted],
      {
        intervalMs: settings.watchIntervalMs,
        timeoutMs: settings.watchTimeoutMs,
        threshold: settings.watchThreshold,
        unresponsiveAfterMs: settings.unresponsiveAfterMs,
        serverGoneAfterMs: settings.serverGoneAfterMs,
      },
      over.signal,
    );
  });

  const ending: EndingPorts = { killDescendants: ports.killDescendants, nowMs: clock.nowMs, sleep: clock.sleep };
  /** Forces the unmount of one dead share of ours while something is stuck on it: the first call aborts what is under way, the second what that woke. */
  const force = async (share: Share): Promise<void> => {
    for (let call = 1; call <= 2; call++) {
      const there = topMountOn(mounter.mounts(), share.realTarget);
      if (there === undefined || !isShareOf(there, share) || (await askServer(share)) === "answers") return;
      if (ports.killDescendants() === 0) return;
      if (call === 1) log("warn", forced, { stage: "umount", source: share.label, target: share.target });
      await mounter.umount(share.realTarget, "force", askMs);
      if (await killAll(ending)) return;
    }
  };
  /** Frees processes that SIGKILL could not end: they are stuck writing to a dead share. */
  const freeStuck = async (): Promise<void> => {
    for (const share of blocking()) {
      if (settings.forceUnmount === "auto" && shares.ours.has(share)) await force(share);
    }
  };

  /** With NFS_WATCH=off nobody has looked at the shares so far. */
  const lookNow = async (): Promise<void> => {
    if (settings.watch !== "off") return;
    await Promise.all(
      [...shares.mounted].map(async (share) => {
        const seen = await look(share, settings.watchTimeoutMs);
        states.set(share, seen.kind === "no-answer" ? "unresponsive" : "healthy");
      }),
    );
  };
  // A stop from outside is the caller's to escalate, except where a share that does not answer may hold COMMAND for ever.
  const escalate = async (): Promise<void> => {
    const isOver = () => over.signal.aborted;
    await clock.sleep(settings.stopGraceMs);
    while (!isOver()) {
      await lookNow();
      if (isOver()) return;
      if (blocking().length > 0) {
        log("warn", "the process did not end in time and a share does not answer, killing it", { stage: "init" });
        if (!(await killAll(ending))) await freeStuck();
        return;
      }
      await clock.sleep(escalationMs);
    }
  };
  ports.onStopRequest(() => void escalate());

  const endForLost = async ({ share, lost: reason }: Loss): Promise<CommandEnd> => {
    const graceMs = settings.stopGraceMs;
    const how = await endCommand(ending, running, { stopSignal: settings.stopSignal, graceMs });
    if (how !== "ended") log("warn", "the process was killed, it did not end in time", { stage: "init" });
    if (how === "stuck") await freeStuck();
    return { kind: "lost", share, reason };
  };
  const endedForLost = lost.then((loss) => {
    isLost = true;
    return endForLost(loss);
  });
  const endedByItself = async (status: ExitStatus): Promise<CommandEnd> => {
    // What COMMAND left behind may be stuck where COMMAND was not, and would hold the container.
    if (blocking().length > 0 && !(await killAll(ending))) await freeStuck();
    return { kind: "ended", status };
  };
  // Once a share is lost that is the reason of the end, whatever COMMAND ends with.
  const ended = running.ended.then((status) => (isLost ? endedForLost : endedByItself(status)));
  const end = Promise.race([ended, endedForLost]).finally(() => over.abort());
  return { end, isAway: (share) => isBlocking(share) || states.get(share) === "stale" };
}

const forced =
  "forcing the unmount of a dead share, other containers in this network namespace may see their writes to it aborted";

function report(log: Log, { share, from, to, lost, awayMs }: ShareChange): void {
  const about = { stage: "watch", source: share.label, target: share.target, state: to } as const;
  if (lost !== undefined) return log("error", "a share is lost", { ...about, reason: lost });
  switch (to) {
    case "healthy":
      if (awayMs === undefined) return log("info", "the share is writable again", about);
      return log("info", "the share answers again", { ...about, elapsedMs: Math.round(awayMs) });
    case "read-only":
      return log("warn", "the share can no longer be written to", about);
    case "unresponsive":
      return log("warn", "the share does not answer although its server does", { ...about, from });
    case "server-gone":
      return log("warn", "the server of the share does not answer, waiting for it", { ...about, from });
    case "stale":
    case "missing":
    case "replaced":
      return log("warn", "the share has failed", { ...about, from });
  }
}
