// What a measurement is: one question, put to several competitors side by side, in one run.

/** A program, or a way of doing it, that is measured. Exactly one is ours, and one the floor: the least there is to do. */
export interface Competitor {
  readonly name: string;
  /** What a reader sees. */
  readonly title: string;
  readonly role: "ours" | "peer" | "floor";
  readonly version?: string;
}

/** A competitor that could not take part here, and why. */
export interface Absence {
  readonly name: string;
  readonly reason: string;
}

export type Unit = "ms" | "s per hour" | "per hour" | "per s" | "packets per s" | "MiB" | "MB" | "threads";

/** One of the situations in which all competitors are measured; results are compared within it only. */
export interface Case {
  readonly name: string;
  readonly title: string;
  /** Where it is not the measurement's. */
  readonly unit?: Unit;
  /** Names of those that take part, ours among them; all where it is not given. */
  readonly competitors?: readonly string[];
}

export function takesPart({ competitors }: Case, { name }: Competitor): boolean {
  return competitors?.includes(name) ?? true;
}

/**
 * What nfs-init is to stay below in one case. The page takes it from the measurement as it is declared now, not from a result: what is
 * wanted can change without measuring again.
 */
export interface Target {
  readonly case: string;
  /** Wanted is not nfs-init's figure by itself, but how much it is more than this competitor's, or how many times as much. */
  readonly beside?: { readonly competitor: string; readonly by: "difference" | "ratio" };
  /** Limit of the median over the rounds: in the unit of the case, or times. */
  readonly median: number;
  /** Limit of the 95th percentile. */
  readonly p95?: number;
  /** What stands between the figure and the least that there is: a sentence. */
  readonly left?: string | undefined;
}

/** A picture of samples: the file docs/benchmarks/MEASUREMENT.svg or, with a name, MEASUREMENT-NAME.svg. */
export type Plot = StripPlot | LinesPlot | DistributionPlot;

/** All competitors below each other on one axis; every round is a dot, or many rounds are a box. */
export interface StripPlot {
  readonly kind: "strip";
  readonly name?: string;
  readonly title: string;
  /** By name, of one unit; a panel each. */
  readonly cases: readonly string[];
}

/** A line for each competitor over cases of one unit that differ by a number. */
export interface LinesPlot {
  readonly kind: "lines";
  readonly name: string;
  readonly title: string;
  /** What the number counts. */
  readonly against: string;
  readonly points: readonly { readonly case: string; readonly at: number }[];
}

/** A staircase for each competitor: the share of the rounds in which the figure was so low or lower. */
export interface DistributionPlot {
  readonly kind: "distribution";
  readonly name?: string;
  readonly title: string;
  readonly case: string;
}

/** One run of one competitor. */
export interface Trial {
  readonly competitor: string;
  readonly case: string;
  /** From 0; warm-up rounds are negative. */
  readonly round: number;
}

/** A measurement made ready: what it needs is built, booted and running. */
export interface Rig {
  readonly competitors: readonly Competitor[];
  readonly absent: readonly Absence[];
  /** What else the figures depend on: versions of a kernel, of tools. */
  readonly setting: Readonly<Record<string, string>>;
  /** Runs one trial and returns the figure in the unit of the case. Throws where the competitor did not do its work. */
  readonly run: (trial: Trial) => Promise<number>;
  readonly close: () => Promise<void>;
}

export interface Measurement {
  readonly name: string;
  readonly title: string;
  readonly question: string;
  /** How a figure comes about, and what it does not show; Markdown, one paragraph. */
  readonly method: string;
  readonly unit: Unit;
  readonly where: "this machine" | "lab";
  readonly warmUpRounds: number;
  readonly rounds: number;
  readonly cases: readonly Case[];
  readonly targets?: readonly Target[];
  /** Where they are not a strip for each case. */
  readonly plots?: readonly Plot[];
  /** @param rounds how many there will be, warm-up not counted */
  readonly open: (rounds: number) => Promise<Rig>;
}
