// Bounds how many requests begin side by side, without letting one that hangs hold up the others.
import type { Clock } from "../clock.ts";

/** A request that has begun. */
export interface Turn {
  /** Lets the next one begin; it may be called repeatedly. */
  readonly leave: () => void;
  /** Leaves by itself after a time, counted from the last call: what takes longer waits for a server. */
  readonly leaveAfter: (ms: number) => void;
}

/** Lets `atOnce` requests begin at a time: many shares need not as many children, on few processors they would only wait for each other. */
export function turnstile({ later }: Pick<Clock, "later">, atOnce: number): () => Promise<Turn> {
  const waiting: (() => void)[] = [];
  let begun = 0;
  return async () => {
    if (begun < atOnce) begun += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    let isOver = false;
    let callOff = () => {};
    const leave = () => {
      callOff();
      if (isOver) return;
      isOver = true;
      const next = waiting.shift();
      if (next === undefined) begun -= 1;
      else next();
    };
    return {
      leave,
      leaveAfter: (ms) => {
        callOff();
        if (!isOver) callOff = later(ms, leave);
      },
    };
  };
}
