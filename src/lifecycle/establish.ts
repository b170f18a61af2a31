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

/** The mounting of one share. */
interface Establishment {
  readonly share: Share;
  /** Settles when it is mounted. */
  readonly mounted: Promise<void>;
  /** Settles when it was tried once, by itself or with the share above it. */
  readonly triedOnce: Promise<void>;
  hasArrived: boolean;
}

export function establishShares(
  ports: EstablishPorts,
  plan: MountPlan,
  settings: Settings,
  isOptional: (share: Share) => boolean = ({ nofail }) => nofail,
): Establishing {
  const all: Establishment[] = [];
  // A parent that is not in the plan is mounted already.
  for (const share of plan.shares) {
    all.push(
      beginShare(
        ports,
        share,
        settings,
        all.find((one) => one.share === share.parent),
      ),
    );
  }
  const triedOnce = all.filter(({ share }) => share.nofail).map((one) => one.triedOnce);
  const required = all.filter(({ share }) => !isOptional(share)).map(({ mounted }) => mounted);
  for (const { share, mounted } of all.filter((one) => isOptional(one.share))) {
    mounted.catch((error: unknown) => {
      if (error instanceof AppError) ports.tell({ kind: "given-up", share, reason: error.message });
    });
  }
  const { promise: isEnough, resolve: startWithout } = Promise.withResolvers<void>();
  return {
    ready: Promise.all([...required, Promise.race([Promise.all(triedOnce), isEnough])]).then(() => {}),
    startWithout,
    settled: Promise.allSettled(all.map(({ mounted }) => mounted)).then(() => {}),
  };
}

/** Starts the mounting of one share, once the one above it is there. */
function beginShare(
  ports: EstablishPorts,
  share: Share,
  settings: Settings,
  above: Establishment | undefined,
): Establishment {
  const signal = ports.begin(share);
  const { promise: ownTry, resolve: tried } = Promise.withResolvers<void>();
  const mounted = (above?.mounted ?? Promise.resolve())
    .then(() => ports.gate(share, signal))
    .then((entry) => establishShare(ports, share, settings, signal, tried, entry).finally(entry.leave))
    .then(() => {
      establishment.hasArrived = true;
    })
    .finally(tried);
  // Every rejection is looked at elsewhere; until then it must not count as unhandled.
  mounted.catch(() => {});
  // A share below another is not tried before that one is there: until then it has had its try with it.
  const withAbove = above?.triedOnce.then(() => (above.hasArrived ? ownTry : undefined));
  const triedOnce = withAbove === undefined ? ownTry : Promise.race([ownTry, withAbove]);
  const establishment: Establishment = { share, mounted, triedOnce, hasArrived: false };
  return establishment;
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
