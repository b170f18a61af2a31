// Which plots there are of a result, and in which files.

import type { Plot } from "./measurement.ts";
import { measurements } from "./measurements.ts";
import type { Result } from "./result.ts";

/** The plots that the result's measurement declares, or else a strip for each case. */
export function plotsOf({ name: measurement, cases }: Pick<Result, "name" | "cases">): readonly Plot[] {
  const declared = measurements.find(({ name }) => name === measurement)?.plots;
  return (
    declared ??
    cases.map(({ name, title }) => ({
      kind: "strip",
      title,
      cases: [name],
      ...(cases.length === 1 ? {} : { name }),
    }))
  );
}

/** The name of a plot's file, in the folder of the results. */
export function plotFile({ name }: Pick<Result, "name">, plot: Plot): string {
  return plot.name === undefined ? `${name}.svg` : `${name}-${plot.name}.svg`;
}

/** The names of the cases that a plot shows. */
export function casesOf(plot: Plot): readonly string[] {
  switch (plot.kind) {
    case "strip":
      return plot.cases;
    case "lines":
      return plot.points.map((point) => point.case);
    case "distribution":
      return [plot.case];
  }
}
