// How often something is tried: a server that is asked whether it is there, and a mount call that failed.
import type { Clock } from "../clock.ts";
import type { PauseMs } from "./again.ts";

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

/** The pace of questions. */
export function probePace({ random }: Pick<Clock, "random">): PauseMs {
  return (_, elapsedMs) => probePauseMs(elapsedMs, random());
}

/**
 * The pause after so many failures: it doubles from `minMs` on, up to `maxMs`. It is drawn from its last half, at its longest
 * from the last fifth, below what is asked for. `random` is in [0, 1).
 */
export function backoffPauseMs(
  failures: number,
  { minMs, maxMs }: { readonly minMs: number; readonly maxMs: number },
  random: number,
): number {
  const growingMs = (minMs / 2) * (1 + random) * 2 ** (failures - 1);
  return Math.min(growingMs, maxMs * (1 - jitter * random));
}
