// Signals that reach us, on their way to those programs that are to have them.

export interface Relay {
  /** From now on this one gets every signal as well; gives what ends that. */
  readonly add: (receive: (signal: number) => void) => () => void;
}

/**
 * `route` gives every signal to its argument, those first that came before and asked for an end; with undefined, signals are kept
 * again. Who is there when the first receiver comes gets those that were kept: several that are to have them are added in one turn.
 */
export function relayOf(route: (onSignal: ((signal: number) => void) | undefined) => void): Relay {
  const receivers = new Set<(signal: number) => void>();
  return {
    add: (receive) => {
      receivers.add(receive);
      if (receivers.size === 1) {
        route((signal) => {
          for (const one of receivers) one(signal);
        });
      }
      return () => {
        if (receivers.delete(receive) && receivers.size === 0) route(undefined);
      };
    },
  };
}
