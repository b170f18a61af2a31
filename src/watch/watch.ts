// Watches shares while COMMAND runs: looks at each once an interval, never waits for one that hangs, and tells what changed.
import { topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import { isShareOf } from "../kinds/kinds.ts";
import type { Share } from "../shares/share.ts";
import { isGuard } from "../mount/guard.ts";
import type { Clock, Look, Space } from "../mount/ports.ts";
import { probePauseMs } from "../wait/pace.ts";
import {
  heldCondition,
  judge,
  mountedCondition,
  remountedCondition,
  type Condition,
  type Observation,
  type ShareState,
  type WatchBudgets,
} from "./staleness.ts";

export interface WatchPorts {
  readonly clock: Clock;
  readonly mounts: () => readonly MountRecord[];
  /** Looks at a mount point in a process of its own that is killed after `timeoutMs`. */
  readonly look: (share: Share, timeoutMs: number) => Promise<Look>;
  /** What its server last said of whether a share can be written to; undefined where nothing is known of that. */
  readonly saysWritable: (share: Share) => boolean | undefined;
  /** Asks the server of a mount that does not answer. */
  readonly askServer: (share: Share) => Promise<"answers" | "silent" | "moved">;
  /** How often a share was mounted afresh, or taken for healed: a number that changes each time. */
  readonly generation: (share: Share) => number;
  readonly onChange: (change: ShareChange) => void;
  /** Told of each look that is over. */
  readonly onLooked: (
    share: Share,
    seen: {
      readonly state: ShareState;
      readonly lost: string | undefined;
      readonly probeMs: number;
      readonly space: Space | undefined;
    },
  ) => void;
  /** A round that could not be finished; the watch goes on with the next. */
  readonly onFault: (error: unknown) => void;
}

/** A state that began, with the one it replaces. */
export interface ShareChange {
  readonly share: Share;
  readonly from: ShareState;
  readonly to: ShareState;
  /** How long the share did not answer, where it answers again. */
  readonly awayMs?: number;
  /** Why the share is lost, where it is. */
  readonly lost?: string;
}

export interface WatchSettings extends Omit<WatchBudgets, "longestGapMs"> {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** How soon a share that may be lost is looked at again: an export that is being changed is gone for a moment, too. */
const suspiciousMs = 1_000;

/**
 * Once a server is known to be gone it is asked at the pace of a wait, so that its return is seen at once, and its share is left
 * alone until then: each look would cost a process that has to be killed. Every so many intervals the share is looked at all
 * the same: a server may serve and yet not answer our question.
 */
const blindIntervals = 6;

/**
 * Watches shares until `signal` aborts, those that `shares` gives at each moment. A look that blocks holds up no other share,
 * and its own is passed over until it has ended.
 */
export async function watchShares(
  ports: WatchPorts,
  shares: () => readonly Share[],
  settings: WatchSettings,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = ports;
  const longestGapMs = settings.intervalMs + settings.timeoutMs + askingMs;
  const conditions = new Map<Share, Condition>();
  const busy = new Set<Share>();
  /** Lost shares, with the generation of their mount that was lost. */
  const lost = new Map<Share, number>();
  const generations = new Map<Share, number>();
  const dueMs = new Map<Share, number>();
  const lookedMs = new Map<Share, number>();
  /** Cuts the pause short when a look ends after which its share is due earlier than the pause would. */
  let wake: (() => void) | undefined;
  let plannedMs = 0;

  /** Whether the way to a share leads over one that is not healthy: then nothing can be said of it, and its clock stands. */
  const isBelowAway = (share: Share): boolean => {
    for (let above = share.parent; above !== undefined; above = above.parent) {
      const state = conditions.get(above)?.state ?? "healthy";
      if (state === "healthy" || state === "read-only") continue;
      const own = conditions.get(share);
      if (own !== undefined) conditions.set(share, heldCondition(own, clock.nowMs()));
      return true;
    }
    return false;
  };

  const pauseAfter = ({ state, suspicion, sinceMs }: Condition): number => {
    if (suspicion !== undefined) return Math.min(suspiciousMs, settings.intervalMs);
    if (state !== "server-gone") return settings.intervalMs;
    return Math.min(probePauseMs(clock.nowMs() - sinceMs, Math.random()), settings.intervalMs);
  };

  const probe = async (share: Share, mounts: readonly MountRecord[]): Promise<void> => {
    busy.add(share);
    const startedMs = clock.nowMs();
    try {
      const isGone = conditions.get(share)?.state === "server-gone";
      const isBlind = startedMs - (lookedMs.get(share) ?? startedMs) < blindIntervals * settings.intervalMs;
      const serverFirst = isGone && isBlind;
      if (!serverFirst) lookedMs.set(share, startedMs);
      const seen = await observe(ports, share, mounts, settings.timeoutMs, serverFirst);
      if (signal.aborted || isBelowAway(share) || !shares().includes(share)) return;
      const nowMs = clock.nowMs();
      const known = conditions.get(share) ?? mountedCondition(startedMs, false);
      const generation = ports.generation(share);
      const before = generations.get(share) === generation ? known : remountedCondition(known, startedMs);
      generations.set(share, generation);
      const { condition, lost: reason, ...change } = judge(before, seen, { ...settings, longestGapMs }, nowMs);
      conditions.set(share, condition);
      dueMs.set(share, (condition.state === "healthy" ? startedMs : nowMs) + pauseAfter(condition));
      const isLostNow = reason !== undefined && lost.get(share) !== generation;
      if (reason === undefined) lost.delete(share);
      else lost.set(share, generation);
      const space = seen.look?.kind === "answers" ? seen.look.space : undefined;
      ports.onLooked(share, { state: condition.state, lost: reason, probeMs: nowMs - startedMs, space });
      if (condition.state !== before.state || isLostNow) {
        // Once lost it goes on changing its state; that is no further loss.
        const loss = isLostNow ? { lost: reason } : {};
        ports.onChange({ share, from: before.state, to: condition.state, ...change, ...loss });
      }
    } finally {
      busy.delete(share);
      if ((dueMs.get(share) ?? 0) < plannedMs) wake?.();
    }
  };

  const isOver = () => signal.aborted;
  while (!isOver()) {
    const startedMs = clock.nowMs();
    try {
      // Timers fire on whole milliseconds, and shares that are due within a moment of one another are looked at together.
      const due = shares().filter((share) => !busy.has(share) && (dueMs.get(share) ?? 0) <= startedMs + gatherMs);
      const mounts = due.length > 0 ? ports.mounts() : [];
      const begun = new Map<Share, Promise<void>>();
      // All at once; only what lies below another share waits for what is seen of that one.
      for (const share of due) {
        dueMs.set(share, startedMs + settings.intervalMs);
        const above = share.parent === undefined ? undefined : begun.get(share.parent);
        const look = async () => {
          await above;
          if (!isOver() && !isBelowAway(share)) await probe(share, mounts);
        };
        begun.set(share, look().catch(ports.onFault));
      }
    } catch (error) {
      ports.onFault(error);
    }
    const waiting = shares().filter((share) => !busy.has(share));
    plannedMs = Math.min(...waiting.map((share) => dueMs.get(share) ?? 0), startedMs + settings.intervalMs);
    const pause = new AbortController();
    wake = () => pause.abort();
    try {
      const pauseMs = Math.max(gatherMs, plannedMs - clock.nowMs());
      await clock.sleep(pauseMs, AbortSignal.any([signal, pause.signal]));
    } catch {
      // Woken, or over.
    }
    wake = undefined;
  }
}

/** What a probe may take besides its pause and its look: to start a worker, to ask the server. */
const askingMs = 10_000;

/** Shortest pause between two rounds. */
const gatherMs = 50;

/** Errnos that say a mount does not answer; every other failure of a look is an answer (a refusal, an odd server). */
const noAnswer: ReadonlySet<string> = new Set(["EIO", "ENODEV", "EHOSTDOWN", "ETIMEDOUT", "ENOTCONN", "EAGAIN"]);

async function observe(
  { look, askServer, saysWritable }: WatchPorts,
  share: Share,
  mounts: readonly MountRecord[],
  timeoutMs: number,
  serverFirst: boolean,
): Promise<Observation> {
  const there = topMountOn(mounts, share.realTarget);
  if (there === undefined || isGuard(there)) return { mount: "missing", look: undefined, server: undefined };
  if (!isShareOf(there, share)) return { mount: "replaced", look: undefined, server: undefined };
  if (serverFirst) {
    const server = await askServer(share);
    if (server !== "answers") return { mount: "present", look: { kind: "no-answer" }, server };
  }
  const seen = await look(share, timeoutMs);
  if (seen.kind === "answers") {
    // What the client says of it may be minutes old, but not that the mount itself is read-only.
    const said = there.options.includes("ro") ? undefined : saysWritable(share);
    const isWritable = said ?? seen.isWritable;
    return { mount: "present", look: { ...seen, isWritable }, server: undefined };
  }
  if (seen.kind === "failed" && seen.errno !== "ESTALE" && !noAnswer.has(seen.errno)) {
    return { mount: "present", look: { kind: "answers", isWritable: undefined }, server: undefined };
  }
  const isStale = seen.kind === "failed" && seen.errno === "ESTALE";
  return {
    mount: "present",
    look: isStale ? { kind: "stale" } : { kind: "no-answer" },
    server: await askServer(share),
  };
}
