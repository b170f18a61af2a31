// Gets every share of a plan mounted: side by side, parents first, again and again until they are or cannot be.
import { inNamesOf } from "../config/share-names.ts";
import type { MountPlan } from "../plan/plan.ts";
import type { Share } from "../shares/share.ts";
import type { MountFailure } from "../kinds/failure.ts";
import type { Settings } from "../config/config.ts";
import { AppError, errnoOf, exitCodes, messageOf } from "../errors.ts";
import { attemptShare } from "../mount/attempt.ts";
import type { AttemptPorts, AttemptResult } from "../mount/attempt-ports.ts";
import { again, done, untilDone } from "../wait/again.ts";
import { backoffPauseMs } from "../wait/pace.ts";

/** How long an answer that looks like a missing version or module is taken for one that may still change. */
const unsupportedForMs = 60_000;

export interface EstablishPorts extends AttemptPorts {
  /** Called for each share before it is tried: ends what else goes on with it, and gives the signal that will end this. */
  readonly begin: (share: Share) => AbortSignal;
  readonly onMounted: (share: Share, result: Mounted) => void;
  /** Told after every failed attempt that will be repeated. */
  readonly onFailedAttempt: (share: Share, failure: MountFailure, attempt: number) => void;
  /** A share that COMMAND may start without will not come. */
  readonly onGivenUp: (share: Share, error: AppError) => void;
}

export interface Mounted {
  readonly version: string | undefined;
  readonly isOurs: boolean;
  readonly attempts: number;
  readonly elapsedMs: number;
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

export function establishShares(
  ports: EstablishPorts,
  plan: MountPlan,
  settings: Settings,
  isOptional: (share: Share) => boolean = ({ nofail }) => nofail,
): Establishing {
  const mounted = new Map<Share, Promise<void>>();
  const firstTries = new Map<Share, Promise<void>>();
  const arrived = new Set<Share>();
  for (const share of plan.shares) {
    const signal = ports.begin(share);
    // A parent that is not in the plan is mounted already.
    const parent = plan.shares.find((one) => one === share.parent);
    let tried: () => void = () => {};
    const ownTry = new Promise<void>((resolve) => {
      tried = resolve;
    });
    const establishing = (parent === undefined ? Promise.resolve() : mounted.get(parent))
      ?.then(() => establishShare(ports, share, settings, signal, tried))
      .then(() => {
        arrived.add(share);
      })
      .finally(tried);
    // Every rejection is looked at below; until then it must not count as unhandled.
    establishing?.catch(() => {});
    mounted.set(share, establishing ?? Promise.resolve());
    // A share below another is not tried before that one is there: until then it has had its try with it.
    const withParent = (parent === undefined ? undefined : firstTries.get(parent))?.then(() =>
      parent !== undefined && arrived.has(parent) ? ownTry : undefined,
    );
    firstTries.set(share, withParent === undefined ? ownTry : Promise.race([ownTry, withParent]));
  }
  const triedOnce = plan.shares
    .filter(({ nofail }) => nofail)
    .map((share) => firstTries.get(share) ?? Promise.resolve());
  const required = plan.shares.filter((share) => !isOptional(share)).map((share) => mounted.get(share));
  for (const share of plan.shares.filter(isOptional)) {
    mounted.get(share)?.catch((error: unknown) => {
      if (error instanceof AppError) ports.onGivenUp(share, error);
    });
  }
  let startWithout = () => {};
  const isEnough = new Promise<void>((resolve) => {
    startWithout = resolve;
  });
  return {
    ready: Promise.all([...required, Promise.race([Promise.all(triedOnce), isEnough])]).then(() => {}),
    startWithout,
    settled: Promise.allSettled(mounted.values()).then(() => {}),
  };
}

function establishShare(
  ports: EstablishPorts,
  share: Share,
  settings: Settings,
  signal: AbortSignal,
  tried: () => void,
): Promise<void> {
  const { nowMs } = ports.clock;
  const { attemptTimeoutMs, retryMinMs: minMs, retryMaxMs: maxMs } = settings;
  const startedMs = nowMs();
  let unsupportedSinceMs: number | undefined;

  const attempt = async (number: number) => {
    const result = await attemptShare(ports, share, attemptTimeoutMs, signal, tried).catch(unlessFault);
    if (result.kind === "mounted") {
      const { version, isOurs } = result;
      ports.onMounted(share, { version, isOurs, attempts: number, elapsedMs: nowMs() - startedMs });
      return done(undefined);
    }
    tried();
    const failure = withNamesOf(share, result.failure);
    unsupportedSinceMs = failure.prospect === "unsupported" ? (unsupportedSinceMs ?? nowMs()) : undefined;
    const isTooLong = unsupportedSinceMs !== undefined && nowMs() - unsupportedSinceMs >= unsupportedForMs;
    if (failure.prospect === "permanent" || isTooLong) throw cannotMount(share, failure);
    ports.onFailedAttempt(share, failure, number);
    return again;
  };
  const pauseMs = (failures: number) => backoffPauseMs(failures, { minMs, maxMs }, Math.random());
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

function cannotMount(share: Share, failure: MountFailure): AppError {
  const fields = { source: share.label, target: share.target };
  return new AppError(`cannot mount ${share.label} on ${share.target}: ${failure.reason}`, exitCodes.mountFailed, {
    fields,
    ...(failure.hint === undefined ? {} : { hint: failure.hint }),
  });
}
