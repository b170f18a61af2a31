// When a text that changes is put where others read it, on a disk that may hang: one text at a time, and always the newest.
import type { Clock } from "../clock.ts";

export interface PublisherPorts {
  readonly clock: Pick<Clock, "later" | "nowMs" | "sleep">;
  /** Puts it there; settles when that is done, or cannot be done. */
  readonly put: (text: string) => Promise<void>;
  /** Bounds the pause after a text: whoever reads it must not take it for old. */
  readonly longestPauseMs: number;
}

export interface Publisher {
  /** Has the text that is given when its turn comes put there. Nobody waits for it. */
  readonly write: (textNow: () => string) => void;
  /** Puts no more; whether nothing is under way any more, which is waited for only a moment. */
  readonly end: () => Promise<boolean>;
}

/** Longest time a text under way is waited for at the end. */
const endMs = 200;
/**
 * The first text, in which every share waits, is held back for so long: where the server is up the next one, in which they are mounted,
 * takes its place, and COMMAND does not start later for it.
 */
const firstMs = 250;
/** So many texts that follow each other within `withinMs` are put there without a pause: what becomes of a share is there with its log line. */
const burst = { most: 4, withinMs: 1_000 } as const;
/** The pause after each further one: while hundreds of shares are mounted, a small part of the time goes into saying so. */
const pause = { leastMs: 250, timesPut: 10, mostMs: 1_000 } as const;

function pauseAfter(tookMs: number, longestMs: number): number {
  return Math.min(longestMs, pause.mostMs, Math.max(pause.leastMs, pause.timesPut * tookMs));
}

export function createPublisher({ clock, put, longestPauseMs }: PublisherPorts): Publisher {
  let next: (() => string) | undefined;
  let writing: Promise<void> | undefined;
  let isOver = false;
  const hasEnded = () => isOver;
  let inBurst = 0;
  let freeSinceMs = Number.NEGATIVE_INFINITY;
  const { promise: beforeFirst, resolve: hurry } = Promise.withResolvers<void>();
  const callOff = clock.later(firstMs, hurry);
  let wake = () => {};
  const rest = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const callOffRest = clock.later(ms, resolve);
      wake = () => {
        callOffRest();
        resolve();
      };
    });

  const drain = async (): Promise<void> => {
    await beforeFirst;
    // Whoever is about to end before anything was begun leaves nothing.
    await clock.sleep(0);
    for (let textNow = next; textNow !== undefined && !isOver; textNow = next) {
      next = undefined;
      const startedMs = clock.nowMs();
      inBurst = startedMs - freeSinceMs < burst.withinMs ? inBurst + 1 : 1;
      await put(textNow());
      if (inBurst >= burst.most && !hasEnded()) await rest(pauseAfter(clock.nowMs() - startedMs, longestPauseMs));
      freeSinceMs = clock.nowMs();
    }
    writing = undefined;
  };
  return {
    write: (textNow) => {
      if (next !== undefined) {
        callOff();
        hurry();
      }
      next = textNow;
      if (!isOver) writing ??= drain();
    },
    end: () => {
      isOver = true;
      hurry();
      wake();
      return Promise.race([Promise.resolve(writing).then(() => true), clock.sleep(endMs).then(() => false)]);
    },
  };
}
