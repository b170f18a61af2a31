// Whether nfs-init reaches what is wanted of it, by the results that there are.

import type { Case, Competitor, Target } from "./measurement.ts";
import { measurements } from "./measurements.ts";
import { caseNamed } from "./result.ts";
import type { Result, Standing } from "./result.ts";

/** A target, and what was measured. */
export interface Judgement {
  readonly target: Target;
  readonly case: Case;
  readonly ours: Standing;
  /** Beside whom it is judged; the floor where the target names nobody, if one takes part in the case. */
  readonly reference: { readonly competitor: Competitor; readonly standing: Standing } | undefined;
  /** What is to be below the target's median and its p95: nfs-init's figure, a difference, or a ratio. */
  readonly median: number;
  readonly p95: number;
  readonly met: boolean;
}

/** The targets that the result's measurement declares, judged; of a case that is newer than the result nothing can be said. */
export function judgeTargets(result: Result): readonly Judgement[] {
  const targets = measurements.find(({ name }) => name === result.name)?.targets ?? [];
  const isMeasured = (target: Target) => result.cases.some(({ name }) => name === target.case);
  return targets.filter(isMeasured).map((target) => judge(result, target));
}

/**
 * Quantiles are set against quantiles, the median of all rounds against the median and the 95th percentile against the 95th: what is
 * compared is how the rounds of each turn out, not who was ahead in one of them.
 * @throws Error where the result lacks the case of the target, or a competitor
 */
export function judge(result: Result, target: Target): Judgement {
  const wanted = caseNamed(result, target.case);
  const { beside } = target;
  const find = (isMeant: (competitor: Competitor) => boolean): Judgement["reference"] => {
    const competitor = result.competitors.find(isMeant);
    const standing = wanted.standings.find((each) => each.competitor === competitor?.name);
    return competitor === undefined || standing === undefined ? undefined : { competitor, standing };
  };
  const ours = find(({ role }) => role === "ours")?.standing;
  const reference = find(({ name, role }) => (beside === undefined ? role === "floor" : name === beside.competitor));
  if (ours === undefined || (beside !== undefined && reference === undefined)) {
    throw new Error(
      `docs/benchmarks/${result.name}.json lacks competitors of the target ${target.case}: measure again`,
    );
  }
  const figure = (quantile: "median" | "p95"): number => {
    const theirs = reference?.standing[quantile] ?? Number.NaN;
    switch (beside?.by) {
      case "difference":
        return ours[quantile] - theirs;
      case "ratio":
        return ours[quantile] / theirs;
      case undefined:
        return ours[quantile];
    }
  };
  const [median, p95] = [figure("median"), figure("p95")];
  const met = median < target.median && (target.p95 === undefined || p95 < target.p95);
  return { target, case: wanted, ours, reference, median, p95, met };
}
