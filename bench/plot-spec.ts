// What a plot of a result shows, in the grammar of Vega-Lite; pure. plot-svg.ts draws it.

import type { TopLevelSpec } from "vega-lite";
import type { Competitor, DistributionPlot, LinesPlot, Plot, StripPlot } from "./measurement.ts";
import { casesOf } from "./plots.ts";
import { caseNamed, labelOf } from "./result.ts";
import type { CaseResult, Result, Standing } from "./result.ts";
import { quantile } from "./statistics.ts";

/** So many rounds are drawn one by one; more become a box. */
const mostDots = 20;

/** Figures that differ by this factor are drawn on a logarithmic axis, where they can be: 0 has no place on it. */
const logarithmicFrom = 20;

/** nfs-init stands out. */
const colours: Readonly<Record<Competitor["role"], string>> = { ours: "#0b5fb0", peer: "#8a8a8a", floor: "#bdbdbd" };

/** Of the lines of peers, one after the other. */
const peerLines = ["#c2701c", "#5c8f5c", "#97609a"] as const;

const medianColour = "#1a1a1a";

type Layers = Extract<TopLevelSpec, { readonly layer: unknown }>["layer"];

/** @throws Error where the result lacks a case of the plot. */
export function plotSpec(result: Result, plot: Plot): TopLevelSpec {
  const cases = casesOf(plot).map((name) => caseNamed(result, name));
  const unit = cases[0]?.unit ?? result.unit;
  switch (plot.kind) {
    case "strip":
      return stripSpec(result, plot, cases, unit);
    case "lines":
      return linesSpec(result, plot, cases, unit);
    case "distribution":
      return distributionSpec(result, plot, cases, unit);
  }
}

function stripSpec(result: Result, plot: StripPlot, cases: readonly CaseResult[], unit: string): TopLevelSpec {
  const asDots = result.rounds <= mostDots;
  const figures = cases
    .flatMap(({ standings }) => standings)
    .flatMap(({ samples, p5, p95 }) => (asDots ? samples : [p5, p95]));
  const axis = axisOf(figures, unit);
  const panels = cases.map((each, index) => {
    const figure = index === cases.length - 1 ? axis : withoutLabels(axis);
    return {
      width: 460,
      height: { step: asDots ? 24 : 18 },
      encoding: {
        y: {
          field: "competitor",
          type: "nominal",
          sort: labelsByMedian(result, cases[0]),
          title: null,
          axis: { labelLimit: 0, labelFontWeight: boldOurs(result) },
        },
        color: {
          field: "role",
          type: "nominal",
          scale: { domain: Object.keys(colours), range: Object.values(colours) },
          legend: null,
        },
      },
      layer: asDots ? dots(result, each, figure) : boxes(result, each, figure),
    } as const;
  });
  const [only] = panels;
  if (only !== undefined && panels.length === 1) return { ...frame(result, plot), ...only };
  const titled = panels.map((panel, index) => ({ title: panelTitle(cases[index]?.title ?? ""), ...panel }));
  return { ...frame(result, plot), vconcat: titled, spacing: 12 };
}

/** A stroke at the median, and each round a dot. */
function dots(result: Result, { standings }: CaseResult, figure: Axis): Layers {
  const samples = standings.flatMap((standing) =>
    standing.samples.map((sample, round) => ({ ...whose(result, standing), round, sample })),
  );
  return [
    medians(result, standings, figure),
    {
      data: { values: samples },
      mark: { type: "circle", size: 32, opacity: 0.7 },
      encoding: {
        x: { field: "sample", ...figure },
        yOffset: { field: "round", type: "quantitative", scale: { padding: 6, nice: false, range: [18, 0] } },
      },
    },
  ];
}

/** A line from the 5th to the 95th percentile, a box from the 25th to the 75th, and a stroke at the median. */
function boxes(result: Result, { standings }: CaseResult, figure: Axis): Layers {
  const values = standings.map((standing) => ({
    ...whose(result, standing),
    p5: standing.p5,
    p25: quantile(standing.samples, 0.25),
    p75: quantile(standing.samples, 0.75),
    p95: standing.p95,
  }));
  return [
    { data: { values }, mark: "rule", encoding: { x: { field: "p5", ...figure }, x2: { field: "p95" } } },
    {
      data: { values },
      mark: { type: "bar", height: 10 },
      encoding: { x: { field: "p25", ...figure }, x2: { field: "p75" } },
    },
    medians(result, standings, figure),
  ];
}

function medians(result: Result, standings: readonly Standing[], figure: Axis): Layers[number] {
  return {
    data: { values: standings.map((standing) => ({ ...whose(result, standing), median: standing.median })) },
    mark: { type: "tick", size: 16, thickness: 2 },
    encoding: { x: { field: "median", ...figure }, color: { value: medianColour } },
  };
}

function linesSpec(result: Result, plot: LinesPlot, cases: readonly CaseResult[], unit: string): TopLevelSpec {
  const values = cases.flatMap(({ standings }, index) =>
    standings.map((standing) => ({
      at: plot.points[index]?.at,
      competitor: whose(result, standing).competitor,
      p5: standing.p5,
      median: standing.median,
      p95: standing.p95,
    })),
  );
  const figure = axisOf(
    values.flatMap(({ p5, p95 }) => [p5, p95]),
    unit,
  );
  const numbers = plot.points.map(({ at }) => at);
  // As the lines end, from the top to the bottom.
  const order = labelsByMedian(result, cases.at(-1)).toReversed();
  return {
    ...frame(result, plot),
    data: { values },
    width: 340,
    height: 220,
    encoding: {
      // Of the same kind as the other axis: what grows in proportion is a straight line.
      x: { field: "at", ...axisOf(numbers, plot.against, figure.scale.type), axis: { values: numbers } },
      color: competitorColour(result, order),
    },
    layer: [
      { mark: { type: "rule", opacity: 0.5 }, encoding: { y: { field: "p5", ...figure }, y2: { field: "p95" } } },
      { mark: { type: "line", point: { size: 36 } }, encoding: { y: { field: "median", ...figure } } },
    ],
  };
}

function distributionSpec(
  result: Result,
  plot: DistributionPlot,
  cases: readonly CaseResult[],
  unit: string,
): TopLevelSpec {
  const standings = cases.flatMap((each) => each.standings);
  const values = standings.flatMap((standing) => stairs(whose(result, standing), standing.samples));
  const order = labelsByMedian(result, cases[0]);
  return {
    ...frame(result, plot),
    data: { values },
    width: 460,
    height: 220,
    mark: { type: "line", interpolate: "step-after" },
    encoding: {
      x: {
        field: "sample",
        ...axisOf(
          values.map(({ sample }) => sample),
          unit,
        ),
      },
      y: {
        field: "share",
        type: "quantitative",
        title: "% of the rounds",
        scale: { domain: [0, 100] },
        // Where the targets look, among others.
        axis: { values: [0, 25, 50, 75, 95] },
      },
      // The stairs go up; on an equal figure only the share says where.
      order: { field: "share" },
      color: competitorColour(result, order),
      strokeWidth: {
        field: "role",
        type: "ordinal",
        scale: { domain: ["ours", "peer", "floor"], range: [3, 1.5, 1.5] },
        legend: null,
      },
    },
  };
}

/** The corners of one staircase, which begins at the bottom: `share` in percent. */
function stairs(who: ReturnType<typeof whose>, samples: readonly number[]) {
  const sorted = samples.toSorted((a, b) => a - b);
  const steps = sorted.map((sample, index) => ({ ...who, sample, share: (100 * (index + 1)) / sorted.length }));
  return [...sorted.slice(0, 1).map((sample) => ({ ...who, sample, share: 0 })), ...steps];
}

/** A colour for each line, and the legend below the plot. */
const competitorColour = (result: Result, order: readonly string[]) =>
  ({
    field: "competitor",
    type: "nominal",
    scale: { domain: [...order], range: lineColours(result, order) },
    legend: { title: null, orient: "bottom", direction: "vertical", labelLimit: 0, ...stroke },
  }) as const;

const stroke = { symbolType: "stroke", symbolStrokeWidth: 2, symbolOpacity: 1 } as const;

/** A peer has the same colour in all plots of its measurement, and of others with the same peers. */
function lineColours({ competitors }: Result, order: readonly string[]): string[] {
  const peers = competitors.filter(({ role }) => role === "peer").map(labelOf);
  return order.map((label) => {
    const role = competitors.find((each) => labelOf(each) === label)?.role ?? "peer";
    return role === "peer" ? (peerLines[peers.indexOf(label) % peerLines.length] ?? colours.peer) : colours[role];
  });
}

interface Axis {
  readonly type: "quantitative";
  readonly title: string | null;
  readonly scale:
    | { readonly type: "log"; readonly domain: number[]; readonly nice: false; readonly padding: number }
    | { readonly type: "linear"; readonly domain: number[]; readonly nice: true };
  readonly axis: {
    readonly format: string;
    readonly values?: number[];
    readonly tickCount?: number;
    readonly labels?: false;
  };
}

/** An axis on which all of these figures lie; the same for the same figures. */
function axisOf(figures: readonly number[], what: string, kind = kindOf(figures)): Axis {
  const [least, most] = [Math.min(...figures), Math.max(...figures)];
  return kind === "log"
    ? {
        type: "quantitative",
        title: `${what}, logarithmic`,
        scale: { type: kind, domain: [least, most], nice: false, padding: 12 },
        axis: { format, values: logarithmicValues(least, most) },
      }
    : {
        type: "quantitative",
        title: what,
        // Not without extent where all there is to show is 0.
        scale: { type: kind, domain: [0, most === 0 ? 1 : most], nice: true },
        axis: { format, tickCount: 8 },
      };
}

/** A plain number of six digits at most. */
const format = "~r";

/** The same axis for a panel that has another one below it. */
const withoutLabels = (figure: Axis): Axis => ({ ...figure, title: null, axis: { ...figure.axis, labels: false } });

function kindOf(figures: readonly number[]): Axis["scale"]["type"] {
  const least = Math.min(...figures);
  return least > 0 && Math.max(...figures) >= least * logarithmicFrom ? "log" : "linear";
}

/** Where a logarithmic axis has a line: at 1, 2 and 5 of each power of ten, over three powers and more at 1 only. */
function logarithmicValues(least: number, most: number): number[] {
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const steps = most / least > 1000 ? [1] : [1, 2, 5];
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
    .flatMap((power) => steps.map((step) => Number(`${step}e${power}`)))
    .filter((value) => value >= least && value <= most);
}

/** What all plots have in common. */
function frame({ title }: Result, plot: Plot) {
  return {
    // White, because the page is read on dark backgrounds as well.
    background: "white",
    padding: 10,
    title: {
      text: title,
      subtitle: capitalise(plot.title),
      anchor: "start",
      fontSize: 13,
      subtitleFontSize: 12,
      subtitlePadding: 4,
      offset: 10,
    },
    config: {
      font: "sans-serif",
      // The figures stand in the page's tables; a name for each dot would be most of the file.
      aria: false,
      view: { stroke: "#d0d0d0" },
      axis: {
        labelFontSize: 11,
        titleFontSize: 11,
        titleFontWeight: "normal",
        ticks: false,
        domain: false,
        labelPadding: 6,
      },
      legend: { labelFontSize: 11 },
    },
  } as const;
}

const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const panelTitle = (text: string) =>
  ({ text, anchor: "start", fontSize: 11, fontWeight: "normal", offset: 4 }) as const;

/** The weight of a competitor's label, as a condition of Vega's expression language. */
function boldOurs({ competitors }: Result) {
  const ours = competitors.filter(({ role }) => role === "ours").map(labelOf);
  return {
    condition: { test: `indexof(${JSON.stringify(ours)}, datum.value) >= 0`, value: "bold" },
    value: "normal",
  } as const;
}

function whose({ competitors }: Result, { competitor: name }: Standing) {
  const competitor = competitors.find((each) => each.name === name);
  if (competitor === undefined) throw new Error(`there is no competitor ${name}`);
  return { competitor: labelOf(competitor), role: competitor.role };
}

/** What a reader sees of the competitors, from the least median to the greatest, as in the tables. */
function labelsByMedian(result: Result, each: CaseResult | undefined): string[] {
  return (each?.standings ?? [])
    .toSorted((a, b) => a.median - b.median)
    .map((standing) => whose(result, standing).competitor);
}
