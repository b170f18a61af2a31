// The board: what the stages say of the shares, kept as the status of the instance at this moment.
import type { ShareConfig, Share } from "../shares/share.ts";
import { labelOf } from "../kinds/kinds.ts";
import { reasonClass } from "../wait/reasons.ts";
import type { InstanceStatus, SharePhase, ShareStatus } from "../watch/status.ts";
import { sharesOf, waitingReason, type ShareEvent, type Tell } from "./events.ts";

/** What does not change while the instance runs. */
export type InstanceFacts = Pick<InstanceStatus, "program" | "role" | "bootId" | "startedMs" | "staleAfterMs">;

/**
 * What became of an event: `change` where somebody who asks for the state of a share would be told something else than before,
 * `look` where only times and sizes are new.
 */
export type BoardNews = "change" | "look";

export interface Board {
  /** Told of all that happens. */
  readonly tell: Tell;
  readonly current: () => InstanceStatus;
  /** Why what is to be mounted on a target is not, or is lost. */
  readonly reasonOf: (target: string) => string | undefined;
  /** What is not to be mounted any more is told of no more. */
  readonly forget: (target: string) => void;
  /** Has `tell` called after every event that brought news. */
  readonly subscribe: (tell: (news: BoardNews) => void) => void;
}

/** What a share is known by before the plan has resolved it; the same target is never configured twice. */
export type PlannedShare = Pick<ShareConfig, "kind" | "source" | "target" | "nofail">;

/** What a share is for others, and what it is mounted as again where nobody says so anew. */
export interface BoardEntry {
  readonly status: ShareStatus;
  readonly mountedAs: string | undefined;
}

/** A board on which every configured share waits. `nowMs` is the boot-time clock. */
export function createBoard(nowMs: () => number, facts: InstanceFacts, planned: readonly PlannedShare[]): Board {
  const entries = new Map(planned.map((share) => [share.target, waitingEntry(share, nowMs())]));
  const listeners: ((news: BoardNews) => void)[] = [];
  let restarts: Pick<InstanceStatus, "restarts" | "restartedMs"> = { restarts: 0, restartedMs: undefined };

  const publish = (news: BoardNews) => {
    for (const listener of listeners) listener(news);
  };
  return {
    tell: (event) => {
      if (event.kind === "restarted") {
        restarts = { restarts: restarts.restarts + 1, restartedMs: nowMs() };
        return publish("change");
      }
      for (const share of sharesOf(event)) {
        const before = entries.get(share.target) ?? waitingEntry(share, nowMs());
        const change = changeBy(event, before, nowMs());
        if (change === undefined) continue;
        const after = nextEntry(before, share, change, nowMs());
        entries.set(share.target, after);
        publish(saysTheSame(before.status, after.status) ? "look" : "change");
      }
    },
    current: () => ({
      ...facts,
      ...restarts,
      updatedMs: nowMs(),
      shares: [...entries.values()].map(({ status }) => status),
    }),
    reasonOf: (target) => entries.get(target)?.status.reason,
    forget: (target) => {
      if (entries.delete(target)) publish("change");
    },
    subscribe: (listener) => {
      listeners.push(listener);
    },
  };
}

/** What an event changes of the status of its share; undefined where others are told nothing of it. */
function changeBy(
  event: ShareEvent,
  { status, mountedAs }: BoardEntry,
  nowMs: number,
): Partial<ShareStatus> | undefined {
  switch (event.kind) {
    case "mounted":
    case "back": {
      const version = event.kind === "mounted" ? event.version : undefined;
      const known = event.isOurs ? (version ?? mountedAs) : version;
      const answered = { isLost: false, reason: undefined, answeredMs: nowMs };
      return { phase: "mounted", version: known, isOurs: event.isOurs, ...answered };
    }
    case "looked": {
      const { state, lost, probeMs, space } = event;
      const isAlive = state === "healthy" || state === "read-only";
      const answered = isAlive ? { answeredMs: nowMs, ...(space === undefined ? {} : { space }) } : {};
      return { phase: state, isLost: lost !== undefined, reason: lost, probeMs, ...answered };
    }
    case "remounted": {
      const remounts = status.remounts + 1;
      return { phase: "mounted", isLost: false, reason: undefined, remounts, remountedMs: nowMs };
    }
    default: {
      const reason = waitingReason(event);
      if (reason === undefined) return undefined;
      return { phase: "waiting", version: undefined, isOurs: false, isLost: false, reason, space: undefined };
    }
  }
}

/** The entry after a change: a pure function of what it was. */
function nextEntry(
  { status, mountedAs }: BoardEntry,
  { realTarget }: Share,
  change: Partial<ShareStatus>,
  nowMs: number,
): BoardEntry {
  const entered = enter(status, change.phase ?? status.phase, nowMs);
  return { status: { ...entered, realTarget, ...change }, mountedAs: change.version ?? mountedAs };
}

function waitingEntry(share: PlannedShare, nowMs: number): BoardEntry {
  return { status: waitingShare(share, nowMs), mountedAs: undefined };
}

function waitingShare(share: PlannedShare, nowMs: number): ShareStatus {
  const { target, nofail } = share;
  return {
    source: labelOf(share),
    target,
    realTarget: target,
    phase: "waiting",
    sinceMs: nowMs,
    version: undefined,
    isOurs: false,
    nofail,
    reason: undefined,
    isLost: false,
    answeredMs: undefined,
    probeMs: undefined,
    space: undefined,
    remounts: 0,
    remountedMs: undefined,
    awayMs: 0,
  };
}

/** Whether a share is mounted, answers, and can be written to if it could at first. */
export function isReady({ phase }: Pick<ShareStatus, "phase">): boolean {
  return phase === "mounted" || phase === "healthy";
}

/** How long a share was not ready since it was first mounted, at the moment `nowMs`. */
export function notReadyMs(share: ShareStatus, nowMs: number): number {
  return share.awayMs + currentAwayMs(share, nowMs);
}

/** Of that, what belongs to the phase it is in; the time before its first mount is no absence. */
function currentAwayMs(share: ShareStatus, nowMs: number): number {
  const wasMounted = share.answeredMs !== undefined;
  return wasMounted && !isReady(share) ? Math.max(0, nowMs - share.sinceMs) : 0;
}

function enter(before: ShareStatus, phase: SharePhase, nowMs: number): ShareStatus {
  if (before.phase === phase) return before;
  return { ...before, phase, sinceMs: nowMs, awayMs: notReadyMs(before, nowMs) };
}

const told = ["phase", "isLost", "version", "isOurs", "remounts", "realTarget"] as const;

function saysTheSame(before: ShareStatus, after: ShareStatus): boolean {
  // An address that is another one each time is nothing to tell at once.
  const isSameReason = reasonClass(before.reason ?? "") === reasonClass(after.reason ?? "");
  return isSameReason && told.every((key) => before[key] === after[key]);
}
