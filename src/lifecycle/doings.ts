// What goes on with each thing, and how to end it: who begins something with a thing ends what went on with it before.

/** The reason of what was ended because somebody else looks after it from now on. */
export class Overtaken extends Error {
  override readonly name = "Overtaken";

  constructor() {
    super("somebody else looks after it from now on");
  }
}

export interface Doings<Thing> {
  /** Ends what goes on with it; what begins is ended by the signal. */
  readonly begin: (thing: Thing) => AbortSignal;
  /** Ends what goes on with it. */
  readonly end: (thing: Thing) => void;
}

/** `signal` ends everything. */
export function doingsOf<Thing>(signal: AbortSignal): Doings<Thing> {
  const going = new Map<Thing, AbortController>();
  const end = (thing: Thing) => going.get(thing)?.abort(new Overtaken());
  return {
    begin: (thing) => {
      end(thing);
      const controller = new AbortController();
      going.set(thing, controller);
      return AbortSignal.any([signal, controller.signal]);
    },
    end,
  };
}
