// The one way to wait: an attempt is made again and again until it is done, with a pause after each that was not.

/** How an attempt went; what is to be said of one that is made again, it says itself. */
export type Attempt<T> = { readonly kind: "done"; readonly value: T } | { readonly kind: "again" };

export const again = { kind: "again" } as const;

export function done<T>(value: T): Attempt<T> {
  return { kind: "done", value };
}

/** Time as the loop needs it. */
export interface Timing {
  /** Milliseconds that never jump. */
  readonly nowMs: () => number;
  /** Settles after a while, or rejects when `signal` aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** The pause after so many attempts in vain, the first of which began so long ago. */
export type PauseMs = (attempts: number, elapsedMs: number) => number;

/**
 * Makes `attempt`, which is given its number from 1 on, until it is done, and gives its value. Rejects with the reason of
 * `signal` once that aborts, whatever the attempt that was going on gave; with what an attempt throws at once.
 */
export async function untilDone<T>(
  { nowMs, sleep }: Timing,
  attempt: (number: number) => Promise<Attempt<T>>,
  pauseMs: PauseMs,
  signal: AbortSignal,
): Promise<T> {
  const startedMs = nowMs();
  for (let number = 1; ; number += 1) {
    signal.throwIfAborted();
    const attempted = await attempt(number).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    signal.throwIfAborted();
    if (attempted.kind === "done") return attempted.value;
    await sleep(pauseMs(number, nowMs() - startedMs), signal);
  }
}
