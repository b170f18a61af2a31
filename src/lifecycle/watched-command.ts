// COMMAND beside the watch of its shares: who ends first decides, and what the way out must know is kept.
import type { Settings } from "../config/config.ts";
import { messageOf } from "../errors.ts";
import type { Share } from "../fstab/plan.ts";
import { endCommand, type EndingPorts } from "../init/ending.ts";
import type { ExitStatus } from "../init/exit-status.ts";
import type { Running } from "../init/supervise.ts";
import type { Clock, Mounter } from "../mount/ports.ts";
import { askMountedServer } from "../watch/server.ts";
import { watchShares, type ShareChange } from "../watch/watch.ts";
import type { Network } from "../wait/readiness.ts";
import type { Log } from "./log.ts";

export interface WatchedCommandPorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly mounter: Mounter;
  readonly network: Network;
  readonly killDescendants: () => void;
  /** Calls back when a signal from outside asks COMMAND to end. */
  readonly onStopRequest: (asked: () => void) => void;
}

export type CommandEnd =
  | { readonly kind: "ended"; readonly status: ExitStatus }
  /** A share was lost, and COMMAND was ended for it. */
  | { readonly kind: "lost"; readonly share: Share; readonly reason: string };

/** Time one question to a server is given. */
const askMs = 3_000;
/** How often it is looked whether a share answers while COMMAND takes longer to end than its grace. */
const escalationMs = 1_000;

export interface WatchedCommand {
  readonly end: Promise<CommandEnd>;
  /** Whether a share was last seen not to answer, or stale. */
  readonly isAway: (share: Share) => boolean;
}

type Loss = ShareChange & { readonly lost: string };

/** Watches `shares` (as they are at each round) while COMMAND runs, and ends it where NFS_WATCH says so. */
export function watchCommand(
  ports: WatchedCommandPorts,
  settings: Settings,
  running: Running,
  shares: () => readonly Share[],
): WatchedCommand {
  const { log, clock, mounter, network } = ports;
  const away = new Set<Share>();
  const over = new AbortController();
  const isOver = () => over.signal.aborted;
  const askServer = async (share: Share) => {
    const there = mounter.mounts().findLast(({ target }) => target === share.realTarget);
    return there === undefined ? "silent" : askMountedServer(network, share, there, AbortSignal.timeout(askMs));
  };

  let isLost = false;
  const lost = new Promise<Loss>((resolve) => {
    if (settings.watch === "off") return;
    const onChange = (change: ShareChange) => {
      const { share, to } = change;
      if (to === "healthy" || to === "read-only") away.delete(share);
      else away.add(share);
      report(log, change);
      if (change.lost !== undefined && settings.watch !== "log") resolve({ ...change, lost: change.lost });
    };
    const onFault = (error: unknown) =>
      log("error", "a round of the watch failed", { stage: "watch", reason: messageOf(error) });
    const look = (share: Share, timeoutMs: number) => mounter.look(share.realTarget, settings.watchWrite, timeoutMs);
    void watchShares(
      { clock, mounts: mounter.mounts, look, askServer, onChange, onFault },
      shares,
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

  const ending: EndingPorts = { killDescendants: ports.killDescendants, sleep: clock.sleep };
  /** Frees a process that SIGKILL could not end: one that is stuck writing to a dead share. */
  const force = async (): Promise<void> => {
    for (const share of shares()) {
      if (settings.forceUnmount === "off" || !away.has(share) || (await askServer(share)) === "answers") continue;
      log(
        "warn",
        "forcing the unmount of a dead share, other containers in this network namespace may see their writes to it aborted",
        {
          stage: "umount",
          source: share.label,
          target: share.target,
        },
      );
      // The first call aborts what is under way, the second one what that woke.
      for (let call = 0; call < 2; call++) await mounter.umount(share.realTarget, "force", askMs);
    }
    await Promise.race([running.ended, clock.sleep(askMs)]);
  };

  // A stop from outside is the caller's to escalate, except where a share that does not answer may hold COMMAND for ever.
  ports.onStopRequest(() => {
    const escalate = async (): Promise<void> => {
      await clock.sleep(settings.stopGraceMs);
      while (!isOver()) {
        if (away.size > 0) {
          log("warn", "the process did not end in time and a share does not answer, killing it", { stage: "init" });
          ports.killDescendants();
          await Promise.race([running.ended, clock.sleep(escalationMs)]);
          if (!isOver()) await force();
          return;
        }
        await clock.sleep(escalationMs);
      }
    };
    void escalate();
  });

  const endForLost = async ({ share, lost: reason }: Loss): Promise<CommandEnd> => {
    const settle = await endCommand(ending, running, {
      stopSignal: settings.stopSignal,
      graceMs: settings.stopGraceMs,
    });
    if (settle !== "ended") log("warn", "the process was killed, it did not end in time", { stage: "init" });
    if (settle === "stuck") await force();
    return { kind: "lost", share, reason };
  };
  const endedForLost = lost.then((loss) => {
    isLost = true;
    return endForLost(loss);
  });
  // Once a share is lost that is the reason of the end, whatever COMMAND ends with.
  const ended = running.ended.then((status): CommandEnd | Promise<CommandEnd> =>
    isLost ? endedForLost : { kind: "ended", status },
  );
  const end = Promise.race([ended, endedForLost]).finally(() => over.abort());
  return { end, isAway: (share) => away.has(share) };
}

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
