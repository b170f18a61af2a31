// Reads and writes the results under docs/benchmarks, and the page and the plots made of them.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { measurements } from "./measurements.ts";
import { renderDetails, renderPage } from "./page-text.ts";
import { plotSpec } from "./plot-spec.ts";
import { drawSvg } from "./plot-svg.ts";
import { plotFile, plotsOf } from "./plots.ts";
import { schemaVersion } from "./result.ts";
import type { Result } from "./result.ts";

const docs = join(import.meta.dirname, "../docs");
const folder = join(docs, "benchmarks");
const page = "benchmarks.md";
const details = "benchmarks/details.md";

/** Texts by the names of their files below docs. */
export type Pages = ReadonlyMap<string, string>;

/** All results that there are, in the order of the measurements. */
export function readResults(): Result[] {
  const order = measurements.map(({ name }) => name);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map(readResult)
    .toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
}

function readResult(name: string): Result {
  const result = JSON.parse(readFileSync(join(folder, name), "utf8")) as { schemaVersion: number; name: string };
  if (result.schemaVersion !== schemaVersion || `${result.name}.json` !== name) {
    throw new Error(`docs/benchmarks/${name} is of another kind than this version writes: measure again, or remove it`);
  }
  return result as Result;
}

export function writeResult(result: Result): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${result.name}.json`), `${formatJson(result)}\n`);
}

/** What the results give: the two pages and their plots. */
export async function renderPages(results: readonly Result[]): Promise<Pages> {
  const pages = new Map([
    [page, renderPage(results)],
    [details, renderDetails(results)],
  ]);
  for (const result of results) {
    for (const plot of plotsOf(result)) {
      pages.set(`benchmarks/${plotFile(result, plot)}`, await drawSvg(plotSpec(result, plot)));
    }
  }
  return pages;
}

/** The pages and the plots that are there. */
export function readPages(): Pages {
  const plots = readdirSync(folder).filter((name) => name.endsWith(".svg"));
  const names = [page, details, ...plots.map((name) => `benchmarks/${name}`)];
  const there = names.filter((name) => existsSync(join(docs, name)));
  return new Map(there.map((name) => [name, readFileSync(join(docs, name), "utf8")]));
}

/** Writes the pages and their plots, and removes plots that are none any more. */
export function writePages(pages: Pages): void {
  for (const name of readPages().keys()) if (!pages.has(name)) rmSync(join(docs, name));
  for (const [name, text] of pages) writeFileSync(join(docs, name), text);
}

/** JSON with a line for each field, and one for a whole list of numbers. */
function formatJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(/\[[-\d.e,\s]+\]/g, (list) =>
    list.replaceAll(/\s+/g, " ").replace("[ ", "[").replace(" ]", "]"),
  );
}
