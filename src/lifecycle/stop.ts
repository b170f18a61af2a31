// A stop from outside while nothing runs yet that it could be passed on to.

/** A stop signal came before COMMAND ran. */
export class Stopped extends Error {
  override readonly name = "Stopped";
  readonly signal: number;

  constructor(signal: number) {
    super(`stopped by signal ${signal}`);
    this.signal = signal;
  }
}

/** Time that mount calls cut short are given to end before what is there is taken down. */
export const settleMs = 1_000;

/** Rejects when `signal` aborts, with its reason. */
export function abortedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}
