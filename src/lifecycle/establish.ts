// Gets every share of a plan mounted: side by side, parents first, again and again until they are or cannot be.
import pRetry from "p-retry";
import type { Settings } from "../config/config.ts";
import { inNamesOf } from "../config/share-names.ts";
import { AppError, exitCodes } from "../errors.ts";
import type { ExactVersion } from "../shares/options.ts";
import type { MountPlan, Share } from "../shares/plan.ts";
import { attemptShare, type AttemptPorts } from "../mount/attempt.ts";
import type { MountFailure } from "../mount/outcome.ts";

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
  readonly version: ExactVersion | undefined;
  readonly isOurs: boolean;
  readonly attempts: number;
  readonly elapsedMs: number;
}

/** A failed attempt on its way through p-retry. */
class AttemptFailed extends Error {
  override readonly name = "AttemptFailed";
  readonly failure: MountFailure;

  constructor(failure: MountFailure) {
    super(failure.reason);
    this.failure = failure;
  }
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

async function establishShare(
  ports: EstablishPorts,
  share: Share,
  settings: Settings,
  signal: AbortSignal,
  tried: () => void,
): Promise<void> {
  const startedMs = ports.clock.nowMs();
  let unsupportedSinceMs: number | undefined;

  const attempt = async (number: number): Promise<void> => {
    const result = await attemptShare(ports, share, settings.attemptTimeoutMs, signal, tried);
    if (result.kind === "failed") throw new AttemptFailed(withNamesOf(share, result.failure));
    ports.onMounted(share, {
      version: result.version,
      isOurs: result.isOurs,
      attempts: number,
      elapsedMs: ports.clock.nowMs() - startedMs,
    });
  };

  await pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: settings.retryMinMs / 2,
    // At its cap p-retry varies a pause no more: clients that started together are kept from marching in step.
    maxTimeout: settings.retryMaxMs * (1 - Math.random() / 5),
    factor: 2,
    // p-retry stretches a pause by a factor of 1 to 2; with half of it the mean stays what was asked for.
    randomize: true,
    signal,
    onFailedAttempt: ({ error, attemptNumber }) => {
      if (!(error instanceof AttemptFailed)) return;
      tried();
      const { failure } = error;
      if (failure.verdict === "unsupported") unsupportedSinceMs ??= ports.clock.nowMs();
      else unsupportedSinceMs = undefined;
      const isFinal =
        failure.verdict === "permanent" ||
        (unsupportedSinceMs !== undefined && ports.clock.nowMs() - unsupportedSinceMs >= unsupportedForMs);
      if (isFinal) throw cannotMount(share, failure);
      ports.onFailedAttempt(share, failure, attemptNumber);
    },
  });
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
