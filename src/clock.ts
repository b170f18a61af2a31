// Time and chance as the rooms get them: this machine's in the program, a test's own in a test.

export interface Clock {
  /** Milliseconds that never jump, sleep included (CLOCK_BOOTTIME). */
  readonly nowMs: () => number;
  /** The time of day, in milliseconds since 1970; it may be set. */
  readonly timeOfDayMs: () => number;
  /** Settles after a while; rejects when `signal` aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Calls after a while; gives what calls that off, which may be called repeatedly. */
  readonly later: (ms: number, call: () => void) => () => void;
  /** A signal that aborts after a while. It may be dropped: it keeps nothing while nobody listens to it. */
  readonly timeout: (ms: number) => AbortSignal;
  /** A number drawn from 0 up to 1, not for secrets. */
  readonly random: () => number;
}
