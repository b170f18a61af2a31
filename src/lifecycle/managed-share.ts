// What is kept of each share while an instance looks after it: one record a share, in one table.
import { anyOf } from "../abort.ts";
import type { TargetLock } from "../mount/ports.ts";
import { waitingReason, type ShareEvent } from "../report/events.ts";
import type { Share } from "../shares/share.ts";

/** A share, and where this instance stands with it. */
export interface ManagedShare {
  readonly share: Share;
  /** `given-up`: COMMAND starts without it, and it is not waited for. */
  phase: "waiting" | "mounted" | "given-up";
  /** Why it is not mounted, as far as is known. */
  reason: string | undefined;
  /** How often it was mounted, or taken for healed. */
  generation: number;
  /** Whether this instance takes it down: it mounted it, or a call that may have mounted it is on its way. */
  isOurs: boolean;
  /** Whether a mount call of this instance made what is there. */
  isMade: boolean;
  /** A call was killed: what it asked for may still come about. */
  isCutShort: boolean;
  /** Whether its taking down is on the undo stack. */
  isUndoable: boolean;
  /** Where its guard cannot be put that is said once, and not tried again. */
  guard: "none" | "put" | "failed";
  /** Where it was last put together out of sight; see aside.ts. */
  asidePath: string | undefined;
  lock: TargetLock | undefined;
  /** Gives what lets go of a mount that is held busy; see holding.ts. */
  held: Promise<() => Promise<void>> | undefined;
  /** Settles when a change of its mount that goes on is over. */
  changing: Promise<void> | undefined;
  /** What goes on with it. */
  doing: AbortController | undefined;
}

export interface ManagedShares {
  /** Parents first. */
  readonly all: readonly ManagedShare[];
  readonly of: (share: Share) => ManagedShare;
  readonly mounted: () => readonly Share[];
  /** Those that are waited for. */
  readonly waiting: () => readonly Share[];
}

/** The table of the shares of a plan, of which none is mounted. */
export function manageShares(shares: readonly Share[]): ManagedShares {
  const table = new Map(shares.map((share) => [share, unmounted(share)]));
  const inPhase = (phase: ManagedShare["phase"]) =>
    [...table.values()].filter((managed) => managed.phase === phase).map(({ share }) => share);
  return {
    all: [...table.values()],
    of: (share) => {
      const managed = table.get(share);
      if (managed === undefined) throw new Error(`${share.target} is not in the plan`);
      return managed;
    },
    mounted: () => inPhase("mounted"),
    waiting: () => inPhase("waiting"),
  };
}

function unmounted(share: Share): ManagedShare {
  return {
    share,
    phase: "waiting",
    reason: undefined,
    generation: 0,
    isOurs: false,
    isMade: false,
    isCutShort: false,
    isUndoable: false,
    guard: "none",
    asidePath: undefined,
    lock: undefined,
    held: undefined,
    changing: undefined,
    doing: undefined,
  };
}

/** Enters in the record of a share what happened to it. */
export function enterEvent(managed: ManagedShare, event: ShareEvent): void {
  managed.reason = waitingReason(event) ?? managed.reason;
  switch (event.kind) {
    case "mounted":
    case "back":
      managed.phase = "mounted";
      managed.generation += 1;
      return;
    case "away":
      managed.phase = "waiting";
      return;
    case "given-up":
      managed.phase = "given-up";
      return;
    default:
  }
}

/** The reason of what was ended because somebody else looks after the share from now on. */
export class Overtaken extends Error {
  override readonly name = "Overtaken";

  constructor() {
    super("somebody else looks after it from now on");
  }
}

/** Ends what goes on with a share, and gives the signal that will end what begins; `whole` ends everything. */
export function beginDoing(managed: ManagedShare, whole: AbortSignal): AbortSignal {
  endDoing(managed);
  managed.doing = new AbortController();
  return anyOf(whole, managed.doing.signal);
}

export function endDoing({ doing }: ManagedShare): void {
  doing?.abort(new Overtaken());
}

/** Whether a share is `top`, or lies on it. */
export function isAtOrBelow(share: Share, top: Share): boolean {
  for (let one: Share | undefined = share; one !== undefined; one = one.parent) if (one === top) return true;
  return false;
}
