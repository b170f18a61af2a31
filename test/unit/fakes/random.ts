// Pseudo-random numbers from a seed, so that a generated case that fails fails again.

export interface Random {
  /** A whole number from 0 to `below` - 1. */
  readonly below: (below: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
  readonly text: (alphabet: readonly string[], longest: number) => string;
  readonly bytes: (longest: number) => Uint8Array;
}

/** mulberry32: 32 bits of state, good enough to scatter test cases. */
export function random(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  return {
    below,
    pick,
    text: (alphabet, longest) => Array.from({ length: below(longest + 1) }, () => pick(alphabet)).join(""),
    bytes: (longest) => Uint8Array.from({ length: below(longest + 1) }, () => below(256)),
  };
}
