// Clocks that a test moves.
import type { Clock } from "../../../src/clock.ts";

/** A clock that stands until a test moves it. */
export interface HandClock extends Clock {
  /** Lets time go by, and what is due on the way happen, one thing after the other with all that comes of it. */
  readonly pass: (ms: number) => Promise<void>;
  /** The same at once: what comes of it comes later. */
  readonly advance: (ms: number) => void;
  /** How many calls are due later on. */
  readonly pending: () => number;
}

interface Due {
  readonly atMs: number;
  readonly call: () => void;
  /** That of a signal is not one that anybody has to call off. */
  readonly isCounted: boolean;
}

/** Lets everything settle that waits for no time. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function handClock({ random = () => 0.5 }: Partial<Pick<Clock, "random">> = {}): HandClock {
  let nowMs = 1_000_000;
  const due = new Set<Due>();
  const begin = (ms: number, call: () => void, isCounted: boolean): (() => void) => {
    // Timers fire on whole milliseconds.
    const one = { atMs: nowMs + Math.max(0, Math.ceil(ms)), call, isCounted };
    due.add(one);
    return () => void due.delete(one);
  };
  /** Calls what is due first, if that is not later than `endMs`. */
  const step = (endMs: number): boolean => {
    const [next] = [...due].toSorted((one, other) => one.atMs - other.atMs);
    if (next === undefined || next.atMs > endMs) return false;
    due.delete(next);
    nowMs = next.atMs;
    next.call();
    return true;
  };
  const later: Clock["later"] = (ms, call) => begin(ms, call, true);
  return {
    nowMs: () => nowMs,
    timeOfDayMs: () => 1_700_000_000_000 + nowMs,
    later,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const callOff = later(ms, () => {
          signal?.removeEventListener("abort", fail);
          resolve();
        });
        const fail = () => {
          callOff();
          reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
        };
        if (signal?.aborted === true) fail();
        else signal?.addEventListener("abort", fail, { once: true });
      }),
    timeout: (ms) => {
      const life = new AbortController();
      begin(ms, () => life.abort(new DOMException("out of time", "TimeoutError")), false);
      return life.signal;
    },
    random,
    pass: async (ms) => {
      const endMs = nowMs + ms;
      do await settled();
      while (step(endMs));
      nowMs = endMs;
    },
    advance: (ms) => {
      const endMs = nowMs + ms;
      while (step(endMs));
      nowMs = endMs;
    },
    pending: () => [...due].filter(({ isCounted }) => isCounted).length,
  };
}

export interface LeapingClock extends HandClock {
  /** Every pause that was made. */
  readonly pausesMs: number[];
}

/** A clock whose pauses move it, once nothing happens any more without one. */
export function leapingClock(options: Parameters<typeof handClock>[0] = {}): LeapingClock {
  const clock = handClock(options);
  const pausesMs: number[] = [];
  return {
    ...clock,
    pausesMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      await settled();
      signal?.throwIfAborted();
      pausesMs.push(ms);
      clock.advance(ms);
    },
  };
}
