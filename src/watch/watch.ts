// Watches shares while COMMAND runs: looks at each once an interval, never waits for one that hangs, and tells what changed.
import { topMountOn, type MountRecord } from "../fstab/mountinfo.ts";
import { isShareOf, type Share } from "../fstab/plan.ts";
import { isGuard } from "../mount/guard.ts";
import type { Clock, Look } from "../mount/ports.ts";
import {
  judge,
  mountedCondition,
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
  /** Asks the server of a mount that does not answer. */
  readonly askServer: (share: Share) => Promise<"answers" | "silent" | "moved">;
  readonly onChange: (change: ShareChange) => void;
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

export interface WatchSettings extends WatchBudgets {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/**
 * Once a server is known to be gone it is asked before its share is looked at: each look would cost a process that has to be
 * killed. Every so many rounds the share is looked at all the same: a server may serve and yet not answer our question.
 */
const blindRounds = 6;

/** A look that takes longer makes way for the next share, and goes on by itself. */
const patienceMs = 200;

/**
 * Watches shares, as they are at the beginning of each round, until `signal` aborts. Each share is looked at once an interval; a look that blocks holds up
 * neither the others nor the next round, in which its share is passed over until the look has ended.
 */
export async function watchShares(
  ports: WatchPorts,
  shares: () => readonly Share[],
  settings: WatchSettings,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = ports;
  const conditions = new Map<Share, Condition>();
  const busy = new Set<Share>();
  const lost = new Set<Share>();
  const goneRounds = new Map<Share, number>();

  /** Whether the way to a share leads over one that is not healthy: then nothing can be said of it, and its clock stands. */
  const isBelowAway = (share: Share): boolean => {
    for (let above = share.parent; above !== undefined; above = above.parent) {
      const state = conditions.get(above)?.state ?? "healthy";
      if (state === "healthy" || state === "read-only") continue;
      const own = conditions.get(share);
      if (own !== undefined) conditions.set(share, { ...own, sinceMs: clock.nowMs(), suspicion: undefined });
      return true;
    }
    return false;
  };

  const probe = async (share: Share, mounts: readonly MountRecord[]): Promise<void> => {
    busy.add(share);
    try {
      const isGone = conditions.get(share)?.state === "server-gone";
      const round = isGone ? (goneRounds.get(share) ?? 0) + 1 : 0;
      goneRounds.set(share, round);
      const seen = await observe(ports, share, mounts, settings.timeoutMs, isGone && round % blindRounds !== 0);
      if (signal.aborted || isBelowAway(share)) return;
      // Whether it was writable when it was mounted is known from the first look that answers.
      const wasWritable = seen.look?.kind !== "answers" || seen.look.isWritable;
      const before = conditions.get(share) ?? mountedCondition(clock.nowMs(), wasWritable);
      const { condition, ...change } = judge(before, seen, settings, clock.nowMs());
      conditions.set(share, condition);
      const isLostNow = change.lost !== undefined && !lost.has(share);
      if (change.lost === undefined) lost.delete(share);
      else lost.add(share);
      if (condition.state !== before.state || isLostNow) {
        ports.onChange({ share, from: before.state, to: condition.state, ...change });
      }
    } finally {
      busy.delete(share);
    }
  };

  const isOver = () => signal.aborted;
  while (!isOver()) {
    const startedMs = clock.nowMs();
    try {
      const mounts = ports.mounts();
      for (const share of shares()) {
        if (isOver()) return;
        if (busy.has(share) || isBelowAway(share)) continue;
        const looking = probe(share, mounts).catch(ports.onFault);
        await Promise.race([looking, clock.sleep(patienceMs)]);
      }
    } catch (error) {
      ports.onFault(error);
    }
    try {
      await clock.sleep(Math.max(0, settings.intervalMs - (clock.nowMs() - startedMs)), signal);
    } catch {
      return;
    }
  }
}

/** Errnos that say a mount does not answer; every other failure of a look is an answer (a refusal, an odd server). */
const noAnswer: ReadonlySet<string> = new Set(["EIO", "ENODEV", "EHOSTDOWN", "ETIMEDOUT", "ENOTCONN", "EAGAIN"]);

async function observe(
  { look, askServer }: WatchPorts,
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
  if (seen.kind === "answers") return { mount: "present", look: seen, server: undefined };
  if (seen.kind === "failed" && seen.errno !== "ESTALE" && !noAnswer.has(seen.errno)) {
    return { mount: "present", look: { kind: "answers", isWritable: true }, server: undefined };
  }
  const isStale = seen.kind === "failed" && seen.errno === "ESTALE";
  return {
    mount: "present",
    look: isStale ? { kind: "stale" } : { kind: "no-answer" },
    server: await askServer(share),
  };
}
