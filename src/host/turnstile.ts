// Bounds how many requests begin side by side, without letting one that hangs hold up the others.

/** How many requests are begun side by side: many shares need not as many workers, each of which costs a process start. */
const atOnce = 4;
/** A request that takes longer than this waits for a server and makes way for the next one. */
const patienceMs = 250;

/** Lets a few requests begin at a time. Settles with the function that makes way for the next; it may be called repeatedly. */
export function turnstile(): () => Promise<() => void> {
  const waiting: (() => void)[] = [];
  let begun = 0;
  return async () => {
    if (begun < atOnce) begun += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    let isOver = false;
    const leave = () => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      const next = waiting.shift();
      if (next === undefined) begun -= 1;
      else next();
    };
    const timer = setTimeout(leave, patienceMs);
    return leave;
  };
}
