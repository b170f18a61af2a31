// The state of a mounted share: a pure function of what it was and what was just seen.
import type { Space } from "../mount/ports.ts";

export type ShareState =
  | "healthy"
  /** No longer writable though it was; it is alive. */
  | "read-only"
  /** The server answers, the mount does not. */
  | "unresponsive"
  /** The server does not answer. */
  | "server-gone"
  /** The handle of the mount point is dead although the server answers. */
  | "stale"
  /** mountinfo no longer has it. */
  | "missing"
  /** Something else is on the target. */
  | "replaced";

/** What one probe of a share saw. */
export interface Observation {
  /** What mountinfo has on the target. */
  readonly mount: "present" | "missing" | "replaced";
  /** What statfs and readdir of the mount point said; undefined where the mount is not present. */
  readonly look:
    | {
        readonly kind: "answers";
        /** Undefined where the answer tells nothing of that. */
        readonly isWritable: boolean | undefined;
        readonly space?: Space;
      }
    | { readonly kind: "stale" }
    | { readonly kind: "no-answer" }
    | undefined;
  /**
   * What the server said to RPC NULL; asked only where the look did not answer. `moved`: the server of the mount is silent,
   * and its name now leads to another address that answers.
   */
  readonly server: "answers" | "silent" | "moved" | undefined;
}

/** How long and how often something must be seen before the share counts as lost. */
export interface WatchBudgets {
  /** Consecutive failures that make a share stale, missing or replaced. */
  readonly threshold: number;
  /** 0 is never. */
  readonly unresponsiveAfterMs: number;
  /** 0 is never. */
  readonly serverGoneAfterMs: number;
  /** Longest time between two judgements while the machine is awake and able to look: what is more was not spent waiting. */
  readonly longestGapMs: number;
}

/** How long a share has not answered: with a server that does, and with one that does not. */
type SilentMs = Readonly<Record<"unresponsive" | "server-gone", number>>;
const notSilent: SilentMs = { unresponsive: 0, "server-gone": 0 };

/** What is remembered of a share between two probes. */
export interface Condition {
  readonly state: ShareState;
  /** When this state began. */
  readonly sinceMs: number;
  /** When the share was last seen to answer. */
  readonly answeredMs: number;
  /** Since it last answered; a share that goes from one to the other and back starts neither anew. */
  readonly silentMs: SilentMs;
  /** Up to when that is counted. */
  readonly countedMs: number;
  /** A failure that may become a state, and how many times in a row it was seen. */
  readonly suspicion: { readonly state: "stale" | "missing" | "replaced"; readonly count: number } | undefined;
  /** Whether it was writable once. */
  readonly wasWritable: boolean;
}

export interface Judgement {
  readonly condition: Condition;
  /** Why the share is lost: a clause. Undefined while it is not. */
  readonly lost?: string;
  /** Set when the share answers again: how long it did not. */
  readonly awayMs?: number;
}

/** The condition of a share that was just mounted. */
export function mountedCondition(nowMs: number, wasWritable: boolean): Condition {
  const times = { sinceMs: nowMs, answeredMs: nowMs, silentMs: notSilent, countedMs: nowMs };
  return { state: "healthy", ...times, suspicion: undefined, wasWritable };
}

/** A condition that is to be carried on for a fresh mount: what was seen of the one before counts for nothing. */
export function remountedCondition(before: Condition, nowMs: number): Condition {
  return { ...before, suspicion: undefined, silentMs: notSilent, countedMs: nowMs };
}

/** A condition of which nothing can be said at this moment: its clocks stand. */
export function heldCondition(before: Condition, nowMs: number): Condition {
  return { ...before, suspicion: undefined, countedMs: nowMs };
}

export function judge(before: Condition, seen: Observation, budgets: WatchBudgets, nowMs: number): Judgement {
  if (seen.mount !== "present") return suspect(before, seen.mount, budgets, nowMs);
  switch (seen.look?.kind) {
    case "answers":
      return answered(before, seen.look.isWritable, nowMs);
    case "stale":
      // A soft mount says ESTALE too while its server is away.
      return seen.server === "answers"
        ? suspect(counting(before, "unresponsive", budgets, nowMs), "stale", budgets, nowMs)
        : unanswered(before, seen, budgets, nowMs);
    case "no-answer":
    case undefined:
      return unanswered(before, seen, budgets, nowMs);
  }
}

function answered(before: Condition, seen: boolean | undefined, nowMs: number): Judgement {
  const isWritable = seen ?? before.state !== "read-only";
  const state = before.wasWritable && !isWritable ? "read-only" : "healthy";
  const wasWritable = before.wasWritable || seen === true;
  const times = { answeredMs: nowMs, silentMs: notSilent, countedMs: nowMs };
  const condition = { ...enter(before, state, nowMs), ...times, suspicion: undefined, wasWritable };
  const wasAway = before.state !== "healthy" && before.state !== "read-only";
  return wasAway ? { condition, awayMs: nowMs - before.answeredMs } : { condition };
}

const lostWords = {
  stale: "its handle is stale: the server no longer knows what was mounted",
  missing: "it is no longer mounted",
  replaced: "something else is mounted on its mount point",
} as const;

function suspect(
  before: Condition,
  what: keyof typeof lostWords,
  { threshold }: WatchBudgets,
  nowMs: number,
): Judgement {
  const count = (before.suspicion?.state === what ? before.suspicion.count : 0) + 1;
  const condition = { ...before, suspicion: { state: what, count } };
  if (count < threshold) return { condition };
  return { condition: enter(condition, what, nowMs), lost: lostWords[what] };
}

function unanswered(before: Condition, seen: Observation, budgets: WatchBudgets, nowMs: number): Judgement {
  const state = seen.server === "answers" ? "unresponsive" : "server-gone";
  const condition = { ...counting(enter(before, state, nowMs), state, budgets, nowMs), suspicion: undefined };
  if (seen.server === "moved") {
    return { condition, lost: "its server is gone, and the server's name leads to another address now" };
  }
  if (!isOverBudget(condition.silentMs, state, budgets)) return { condition };
  const { unresponsive, "server-gone": gone } = condition.silentMs;
  const lasted = `has not answered for ${seconds(unresponsive + gone)}`;
  if (state === "unresponsive") return { condition, lost: `it ${lasted} although its server does` };
  if (unresponsive === 0) return { condition, lost: `its server ${lasted}` };
  return { condition, lost: `its server has not answered for ${seconds(gone)}, and it ${lasted}` };
}

/**
 * Each budget is for its own kind of silence: a server that comes back after longer than NFS_UNRESPONSIVE_AFTER leaves the mount
 * its time to go on. Where both are limited, the longer one limits all of it.
 */
function isOverBudget(
  { unresponsive, "server-gone": gone }: SilentMs,
  state: keyof SilentMs,
  { unresponsiveAfterMs, serverGoneAfterMs }: WatchBudgets,
): boolean {
  const [budgetMs, lastedMs] =
    state === "unresponsive" ? [unresponsiveAfterMs, unresponsive] : [serverGoneAfterMs, gone];
  if (budgetMs === 0) return false;
  const areBothLimited = unresponsiveAfterMs > 0 && serverGoneAfterMs > 0;
  const isAllUsed = areBothLimited && unresponsive + gone >= Math.max(unresponsiveAfterMs, serverGoneAfterMs);
  return isAllUsed || lastedMs >= budgetMs;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}

/** Adds the time since the last judgement to what the share was silent. */
function counting(before: Condition, as: keyof SilentMs, { longestGapMs }: WatchBudgets, nowMs: number): Condition {
  const ms = Math.max(0, Math.min(nowMs - before.countedMs, longestGapMs));
  return { ...before, silentMs: { ...before.silentMs, [as]: before.silentMs[as] + ms }, countedMs: nowMs };
}

function enter(before: Condition, state: ShareState, nowMs: number): Condition {
  return before.state === state ? before : { ...before, state, sinceMs: nowMs };
}
