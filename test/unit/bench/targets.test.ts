// Whether a target counts as met, and how the page says so.
import { describe, expect, it } from "vitest";
import { measurements } from "../../../bench/measurements.ts";
import { renderDetails, renderPage } from "../../../bench/page-text.ts";
import { judge, judgeTargets } from "../../../bench/targets.ts";
import { makeResult } from "./results.ts";

describe("a target", () => {
  it.each([
    { ours: [1, 19, 900], met: true },
    { ours: [1, 20, 21], met: false },
  ])("is met by a median below its limit: $ours", ({ ours, met }) => {
    const result = makeResult({ one: { ours, floor: [5, 6, 7] } });
    expect(judge(result, { case: "one", median: 20 })).toMatchObject({
      met,
      reference: { competitor: { name: "floor" }, standing: { median: 6 } },
    });
  });

  it("sets the median of all rounds against the other's median, not figure against figure of one round", () => {
    const result = makeResult({ one: { ours: [10, 20, 300], peer: [300, 15, 12] } });
    const beside = { competitor: "peer", by: "difference" } as const;
    expect(judge(result, { case: "one", beside, median: 6 })).toMatchObject({ median: 5, met: true });
    expect(judge(result, { case: "one", beside, median: 5 })).toMatchObject({ met: false });
  });

  it("is missed where the 95th percentile is too far from the other's", () => {
    const mostly = (figure: number, last: number) => [...Array<number>(18).fill(figure), last, last, last];
    const result = makeResult({ one: { ours: mostly(100, 900), peer: mostly(90, 400) } });
    const target = { case: "one", beside: { competitor: "peer", by: "difference" }, median: 20 } as const;
    expect(judge(result, { ...target, p95: 501 })).toMatchObject({ median: 10, p95: 500, met: true });
    expect(judge(result, { ...target, p95: 500 })).toMatchObject({ met: false });
  });

  it("may be a multiple of another's median", () => {
    const result = makeResult({ one: { ours: [30], peer: [20] } });
    const beside = { competitor: "peer", by: "ratio" } as const;
    expect(judge(result, { case: "one", beside, median: 1.6 })).toMatchObject({ median: 1.5, met: true });
    expect(judge(result, { case: "one", beside, median: 1.5 })).toMatchObject({ met: false });
  });

  it("stands alone where no floor takes part", () => {
    const result = makeResult({ one: { ours: [1], peer: [2] } });
    expect(judge(result, { case: "one", median: 2 }).reference).toBeUndefined();
  });

  it("cannot be judged by a result that lacks its case or its competitor", () => {
    const result = makeResult({ one: { ours: [1] } });
    expect(() => judge(result, { case: "two", median: 2 })).toThrow("has no case two");
    const beside = { competitor: "peer", by: "ratio" } as const;
    expect(() => judge(result, { case: "one", beside, median: 2 })).toThrow("measure again");
  });

  it("is passed over where its case is newer than the result", () => {
    const { competitors, cases, ...result } = makeResult({ start: { ours: [1], peer: [2] } });
    const tini = (name: string) => (name === "peer" ? "tini" : name);
    const older = {
      ...result,
      name: "init",
      competitors: competitors.map((each) => ({ ...each, name: tini(each.name) })),
      cases: cases.map(({ standings, ...each }) => ({
        ...each,
        standings: standings.map((standing) => ({ ...standing, competitor: tini(standing.competitor) })),
      })),
    };
    expect(judgeTargets(older).map(({ target }) => target.case)).toEqual(["start"]);
  });

  it("names a case of its measurement", () => {
    for (const { name, targets = [], cases } of measurements) {
      for (const target of targets)
        expect(
          cases.map((each) => each.name),
          name,
        ).toContain(target.case);
    }
  });
});

describe("the page", () => {
  /** A result of late-server, whose target names a competitor. */
  const page = (ours: number, render = renderPage) => {
    const { competitors, cases, ...result } = makeResult({ "v4.2": { ours: [ours], peer: [50] } });
    const rename = (name: string) => (name === "peer" ? "rpc-loop" : name);
    return render([
      {
        ...result,
        name: "late-server",
        title: "Late, at last",
        competitors: competitors.map((each) => ({ ...each, name: rename(each.name) })),
        cases: cases.map(({ standings, ...each }) => ({
          ...each,
          standings: standings.map((standing) => ({ ...standing, competitor: rename(standing.competitor) })),
        })),
      },
    ]);
  };

  it("has a row for each target, with a link to its section, both figures and what was found", () => {
    const rowOf = (text: string) => /^\| \[Late.*$/m.exec(text)?.[0].replaceAll(/ +/g, " ");
    const beginning = "| [Late, at last](#late-at-last): the case v4.2 |";
    const limits = "less than 50 ms longer, p95 less than 200 ms longer";
    expect(rowOf(page(99))).toBe(
      `${beginning} ${limits} | a peer: 50.0 ms, p95 50.0 ms | 99.0 ms, p95 99.0 ms | met: +49.0 ms, p95 +49.0 ms |`,
    );
    expect(rowOf(page(100))).toContain("| **missed**: +50.0 ms, p95 +50.0 ms |");
  });

  it("says in the section whether the target is met", () => {
    expect(page(100, renderDetails)).toContain(
      "Target for nfs-init: less than 50 ms longer, p95 less than 200 ms longer than a peer: missed.",
    );
  });

  it("says what is left", () => {
    const left = measurements.find(({ name }) => name === "late-server")?.targets?.[0]?.left;
    expect(page(100, renderDetails)).toContain(`- **Late, at last: the case v4.2, missed.** ${left}`);
    expect(page(99, renderDetails)).toContain(`- **Late, at last: the case v4.2.** ${left}`);
  });
});
