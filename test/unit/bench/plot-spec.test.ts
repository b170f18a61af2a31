// What a plot of a result shows.
import { describe, expect, it } from "vitest";
import type { DistributionPlot, LinesPlot } from "../../../bench/measurement.ts";
import { plotSpec } from "../../../bench/plot-spec.ts";
import { plotFile, plotsOf } from "../../../bench/plots.ts";
import type { Result } from "../../../bench/result.ts";
import { makeResult } from "./results.ts";

const strip = (...cases: string[]) => ({ kind: "strip", title: "how long", cases }) as const;
const xOf = (result: Result, ...cases: string[]) => {
  const spec = plotSpec(result, strip(...cases)) as unknown as {
    readonly layer: readonly [{ readonly encoding: object }];
  };
  return spec.layer[0].encoding;
};

describe("the plots of a result", () => {
  it("are a strip for each case, named after it, where the measurement declares none", () => {
    const result = makeResult({ v3: { ours: [1] }, "v4.2": { ours: [1] } });
    const plots = plotsOf(result);
    expect(plots).toMatchObject([
      { kind: "strip", cases: ["v3"] },
      { kind: "strip", cases: ["v4.2"] },
    ]);
    expect(plots.map((plot) => plotFile(result, plot))).toEqual(["made-up-v3.svg", "made-up-v4.2.svg"]);
  });

  it("are one strip, named after the measurement, where there is one case", () => {
    const result = makeResult({ only: { ours: [1] } });
    expect(plotsOf(result).map((plot) => plotFile(result, plot))).toEqual(["made-up.svg"]);
  });

  it("are what the measurement declares, where it does", () => {
    const scale = { ...makeResult({}), name: "scale" };
    expect(plotsOf(scale).map((plot) => [plot.kind, plotFile(scale, plot)])).toEqual([
      ["lines", "scale-time.svg"],
      ["lines", "scale-resident.svg"],
      ["lines", "scale-private.svg"],
    ]);
  });
});

describe("a strip", () => {
  it("has a row for each competitor, from the least median to the greatest", () => {
    const result = makeResult({ one: { ours: [5, 6, 7], peer: [8, 9, 10], floor: [1, 2, 90] } });
    expect(plotSpec(result, strip("one"))).toMatchObject({
      encoding: { y: { field: "competitor", sort: ["the least", "nfs-init", "a peer"] } },
    });
  });

  it("shows every round of a few, and the medians", () => {
    const result = makeResult({ one: { ours: [3, 1, 8], peer: [4, 5, 6] } });
    expect(plotSpec(result, strip("one"))).toMatchObject({
      layer: [
        {
          data: {
            values: [
              { competitor: "nfs-init", median: 3 },
              { competitor: "a peer", median: 5 },
            ],
          },
        },
        {
          data: {
            values: [
              { competitor: "nfs-init", role: "ours", round: 0, sample: 3 },
              { competitor: "nfs-init", role: "ours", round: 1, sample: 1 },
              { competitor: "nfs-init", role: "ours", round: 2, sample: 8 },
              { competitor: "a peer", role: "peer", round: 0, sample: 4 },
              { competitor: "a peer", role: "peer", round: 1, sample: 5 },
              { competitor: "a peer", role: "peer", round: 2, sample: 6 },
            ],
          },
        },
      ],
    });
  });

  it("shows the quantiles of many rounds", () => {
    const upTo20 = Array.from({ length: 21 }, (_, index) => index);
    const result = makeResult({ one: { ours: upTo20 } });
    expect(plotSpec(result, strip("one"))).toMatchObject({
      layer: [
        {
          data: { values: [{ p5: 1, p25: 5, p75: 15, p95: 19 }] },
          encoding: { x: { field: "p5" }, x2: { field: "p95" } },
        },
        { encoding: { x: { field: "p25" }, x2: { field: "p75" } } },
        { data: { values: [{ median: 10 }] } },
      ],
    });
  });

  it("names the unit on its axis: the case's, or else the measurement's", () => {
    expect(xOf(makeResult({ one: { ours: [1, 2] } }), "one")).toMatchObject({ x: { title: "ms" } });
    expect(xOf(makeResult({ one: { ours: [1, 2] } }, "MiB"), "one")).toMatchObject({ x: { title: "MiB" } });
  });

  it.each([
    { figures: "decades", ours: [50, 60], peer: [2, 1000], type: "log", domain: [2, 1000], title: "ms, logarithmic" },
    { figures: "much alike", ours: [50, 60], peer: [100, 190], type: "linear", domain: [0, 190], title: "ms" },
    { figures: "decades and 0", ours: [50, 60], peer: [0, 1000], type: "linear", domain: [0, 1000], title: "ms" },
    { figures: "all 0", ours: [0, 0], peer: [0, 0], type: "linear", domain: [0, 1], title: "ms" },
  ])("has a $type axis for figures that are $figures", ({ ours, peer, type, domain, title }) => {
    expect(xOf(makeResult({ one: { ours, peer } }), "one")).toMatchObject({ x: { title, scale: { type, domain } } });
  });

  it("has lines on a logarithmic axis at 1, 2 and 5 of each power of ten, over more than three powers at 1", () => {
    const valuesFor = (peer: number[]) => xOf(makeResult({ one: { ours: [1, 1], peer } }), "one");
    expect(valuesFor([0.3, 24])).toMatchObject({ x: { axis: { values: [0.5, 1, 2, 5, 10, 20] } } });
    expect(valuesFor([0.3, 2400])).toMatchObject({ x: { axis: { values: [1, 10, 100, 1000] } } });
  });

  it("has a panel for each case, all on the axis that has room for all figures, which the last one names", () => {
    const result = makeResult({ one: { ours: [1, 2] }, two: { ours: [3, 40] } });
    const axis = { scale: { type: "log", domain: [1, 40] } };
    expect(plotSpec(result, strip("two", "one"))).toMatchObject({
      vconcat: [
        { title: { text: "the case two" }, layer: [{ encoding: { x: { ...axis, title: null } } }, {}] },
        { title: { text: "the case one" }, layer: [{ encoding: { x: { ...axis, title: "ms, logarithmic" } } }, {}] },
      ],
    });
  });

  it("cannot be made of a case that the result does not have", () => {
    expect(() => plotSpec(makeResult({ one: { ours: [1] } }), strip("two"))).toThrow("has no case two");
  });
});

describe("lines", () => {
  const lines: LinesPlot = {
    kind: "lines",
    name: "time",
    title: "how long",
    against: "shares",
    points: [
      { case: "few", at: 2 },
      { case: "many", at: 100 },
    ],
  };

  it("join each competitor's medians over the numbers of the cases", () => {
    const result = makeResult({ many: { ours: [30, 40, 50] }, few: { ours: [5, 6, 7] } });
    expect(plotSpec(result, lines)).toMatchObject({
      data: {
        values: [
          { competitor: "nfs-init", at: 2, median: 6 },
          { competitor: "nfs-init", at: 100, median: 40 },
        ],
      },
      encoding: { x: { field: "at", title: "shares", axis: { values: [2, 100] } } },
      layer: [{}, { encoding: { y: { field: "median", title: "ms" } } }],
    });
  });

  it("are named in the order in which they end, and nfs-init's has a colour of its own", () => {
    const result = makeResult({
      few: { ours: [9], peer: [1], other: [2], floor: [3] },
      many: { ours: [20], peer: [30], other: [40], floor: [10] },
    });
    const { encoding } = plotSpec(result, lines) as unknown as {
      readonly encoding: {
        readonly color: { readonly scale: { readonly domain: string[]; readonly range: string[] } };
      };
    };
    const { domain, range } = encoding.color.scale;
    expect(domain).toEqual(["another peer", "a peer", "nfs-init", "the least"]);
    expect(new Set(range).size).toBe(4);
  });

  it.each([
    { figures: "decades", few: [1], many: [500], type: "log" },
    { figures: "much alike", few: [10], many: [50], type: "linear" },
    { figures: "decades and 0", few: [0], many: [500], type: "linear" },
  ])("have two $type axes for figures that are $figures", ({ few, many, type }) => {
    const result = makeResult({ few: { ours: few }, many: { ours: many } });
    expect(plotSpec(result, lines)).toMatchObject({
      encoding: { x: { scale: { type } } },
      layer: [{ encoding: { y: { scale: { type } } } }, {}],
    });
  });
});

describe("a distribution", () => {
  const distribution: DistributionPlot = { kind: "distribution", title: "how long", case: "one" };

  it("is a staircase for each competitor: the share of its rounds that were so low or lower", () => {
    const result = makeResult({ one: { ours: [8, 2, 4, 6], peer: [5, 1, 7, 3] } });
    expect(plotSpec(result, distribution)).toMatchObject({
      data: {
        values: [
          { competitor: "nfs-init", role: "ours", sample: 2, share: 0 },
          { competitor: "nfs-init", role: "ours", sample: 2, share: 25 },
          { competitor: "nfs-init", role: "ours", sample: 4, share: 50 },
          { competitor: "nfs-init", role: "ours", sample: 6, share: 75 },
          { competitor: "nfs-init", role: "ours", sample: 8, share: 100 },
          { competitor: "a peer", role: "peer", sample: 1, share: 0 },
          { competitor: "a peer", role: "peer", sample: 1, share: 25 },
          { competitor: "a peer", role: "peer", sample: 3, share: 50 },
          { competitor: "a peer", role: "peer", sample: 5, share: 75 },
          { competitor: "a peer", role: "peer", sample: 7, share: 100 },
        ],
      },
      mark: { interpolate: "step-after" },
      encoding: { x: { field: "sample", title: "ms" }, y: { field: "share" }, order: { field: "share" } },
    });
  });

  it("has a logarithmic axis for figures that are decades", () => {
    const result = makeResult({ one: { ours: [50, 60], peer: [2, 1000] } });
    expect(plotSpec(result, distribution)).toMatchObject({
      encoding: { x: { title: "ms, logarithmic", scale: { type: "log", domain: [2, 1000] } } },
    });
  });

  it("names the lines in the order of their medians", () => {
    const result = makeResult({ one: { ours: [20], peer: [30], floor: [10] } });
    expect(plotSpec(result, distribution)).toMatchObject({
      encoding: { color: { scale: { domain: ["the least", "nfs-init", "a peer"] } } },
    });
  });
});
