// The result of a measurement as it stands in docs/benchmarks/NAME.json: every sample, and what follows from them.

import type { Machine } from "./machine.ts";
import { takesPart } from "./measurement.ts";
import type { Absence, Case, Competitor, Measurement, Rig, Unit } from "./measurement.ts";
import type { Samples } from "./rounds.ts";
import { comparePairs, spread } from "./statistics.ts";
import type { Spread } from "./statistics.ts";

export const schemaVersion = 1;

export interface Result {
  readonly schemaVersion: typeof schemaVersion;
  readonly name: string;
  readonly title: string;
  readonly question: string;
  readonly method: string;
  readonly unit: Unit;
  readonly where: Measurement["where"];
  /** ISO 8601, the day only. */
  readonly date: string;
  /** Repeats the measurement. */
  readonly command: string;
  /** The version of nfs-init. */
  readonly version: string;
  readonly machine: Machine;
  readonly setting: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly warmUpRounds: number;
  readonly competitors: readonly Competitor[];
  readonly absent: readonly Absence[];
  readonly cases: readonly CaseResult[];
}

/** @throws Error where the result lacks the case. */
export function caseNamed({ name: measurement, cases }: Result, name: string): CaseResult {
  const found = cases.find((each) => each.name === name);
  if (found === undefined) throw new Error(`docs/benchmarks/${measurement}.json has no case ${name}: measure again`);
  return found;
}

/** What a reader sees of a competitor. */
export function labelOf({ title, version }: Competitor): string {
  return version === undefined ? title : `${title} ${version}`;
}

export interface CaseResult extends Case {
  readonly standings: readonly Standing[];
}

/** What became of one competitor in one case. */
export interface Standing extends Spread {
  readonly competitor: string;
  /** Ours divided by this one's, and ours less this one's, round by round; not given for ours, nor a ratio to a figure of 0. */
  readonly ratio?: Spread;
  readonly difference?: Spread;
  /** One per round, in order. */
  readonly samples: readonly number[];
}

export interface Circumstances {
  readonly date: Date;
  readonly command: string;
  readonly version: string;
  readonly machine: Machine;
  readonly rounds: number;
}

/** Summarises the samples of a measurement. */
export function toResult(measurement: Measurement, rig: Rig, samples: Samples, circumstances: Circumstances): Result {
  const ours = rig.competitors.find(({ role }) => role === "ours")?.name;
  if (ours === undefined) throw new Error(`the measurement ${measurement.name} has no competitor of ours`);
  return {
    schemaVersion,
    name: measurement.name,
    title: measurement.title,
    question: measurement.question,
    method: measurement.method,
    unit: measurement.unit,
    where: measurement.where,
    date: circumstances.date.toISOString().slice(0, 10),
    command: circumstances.command,
    version: circumstances.version,
    machine: circumstances.machine,
    setting: rig.setting,
    rounds: circumstances.rounds,
    warmUpRounds: measurement.warmUpRounds,
    competitors: rig.competitors,
    absent: rig.absent,
    cases: measurement.cases.map((each) => ({
      ...each,
      standings: rig.competitors
        .filter((competitor) => takesPart(each, competitor))
        .map(({ name }) => toStanding(name, ours, samples[each.name] ?? {})),
    })),
  };
}

function toStanding(competitor: string, ours: string, samples: Readonly<Record<string, readonly number[]>>): Standing {
  const own = samples[ours] ?? [];
  const series = samples[competitor] ?? [];
  const comparison =
    competitor === ours
      ? {}
      : {
          // What costs nothing is no measure for what costs something.
          ...(series.includes(0) ? {} : { ratio: roundSpread(comparePairs(own, series, (our, their) => our / their)) }),
          difference: roundSpread(comparePairs(own, series, (our, their) => our - their)),
        };
  return { competitor, ...roundSpread(spread(series)), ...comparison, samples: series.map(roundFigure) };
}

const roundSpread = ({ median, p5, p95 }: Spread): Spread => ({
  median: roundFigure(median),
  p5: roundFigure(p5),
  p95: roundFigure(p95),
});

const roundFigure = (figure: number): number => Math.round(figure * 1000) / 1000;
