// Clocks that a test moves.
import type { Clock } from "../../../src/mount/ports.ts";

/** A clock over vitest's fake timers. */
export const timerClock: Clock = {
  nowMs: () => Date.now(),
  sleep: async (ms, signal) => {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const abort = () => reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  },
};

export interface LeapingClock extends Clock {
  /** Every pause that was asked for. */
  readonly pausesMs: number[];
  readonly advance: (ms: number) => void;
}

/** A clock whose pauses are over at once and move it. */
export function leapingClock(): LeapingClock {
  let nowMs = 1_000_000;
  const pausesMs: number[] = [];
  return {
    pausesMs,
    nowMs: () => nowMs,
    advance: (ms) => {
      nowMs += ms;
    },
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      pausesMs.push(ms);
      nowMs += ms;
    },
  };
}
