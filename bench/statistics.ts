// The few statistics the benchmarks need: quantiles, and what one series is beside another that was measured pair by pair.

export interface Spread {
  readonly median: number;
  readonly p5: number;
  readonly p95: number;
}

/** The value below which the share `q` of `samples` lies, interpolated between neighbours. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new RangeError("no samples");
  return below + (above - below) * (position - Math.floor(position));
}

export function spread(samples: readonly number[]): Spread {
  return { median: quantile(samples, 0.5), p5: quantile(samples, 0.05), p95: quantile(samples, 0.95) };
}

/** Compares two series of the same rounds; what disturbed a whole round disturbed both of its figures, and falls out. */
export function comparePairs(
  ours: readonly number[],
  theirs: readonly number[],
  compare: (ours: number, theirs: number) => number,
): Spread {
  if (ours.length !== theirs.length)
    throw new RangeError(`${ours.length} samples cannot be paired with ${theirs.length}`);
  return spread(ours.map((figure, round) => compare(figure, theirs[round] ?? Number.NaN)));
}
