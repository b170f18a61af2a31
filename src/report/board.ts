// The board: what the stages say of the shares, kept as the status of the instance at this moment.
import type { ShareConfig, Share } from "../shares/share.ts";
import { labelOf } from "../kinds/kinds.ts";
import { reasonClass } from "../wait/reasons.ts";
import type { InstanceStatus, SharePhase, ShareStatus, StatusBoard } from "../watch/status.ts";

/** What does not change while the instance runs. */
export type InstanceFacts = Pick<InstanceStatus, "program" | "role" | "bootId" | "startedMs" | "staleAfterMs">;

/**
 * What became of a call: `change` where somebody who asks for the state of a share would be told something else than before,
 * `look` where only times and sizes are new.
 */
export type BoardNews = "change" | "look";

export interface Board extends StatusBoard {
  /** Has `tell` called after every call that brought news. */
  readonly subscribe: (tell: (news: BoardNews) => void) => void;
}

/** What a share is known by before the plan has resolved it; the same target is never configured twice. */
export type PlannedShare = Pick<ShareConfig, "kind" | "source" | "target" | "nofail">;

/** A board on which every configured share waits. `nowMs` is the boot-time clock. */
export function createBoard(nowMs: () => number, facts: InstanceFacts, planned: readonly PlannedShare[]): Board {
  const shares = new Map(planned.map((share) => [share.target, waitingShare(share, nowMs())]));
  const listeners: ((news: BoardNews) => void)[] = [];
  /** What a share is mounted as again where nobody says so anew. */
  const versions = new Map<string, string>();
  let restarts: Pick<InstanceStatus, "restarts" | "restartedMs"> = { restarts: 0, restartedMs: undefined };

  const tell = (news: BoardNews) => {
    for (const listener of listeners) listener(news);
  };
  const update = (share: Share, change: Partial<ShareStatus>) => {
    const before = shares.get(share.target) ?? waitingShare(share, nowMs());
    const after = { ...enter(before, change.phase ?? before.phase, nowMs()), realTarget: share.realTarget, ...change };
    shares.set(share.target, after);
    tell(saysTheSame(before, after) ? "look" : "change");
  };

  return {
    waiting: (share, reason) => {
      update(share, { phase: "waiting", version: undefined, isOurs: false, isLost: false, reason, space: undefined });
    },
    mounted: (share, { version, isOurs }) => {
      if (version !== undefined) versions.set(share.target, version);
      const known = isOurs ? (version ?? versions.get(share.target)) : version;
      const answered = { isLost: false, reason: undefined, answeredMs: nowMs() };
      update(share, { phase: "mounted", version: known, isOurs, ...answered });
    },
    looked: (share, { state, lost, probeMs, space }) => {
      const isAlive = state === "healthy" || state === "read-only";
      const answered = isAlive ? { answeredMs: nowMs(), ...(space === undefined ? {} : { space }) } : {};
      update(share, { phase: state, isLost: lost !== undefined, reason: lost, probeMs, ...answered });
    },
    remounted: (share) => {
      const remounts = (shares.get(share.target)?.remounts ?? 0) + 1;
      update(share, { phase: "mounted", isLost: false, reason: undefined, remounts, remountedMs: nowMs() });
    },
    restarted: () => {
      restarts = { restarts: restarts.restarts + 1, restartedMs: nowMs() };
      tell("change");
    },
    current: () => ({ ...facts, ...restarts, updatedMs: nowMs(), shares: [...shares.values()] }),
    subscribe: (listener) => {
      listeners.push(listener);
    },
  };
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
