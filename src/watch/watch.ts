// Watches shares while COMMAND runs: looks at each once an interval, never waits for one that hangs, and tells what changed.
import { topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import { isShareOf, kindOf } from "../kinds/kinds.ts";
import type { Share } from "../shares/share.ts";
import { isGuard } from "../mount/guard.ts";
import { anyOf } from "../abort.ts";
import type { Clock } from "../clock.ts";
import type { Look, Space } from "../mount/ports.ts";
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
  readonly tell: (event: WatchEvent) => void;
  /** A round that could not be finished; the watch goes on with the next. */
  readonly onFault: (error: unknown) => void;
}

/** A look at a share that is over: its state then, and the reason where it is lost. */
export interface LookedEvent {
  readonly kind: "looked";
  readonly share: Share;
  readonly state: ShareState;
  readonly lost: string | undefined;
  readonly probeMs: number;
  readonly space: Space | undefined;
}

/** A file could not be written to it for want of room: the errno that says so. */
export interface FullEvent {
  readonly kind: "full";
  readonly share: Share;
  readonly errno: string;
}

/** What is seen of a share that is watched. */
export type WatchEvent = ShareChange | LookedEvent | FullEvent;

/** A state that began, with the one it replaces. */
export interface ShareChange {
  readonly kind: "changed";
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

/** What is remembered of a share that is watched. */
interface Watched {
  readonly condition: Condition;
  /** Of the mount that `condition` is about. */
  readonly generation: number | undefined;
  /** Of the mount that was lost, while it is. */
  readonly lostGeneration: number | undefined;
  /** When it is to be looked at next. */
  readonly dueMs: number;
  /** When the share itself, and not its server alone, was last looked at. */
  readonly lookedMs: number | undefined;
  readonly isBusy: boolean;
}

/** The watch as it goes on: what is known of each share, and the pause between two rounds. */
interface Watch {
  readonly ports: WatchPorts;
  readonly shares: () => readonly Share[];
  readonly settings: WatchSettings;
  readonly signal: AbortSignal;
  readonly known: Map<Share, Watched>;
  /** Cuts the pause short when a look ends after which its share is due earlier than the pause would end. */
  wake: (() => void) | undefined;
  plannedMs: number;
}

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
  const watch: Watch = { ports, shares, settings, signal, known: new Map(), wake: undefined, plannedMs: 0 };
  const { clock } = ports;
  const isOver = () => signal.aborted;
  while (!isOver()) {
    const startedMs = clock.nowMs();
    try {
      beginRound(watch, startedMs);
    } catch (error) {
      ports.onFault(error);
    }
    const waiting = shares().map((share) => watchedOf(watch, share));
    const dueMs = waiting.filter(({ isBusy }) => !isBusy).map((one) => one.dueMs);
    watch.plannedMs = Math.min(...dueMs, startedMs + settings.intervalMs);
    const pause = new AbortController();
    watch.wake = () => pause.abort();
    try {
      const pauseMs = Math.max(gatherMs, watch.plannedMs - clock.nowMs());
      await clock.sleep(pauseMs, anyOf(signal, pause.signal));
    } catch {
      // Woken, or over.
    }
    watch.wake = undefined;
  }
}

/** Has every share looked at that is due: all at once, and only what lies below another waits for what is seen of that one. */
function beginRound(watch: Watch, startedMs: number): void {
  const { ports, shares, settings } = watch;
  // Timers fire on whole milliseconds, and shares that are due within a moment of one another are looked at together.
  const isDue = ({ isBusy, dueMs }: Watched) => !isBusy && dueMs <= startedMs + gatherMs;
  const due = shares().filter((share) => isDue(watchedOf(watch, share)));
  const mounts = due.length > 0 ? ports.mounts() : [];
  const begun = new Map<Share, Promise<void>>();
  for (const share of due) {
    note(watch, share, { dueMs: startedMs + settings.intervalMs });
    const above = share.parent === undefined ? undefined : begun.get(share.parent);
    begun.set(share, probe(watch, share, mounts, above));
  }
}

/** Looks at a share once what is seen of the one above it is known; hundreds may wait side by side, and each holds little. */
async function probe(
  watch: Watch,
  share: Share,
  mounts: readonly MountRecord[],
  above: Promise<void> | undefined,
): Promise<void> {
  try {
    await above;
    if (!watch.signal.aborted && !isBelowAway(watch, share)) await probeNow(watch, share, mounts);
  } catch (error) {
    watch.ports.onFault(error);
  }
}

async function probeNow(watch: Watch, share: Share, mounts: readonly MountRecord[]): Promise<void> {
  const { ports, settings } = watch;
  const startedMs = ports.clock.nowMs();
  note(watch, share, { isBusy: true });
  try {
    const { condition, lookedMs = startedMs } = watchedOf(watch, share);
    const isBlind = startedMs - lookedMs < blindIntervals * settings.intervalMs;
    const serverFirst = condition.state === "server-gone" && isBlind;
    if (!serverFirst) note(watch, share, { lookedMs: startedMs });
    const seen = await observe(ports, share, mounts, settings.timeoutMs, serverFirst);
    if (watch.signal.aborted || isBelowAway(watch, share) || !watch.shares().includes(share)) return;
    conclude(watch, share, seen, startedMs);
  } finally {
    note(watch, share, { isBusy: false });
    if (watchedOf(watch, share).dueMs < watch.plannedMs) watch.wake?.();
  }
}

/** Judges what was seen of a share, and tells it. */
function conclude(watch: Watch, share: Share, seen: Observation, startedMs: number): void {
  const { ports, settings } = watch;
  const nowMs = ports.clock.nowMs();
  const known = watch.known.get(share);
  const generation = ports.generation(share);
  const isSameMount = known?.generation === generation;
  const condition = known?.generation === undefined ? mountedCondition(startedMs, false) : known.condition;
  const before = isSameMount ? condition : remountedCondition(condition, startedMs);
  const longestGapMs = settings.intervalMs + settings.timeoutMs + askingMs;
  const { condition: after, lost: reason, ...change } = judge(before, seen, { ...settings, longestGapMs }, nowMs);
  const isLostNow = reason !== undefined && known?.lostGeneration !== generation;
  note(watch, share, {
    condition: after,
    generation,
    lostGeneration: reason === undefined ? undefined : generation,
    dueMs: (after.state === "healthy" ? startedMs : nowMs) + pauseAfter(after, watch, nowMs),
  });
  const space = seen.look?.kind === "answers" ? seen.look.space : undefined;
  ports.tell({ kind: "looked", share, state: after.state, lost: reason, probeMs: nowMs - startedMs, space });
  if (after.state === before.state && !isLostNow) return;
  // Once lost it goes on changing its state; that is no further loss.
  const loss = isLostNow ? { lost: reason } : {};
  ports.tell({ kind: "changed", share, from: before.state, to: after.state, ...change, ...loss });
}

function pauseAfter({ state, suspicion, sinceMs }: Condition, { ports, settings }: Watch, nowMs: number): number {
  const { intervalMs } = settings;
  if (suspicion !== undefined) return Math.min(suspiciousMs, intervalMs);
  if (state !== "server-gone") return intervalMs;
  return Math.min(probePauseMs(nowMs - sinceMs, ports.clock.random()), intervalMs);
}

/** Whether the way to a share leads over one that is not healthy: then nothing can be said of it, and its clock stands. */
function isBelowAway(watch: Watch, share: Share): boolean {
  for (let above = share.parent; above !== undefined; above = above.parent) {
    const state = watch.known.get(above)?.condition.state ?? "healthy";
    if (state === "healthy" || state === "read-only") continue;
    const own = watch.known.get(share);
    if (own !== undefined) note(watch, share, { condition: heldCondition(own.condition, watch.ports.clock.nowMs()) });
    return true;
  }
  return false;
}

const unseen = { generation: undefined, lostGeneration: undefined, dueMs: 0, lookedMs: undefined, isBusy: false };

function watchedOf(watch: Watch, share: Share): Watched {
  return watch.known.get(share) ?? { condition: mountedCondition(watch.ports.clock.nowMs(), false), ...unseen };
}

function note(watch: Watch, share: Share, change: Partial<Watched>): void {
  watch.known.set(share, { ...watchedOf(watch, share), ...change });
}

/** What a probe may take besides its pause and its look: to start a worker, to ask the server. */
const askingMs = 10_000;

/** Shortest pause between two rounds. */
const gatherMs = 50;

/** Errnos that say a mount does not answer; every other failure of a look is an answer (a refusal, an odd server). */
const noAnswer: ReadonlySet<string> = new Set(["EIO", "ENODEV", "EHOSTDOWN", "ETIMEDOUT", "ENOTCONN", "EAGAIN"]);

function isSilence(share: Share, errno: string): boolean {
  return noAnswer.has(errno) || kindOf(share).mounts.silence.includes(errno);
}

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
  if (seen.kind === "failed" && seen.errno !== "ESTALE" && !isSilence(share, seen.errno)) {
    return { mount: "present", look: { kind: "answers", isWritable: undefined }, server: undefined };
  }
  const isStale = seen.kind === "failed" && seen.errno === "ESTALE";
  return {
    mount: "present",
    look: isStale ? { kind: "stale" } : { kind: "no-answer" },
    server: await askServer(share),
  };
}
