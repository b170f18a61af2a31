// Those who watch the page of status: told of changes at once and of counters now and then, while there are any.
import type { Clock } from "../clock.ts";

export interface AudiencePorts extends Pick<Clock, "later"> {
  /** What they are told now. */
  readonly render: () => string;
}

/** One who watches. */
export interface Watcher {
  readonly tell: (text: string) => void;
}

export interface Audience {
  /** Tells the newcomer at once, and gives what takes it out again; undefined where there are too many. */
  readonly join: (watcher: Watcher) => (() => void) | undefined;
  readonly isFull: () => boolean;
  /** Something has changed. */
  readonly news: () => void;
}

/** Each costs a descriptor and a page in its time. */
const mostWatchers = 8;
/** How often counters are told. */
const paceMs = 2_000;
/** Changes that come together are told together. */
const gatherMs = 200;

/** Nobody who watches: no timer. */
export function createAudience({ later, render }: AudiencePorts): Audience {
  const watchers = new Set<Watcher>();
  let callOff: (() => void) | undefined;
  let isGathering = false;

  const next = (ms: number) => {
    callOff?.();
    callOff = later(ms, tellAll);
  };
  const tellAll = () => {
    isGathering = false;
    callOff = undefined;
    const text = render();
    for (const watcher of watchers) watcher.tell(text);
    if (watchers.size > 0) next(paceMs);
  };
  return {
    isFull: () => watchers.size >= mostWatchers,
    join: (watcher) => {
      if (watchers.size >= mostWatchers) return undefined;
      watchers.add(watcher);
      watcher.tell(render());
      if (watchers.size === 1) next(paceMs);
      return () => {
        watchers.delete(watcher);
        if (watchers.size > 0) return;
        callOff?.();
        callOff = undefined;
        isGathering = false;
      };
    },
    news: () => {
      if (watchers.size === 0 || isGathering) return;
      isGathering = true;
      next(gatherMs);
    },
  };
}
