// Signals that abort with others.
import type { Clock } from "./clock.ts";

/** Aborts with the first of them, and its reason. */
export function anyOf(...signals: AbortSignal[]): AbortSignal {
  return AbortSignal.any(signals);
}

/** Aborts with `signal`, or after a while. */
export function within({ timeout }: Pick<Clock, "timeout">, ms: number, signal: AbortSignal): AbortSignal {
  return anyOf(signal, timeout(ms));
}
