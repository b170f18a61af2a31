// Watches the mounted shares: says what changes, keeps their states, and tells of each loss.
import { topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import { isShareOf } from "../kinds/kinds.ts";
import type { Share } from "../shares/share.ts";
import type { Settings } from "../config/config.ts";
import { messageOf } from "../errors.ts";
import type { Clock } from "../clock.ts";
import type { Look, Mounter } from "../mount/ports.ts";
import type { Network } from "../ask/network.ts";
import { askMountedServer } from "../watch/server.ts";
import type { ShareState } from "../watch/staleness.ts";
import { watchWritability } from "../watch/writability.ts";
import type { User } from "../ask/path.ts";
import { writeAccessAsker } from "../kinds/servers.ts";
import type { Tell } from "../report/events.ts";
import { watchShares, type ShareChange, type WatchEvent } from "../watch/watch.ts";
import type { MountedShares } from "./mount-shares.ts";
import type { Log } from "../report/log.ts";

export interface ShareWatchPorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly mounter: Mounter;
  readonly network: Network;
  /** Whom COMMAND runs as. */
  readonly user: User;
}

/** Shares as they come and go. */
export type WatchedShares = Pick<MountedShares, "mounted" | "isOurs" | "generation" | "onMounts" | "tell">;

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

/** What is known of the shares that are watched, for who ends COMMAND. */
type States = Map<Share, ShareState>;

/** Shares that processes may be blocked on. */
function isBlocking(states: States, share: Share): boolean {
  const state = states.get(share);
  return state === "unresponsive" || state === "server-gone";
}

/** Watches until `signal` aborts; with NFS_WATCH=off it only looks when it is asked to. */
export function watchMounts(
  ports: ShareWatchPorts,
  settings: Settings,
  shares: WatchedShares,
  onLost: (loss: Loss) => void,
  signal: AbortSignal,
): ShareWatch {
  const states: States = new Map();
  const ask = serverAsker(ports);
  const look = looker(ports, settings, shares.tell);
  if (settings.watch !== "off") startWatch(ports, settings, shares, { states, ask, look, onLost }, signal);
  return {
    blocking: () => [...states.keys()].filter((share) => isBlocking(states, share)),
    isAway: (share) => isBlocking(states, share) || states.get(share) === "stale",
    lookNow: async () => {
      if (settings.watch !== "off") return;
      await Promise.all(
        shares.mounted().map(async (share) => {
          // Where no process can be started to look, nothing is known.
          const seen = await look.at(share, settings.watchTimeoutMs).catch(() => undefined);
          if (seen !== undefined) states.set(share, seen.kind === "no-answer" ? "unresponsive" : "healthy");
        }),
      );
    },
    askServer: ask.server,
  };
}

interface WatchParts {
  readonly states: States;
  readonly ask: ServerAsker;
  readonly look: Looker;
  readonly onLost: (loss: Loss) => void;
}

function startWatch(
  { clock, mounter }: ShareWatchPorts,
  settings: Settings,
  { mounted, generation, onMounts, tell }: WatchedShares,
  { states, ask, look, onLost }: WatchParts,
  signal: AbortSignal,
): void {
  /** Who writes to the shares himself knows better; whose server is away has nobody to ask. */
  const toAsk = () =>
    settings.watchWrite ? [] : mounted().filter((share) => !isBlocking(states, share) && states.get(share) !== "stale");
  const askIntervalMs = writabilityIntervals * settings.watchIntervalMs;
  const saysWritable = watchWritability({ clock, generation, ask: ask.writable }, toAsk, askIntervalMs, signal);
  const told = (event: WatchEvent) => {
    tell(event);
    if (event.kind !== "changed") return;
    states.set(event.share, event.to);
    if (event.lost !== undefined) onLost({ ...event, lost: event.lost });
  };
  void watchShares(
    {
      clock,
      mounts: () => {
        const records = mounter.mounts();
        onMounts(records);
        return records;
      },
      look: look.at,
      saysWritable,
      askServer: ask.server,
      tell: told,
      onFault: look.onFault,
      generation,
    },
    mounted,
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

/** Asks the servers of mounts there are. */
interface ServerAsker {
  readonly server: ShareWatch["askServer"];
  /** Whether a share can be written to, as its server says; undefined where it says nothing. */
  readonly writable: (share: Share) => Promise<boolean | undefined>;
}

function serverAsker({ clock, mounter, network, user }: ShareWatchPorts): ServerAsker {
  const mountOf = (share: Share): MountRecord | undefined => {
    const there = topMountOn(mounter.mounts(), share.realTarget);
    return there !== undefined && isShareOf(there, share) ? there : undefined;
  };
  const askAccess = writeAccessAsker(network.dial);
  return {
    server: async (share) => {
      const there = mountOf(share);
      return there === undefined ? "silent" : askMountedServer(network, share, there, clock.timeout(askMs));
    },
    writable: async (share) => {
      const there = mountOf(share);
      return there === undefined ? undefined : askAccess(share, there, user, clock.timeout(askMs));
    },
  };
}

/** Looks at shares, and says once what keeps it from looking. */
interface Looker {
  readonly at: (share: Share, timeoutMs: number) => Promise<Look>;
  readonly onFault: (error: unknown) => void;
}

function looker({ log, mounter }: ShareWatchPorts, { watchWrite }: Settings, tell: Tell): Looker {
  /** What was last said to keep the watch from looking, until it has looked again. */
  let hindrance: string | undefined;
  return {
    at: async (share, timeoutMs) => {
      const seen = await mounter.look(share.realTarget, watchWrite, timeoutMs);
      if (hindrance !== undefined) log("info", "the shares are looked at again", { stage: "watch" });
      hindrance = undefined;
      if (seen.kind === "answers" && seen.full !== undefined) tell({ kind: "full", share, errno: seen.full });
      return seen;
    },
    onFault: (error) => {
      const reason = messageOf(error);
      if (reason === hindrance) return;
      hindrance = reason;
      log("error", "a share could not be looked at, the watch goes on", { stage: "watch", reason });
    },
  };
}
