// docs/benchmarks.md and its plots are what the results beside them give.
import { expect, it } from "vitest";
import { readPages, readResults, renderPages } from "../../../bench/result-files.ts";

const there = readPages();
const given = await renderPages(readResults());

it("the page and its plots are the ones that the results give, to the byte (node bench/page.ts)", () => {
  expect([...there.keys()].toSorted()).toEqual([...given.keys()].toSorted());
  for (const [name, text] of given) expect(there.get(name), name).toBe(text);
});

it("the page of details shows every plot once", () => {
  const shown = [...(there.get("benchmarks/details.md") ?? "").matchAll(/\]\(([^)]+\.svg)\)/g)].map(
    ([, file = ""]) => `benchmarks/${file}`,
  );
  expect(shown.toSorted()).toEqual([...given.keys()].filter((name) => name.endsWith(".svg")).toSorted());
});

it("the page itself is one that is read: at most 28 kB", () => {
  expect((there.get("benchmarks.md") ?? "").length).toBeLessThan(28_000);
});

it("no plot is larger than 40 kB", () => {
  for (const [name, text] of there) if (name.endsWith(".svg")) expect(text.length, name).toBeLessThan(40_000);
});
