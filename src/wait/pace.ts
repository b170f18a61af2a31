// How often a server is asked whether it is there.

const quickMs = 250;
const quickForMs = 2 * 60_000;
const slowMs = 1_000;
/** Clients that started together drift apart by this share of a pause, so that a late server is not met by all at once. */
const jitter = 0.2;

/** The pause before the next question, `elapsedMs` after the first. `random` is in [0, 1). */
export function probePauseMs(elapsedMs: number, random: number): number {
  const pauseMs = elapsedMs < quickForMs ? quickMs : slowMs;
  return pauseMs * (1 - jitter + 2 * jitter * random);
}
