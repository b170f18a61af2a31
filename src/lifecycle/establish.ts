// Gets every share of a plan mounted: side by side, parents first, again and again until they are or cannot be.
import { inNamesOf } from "../config/share-names.ts";
import type { MountPlan } from "../plan/plan.ts";
import type { Share } from "../shares/share.ts";
import type { MountFailure } from "../kinds/failure.ts";
import { CannotMount } from "./cannot-mount.ts";
import type { Entry } from "./server-gates.ts";
import type { Settings } from "../config/config.ts";
import { AppError, errnoOf, messageOf } from "../errors.ts";
import { attemptShare } from "../mount/attempt.ts";
import type { AttemptPorts, AttemptResult } from "../mount/attempt-ports.ts";
import type { Tell } from "../report/events.ts";
import { again, done, untilDone } from "../wait/again.ts";
import { backoffPauseMs } from "../wait/pace.ts";

/** How long an answer that looks like a missing version or module is taken for one that may still change. */
const unsupportedForMs = 60_000;

export interface EstablishPorts extends Omit<AttemptPorts, "tell"> {
  /** Called for each share before it is tried: ends what else goes on with it, and gives the signal that will end this. */
  readonly begin: (share: Share) => AbortSignal;
  /** Waits for the way in to the server of a share, until the signal aborts. */
  readonly gate: (share: Share, signal: AbortSignal) => Promise<Entry>;
  readonly tell: Tell;
}

export interface Establishing {
  /**
   * Settles when every share is mounted that COMMAND may not start without, and every `nofail` share was tried once; those
   * that are not there then go on being tried. Rejects with an AppError for a share that cannot be mounted, or with the
   * signal's reason.
   */
  readonly ready: Promise<void>;
  /** Waits for `nofail` shares no longer: `ready` settles with the others. */
  readonly startWithout: () => void;
  /** Settles when nothing is going on any more. */
  readonly settled: Promise<void>;
}

/** The mounting of one share. There may be hundreds that wait for their turn: what each holds meanwhile is kept small. */
interface Establishment {
  readonly share: Share;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Those that lie on it. */
  readonly below: Establishment[];
  isTried: boolean;
  hasArrived: boolean;
}

/** What kept a share from being mounted; undefined where it is. */
type Failed = { readonly error: unknown } | undefined;

export function establishShares(
  ports: EstablishPorts,
  plan: MountPlan,
  settings: Settings,
  isOptional: (share: Share) => boolean = ({ nofail }) => nofail,
): Establishing {
  // Asked of each share before anything is done: to be mounted changes the answer of a remount.
  const required = new Set(plan.shares.filter((share) => !isOptional(share)));
  const there = countdown(required.size);
  const optionalTried = countdown(plan.shares.filter(({ nofail }) => nofail).length);
  const settled = countdown(plan.shares.length);
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  const { promise: isEnough, resolve: startWithout } = Promise.withResolvers<void>();
  const outcome: Outcome = {
    onTried: ({ nofail }) => {
      if (nofail) optionalTried.count();
    },
    onMounted: (share) => {
      if (required.has(share)) there.count();
    },
    onFailed: (share, error) => {
      if (required.has(share)) fail(error);
      else if (error instanceof AppError) ports.tell({ kind: "given-up", share, reason: error.message });
    },
    onOver: settled.count,
  };
  const begun = new Map<Share, { readonly one: Establishment; readonly over: Promise<Failed> }>();
  for (const share of plan.shares) {
    const one: Establishment = { share, signal: ports.begin(share), below: [], isTried: false, hasArrived: false };
    // A parent that is not in the plan is mounted already.
    const above = share.parent === undefined ? undefined : begun.get(share.parent);
    above?.one.below.push(one);
    begun.set(share, { one, over: bringUp(ports, settings, one, above?.over, outcome) });
  }
  const canStart = Promise.all([there.over, Promise.race([optionalTried.over, isEnough])]);
  return { ready: Promise.race([canStart, failed]).then(() => {}), startWithout, settled: settled.over };
}

/** Told of each share. */
interface Outcome {
  /** Once for each: it was tried, by itself or with the share above it. */
  readonly onTried: (share: Share) => void;
  readonly onMounted: (share: Share) => void;
  readonly onFailed: (share: Share, error: unknown) => void;
  readonly onOver: () => void;
}

/** Settles once `count` was called so many times: one promise for all shares, in place of one for each. */
function countdown(from: number): { readonly over: Promise<void>; readonly count: () => void } {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let left = from;
  if (left === 0) resolve();
  const count = () => {
    left -= 1;
    if (left === 0) resolve();
  };
  return { over, count };
}

/** Mounts one share, once the one above it is there. */
async function bringUp(
  ports: EstablishPorts,
  settings: Settings,
  one: Establishment,
  above: Promise<Failed> | undefined,
  outcome: Outcome,
): Promise<Failed> {
  const { share, signal } = one;
  try {
    const failed = await above;
    if (failed !== undefined) throw failed.error;
    const entry = await ports.gate(share, signal);
    await establishShare(ports, share, settings, signal, () => markTried(one, outcome), entry).finally(entry.leave);
    one.hasArrived = true;
    outcome.onMounted(share);
    return undefined;
  } catch (error) {
    outcome.onFailed(share, error);
    return { error };
  } finally {
    markTried(one, outcome);
    outcome.onOver();
  }
}

function markTried(one: Establishment, outcome: Outcome): void {
  if (one.isTried) return;
  one.isTried = true;
  outcome.onTried(one.share);
  // A share below another is not tried before that one is there: until then it has had its try with it.
  if (!one.hasArrived) for (const child of one.below) markTried(child, outcome);
}

function establishShare(
  ports: EstablishPorts,
  share: Share,
  settings: Settings,
  signal: AbortSignal,
  tried: () => void,
  { open, leave }: Entry,
): Promise<void> {
  const { nowMs, random } = ports.clock;
  const { attemptTimeoutMs, retryMinMs: minMs, retryMaxMs: maxMs } = settings;
  const startedMs = nowMs();
  let unsupportedSinceMs: number | undefined;
  const notYet = () => {
    tried();
    open();
  };

  const attempt = async (number: number) => {
    const result = await attemptShare(ports, share, attemptTimeoutMs, signal, notYet).catch(unlessFault);
    if (result.kind === "mounted") {
      const { version, isOurs } = result;
      ports.tell({ kind: "mounted", share, version, isOurs, attempts: number, elapsedMs: nowMs() - startedMs });
      return done(undefined);
    }
    tried();
    leave();
    const failure = withNamesOf(share, result.failure);
    unsupportedSinceMs = failure.prospect === "unsupported" ? (unsupportedSinceMs ?? nowMs()) : undefined;
    const isTooLong = unsupportedSinceMs !== undefined && nowMs() - unsupportedSinceMs >= unsupportedForMs;
    if (failure.prospect === "permanent" || isTooLong) throw new CannotMount(share, failure);
    ports.tell({ kind: "attempt-failed", share, failure, attempt: number });
    return again;
  };
  const pauseMs = (failures: number) => backoffPauseMs(failures, { minMs, maxMs }, random());
  return untilDone(ports.clock, attempt, pauseMs, signal);
}

/** What the system says to an attempt may be otherwise the next time; a fault of our own is not. */
function unlessFault(error: unknown): AttemptResult {
  if (!(error instanceof AppError) && errnoOf(error) === undefined) throw error;
  const hint = error instanceof AppError && error.hint !== undefined ? { hint: error.hint } : {};
  return { kind: "failed", failure: { prospect: "transient", reason: messageOf(error), ...hint } };
}

/** A failure whose hint names what this share is configured by. */
function withNamesOf(share: Share, failure: MountFailure): MountFailure {
  return failure.hint === undefined ? failure : { ...failure, hint: inNamesOf(share, failure.hint) };
}
