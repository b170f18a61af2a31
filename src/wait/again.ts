// The one way to wait: an attempt is made again and again until it is done, with a pause after each that was not.
import pRetry from "p-retry";
import type { Clock } from "../clock.ts";

/** How an attempt went; what is to be said of one that is made again, it says itself. */
export type Attempt<T> = { readonly kind: "done"; readonly value: T } | { readonly kind: "again" };

export const again = { kind: "again" } as const;

export function done<T>(value: T): Attempt<T> {
  return { kind: "done", value };
}

/** The pause after so many attempts in vain, the first of which began so long ago. */
export type PauseMs = (attempts: number, elapsedMs: number) => number;

/** An attempt in vain, on its way through p-retry. */
class InVain extends Error {
  override readonly name = "InVain";
}

/**
 * Makes `attempt`, which is given its number from 1 on, until it is done, and gives its value. Rejects with the reason of
 * `signal` once that aborts, whatever the attempt that was going on gave; with what an attempt throws at once.
 */
export async function untilDone<T>(
  { nowMs, sleep }: Pick<Clock, "nowMs" | "sleep">,
  attempt: (number: number) => Promise<Attempt<T>>,
  pauseMs: PauseMs,
  signal: AbortSignal,
): Promise<T> {
  const startedMs = nowMs();
  const once = async (number: number): Promise<T> => {
    const attempted = await attempt(number);
    if (attempted.kind === "again") throw new InVain();
    return attempted.value;
  };
  try {
    return await pRetry(once, {
      signal,
      retries: Number.POSITIVE_INFINITY,
      // The pauses are made below: how long one is depends on the time that has gone by as well.
      minTimeout: 0,
      factor: 1,
      onFailedAttempt: async ({ error, attemptNumber }) => {
        signal.throwIfAborted();
        if (!(error instanceof InVain)) throw error;
        await sleep(pauseMs(attemptNumber, nowMs() - startedMs), signal);
      },
    });
  } catch (error) {
    // A fault that came with the end is not what ended it.
    signal.throwIfAborted();
    throw error;
  }
}
