// The state of a mounted share: a pure function of what it was and what was just seen.
import type { Space } from "../mount/ports.ts";

export type ShareState =
  | "healthy"
  /** No longer writable though it was when it was mounted; it is alive. */
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
    | { readonly kind: "answers"; readonly isWritable: boolean; readonly space?: Space }
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
}

/** What is remembered of a share between two probes. */
export interface Condition {
  readonly state: ShareState;
  /** When this state began. */
  readonly sinceMs: number;
  /** When the share was last seen to answer. */
  readonly answeredMs: number;
  /** A failure that may become a state, and how many times in a row it was seen. */
  readonly suspicion: { readonly state: "stale" | "missing" | "replaced"; readonly count: number } | undefined;
  /** Whether it was writable when it was mounted. */
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
  return { state: "healthy", sinceMs: nowMs, answeredMs: nowMs, suspicion: undefined, wasWritable };
}

export function judge(before: Condition, seen: Observation, budgets: WatchBudgets, nowMs: number): Judgement {
  if (seen.mount !== "present") return suspect(before, seen.mount, budgets, nowMs);
  switch (seen.look?.kind) {
    case "answers":
      return answered(before, before.wasWritable && !seen.look.isWritable ? "read-only" : "healthy", nowMs);
    case "stale":
      // A soft mount says ESTALE too while its server is away.
      return seen.server === "answers"
        ? suspect(before, "stale", budgets, nowMs)
        : unanswered(before, seen, budgets, nowMs);
    case "no-answer":
    case undefined:
      return unanswered(before, seen, budgets, nowMs);
  }
}

function answered(before: Condition, state: "healthy" | "read-only", nowMs: number): Judgement {
  const condition = { ...enter(before, state, nowMs), answeredMs: nowMs, suspicion: undefined };
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
  const condition = { ...enter(before, state, nowMs), suspicion: undefined };
  if (seen.server === "moved") {
    return { condition, lost: "its server is gone, and the server's name leads to another address now" };
  }
  const budgetMs = state === "unresponsive" ? budgets.unresponsiveAfterMs : budgets.serverGoneAfterMs;
  const lastedMs = nowMs - condition.sinceMs;
  if (budgetMs === 0 || lastedMs < budgetMs) return { condition };
  const seconds = Math.round(lastedMs / 1_000);
  return {
    condition,
    lost:
      state === "unresponsive"
        ? `it has not answered for ${seconds} s although its server does`
        : `its server has not answered for ${seconds} s`,
  };
}

function enter(before: Condition, state: ShareState, nowMs: number): Condition {
  return before.state === state ? before : { ...before, state, sinceMs: nowMs };
}
