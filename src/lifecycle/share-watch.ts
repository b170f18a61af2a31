// Watches the mounted shares: says what changes, keeps their states, and tells of each loss.
import { topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import { isShareOf } from "../kinds/kinds.ts";
import type { Share } from "../shares/share.ts";
import type { Settings } from "../config/config.ts";
import { messageOf } from "../errors.ts";
import type { Clock, Look, Mounter } from "../mount/ports.ts";
import type { Network } from "../ask/network.ts";
import { askMountedServer } from "../watch/server.ts";
import type { ShareState } from "../watch/staleness.ts";
import { watchWritability } from "../watch/writability.ts";
import { writeAccessAsker, type User } from "../watch/write-access.ts";
import type { StatusBoard } from "../watch/status.ts";
import { watchShares, type ShareChange } from "../watch/watch.ts";
import type { Log } from "./log.ts";

export interface ShareWatchPorts {
  readonly log: Log;
  readonly board: StatusBoard;
  readonly clock: Clock;
  readonly mounter: Mounter;
  readonly network: Network;
  /** Whom COMMAND runs as. */
  readonly user: User;
}

/** Shares as they come and go. */
export interface WatchedShares {
  readonly mounted: ReadonlySet<Share>;
  /** Those that this instance mounted. */
  readonly ours: ReadonlySet<Share>;
  /** How often a share was mounted afresh, or taken for healed. */
  readonly generation: (share: Share) => number;
  /** Told of the mounts there are each time that somebody has looked. */
  readonly onMounts: (records: readonly MountRecord[]) => void;
}

export type Loss = ShareChange & { readonly lost: string };

export interface ShareWatch {
  /** Shares that processes may be blocked on: one that is stale or gone from the mount table blocks nobody. */
  readonly blocking: () => readonly Share[];
  /** Whether a share was last seen not to answer, or stale: its unmount is not waited for. */
  readonly isAway: (share: Share) => boolean;
  /** Looks at every share once, where nobody has so far. */
  readonly lookNow: () => Promise<void>;
  readonly askServer: (share: Share) => Promise<"answers" | "silent" | "moved">;
}

/** Time one question to a server is given. */
export const askMs = 3_000;

/** Every so many intervals a server is asked whether its share can be written to, which takes it several questions. */
const writabilityIntervals = 6;

/** Watches until `signal` aborts; with NFS_WATCH=off it only looks when it is asked to. */
export function watchMounts(
  { log, board, clock, mounter, network, user }: ShareWatchPorts,
  settings: Settings,
  shares: WatchedShares,
  onLost: (loss: Loss) => void,
  signal: AbortSignal,
): ShareWatch {
  const states = new Map<Share, ShareState>();
  const isBlocking = (share: Share) => states.get(share) === "unresponsive" || states.get(share) === "server-gone";
  const mountOf = (share: Share): MountRecord | undefined => {
    const there = topMountOn(mounter.mounts(), share.realTarget);
    return there !== undefined && isShareOf(there, share) ? there : undefined;
  };
  const askServer = async (share: Share) => {
    const there = mountOf(share);
    return there === undefined ? "silent" : askMountedServer(network, share, there, AbortSignal.timeout(askMs));
  };
  const askAccess = writeAccessAsker(network.dial);
  const askWritable = async (share: Share) => {
    const there = mountOf(share);
    return there === undefined ? undefined : askAccess(share, there, user, AbortSignal.timeout(askMs));
  };
  const sayFull = fullReporter(log, clock);
  /** What was last said to keep the watch from looking, until it has looked again. */
  let hindrance: string | undefined;
  const look = async (share: Share, timeoutMs: number): Promise<Look> => {
    const seen = await mounter.look(share.realTarget, settings.watchWrite, timeoutMs);
    if (hindrance !== undefined) log("info", "the shares are looked at again", { stage: "watch" });
    hindrance = undefined;
    if (seen.kind === "answers" && seen.full !== undefined) sayFull(share, seen.full);
    return seen;
  };
  const onChange = (change: ShareChange) => {
    states.set(change.share, change.to);
    report(log, change);
    if (change.lost !== undefined) onLost({ ...change, lost: change.lost });
  };
  const onFault = (error: unknown) => {
    const reason = messageOf(error);
    if (reason === hindrance) return;
    hindrance = reason;
    log("error", "a share could not be looked at, the watch goes on", { stage: "watch", reason });
  };
  if (settings.watch !== "off") {
    /** Who writes to the shares himself knows better; whose server is away has nobody to ask. */
    const toAsk = () =>
      settings.watchWrite
        ? []
        : [...shares.mounted].filter((share) => !isBlocking(share) && states.get(share) !== "stale");
    const { generation } = shares;
    const askIntervalMs = writabilityIntervals * settings.watchIntervalMs;
    const saysWritable = watchWritability({ clock, generation, ask: askWritable }, toAsk, askIntervalMs, signal);
    void watchShares(
      {
        clock,
        mounts: () => {
          const records = mounter.mounts();
          shares.onMounts(records);
          return records;
        },
        look,
        saysWritable,
        askServer,
        onChange,
        onFault,
        onLooked: board.looked,
        generation: shares.generation,
      },
      () => [...shares.mounted],
      {
        intervalMs: settings.watchIntervalMs,
        timeoutMs: settings.watchTimeoutMs,
        threshold: settings.watchThreshold,
        unresponsiveAfterMs: settings.unresponsiveAfterMs,
        serverGoneAfterMs: settings.serverGoneAfterMs,
      },
      signal,
    );
  }
  return {
    blocking: () => [...states.keys()].filter(isBlocking),
    isAway: (share) => isBlocking(share) || states.get(share) === "stale",
    lookNow: async () => {
      if (settings.watch !== "off") return;
      await Promise.all(
        [...shares.mounted].map(async (share) => {
          // Where no process can be started to look, nothing is known.
          const seen = await look(share, settings.watchTimeoutMs).catch(() => undefined);
          if (seen !== undefined) states.set(share, seen.kind === "no-answer" ? "unresponsive" : "healthy");
        }),
      );
    },
    askServer,
  };
}

/** A share that is full, and goes on being full, is said to be so once. */
const fullAgainMs = 3_600_000;

function fullReporter(log: Log, { nowMs }: Pick<Clock, "nowMs">): (share: Share, errno: string) => void {
  const lastMs = new Map<Share, number>();
  return (share, reason) => {
    const isNew = nowMs() - (lastMs.get(share) ?? Number.NEGATIVE_INFINITY) >= fullAgainMs;
    lastMs.set(share, nowMs());
    if (!isNew) return;
    const hint = "make room on the server, or raise the quota there";
    log("warn", "the share is full", { stage: "watch", source: share.label, target: share.target, reason, hint });
  };
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
