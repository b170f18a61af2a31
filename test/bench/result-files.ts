// Reads and writes the results under docs/benchmarks and the page made of them.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { measurements } from "./measurements.ts";
import { schemaVersion } from "./result.ts";
import type { Result } from "./result.ts";

const project = join(import.meta.dirname, "../..");
const folder = join(project, "docs/benchmarks");

export const pageFile = join(project, "docs/benchmarks.md");

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

/** JSON with a line for each field, and one for a whole list of numbers. */
function formatJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(/\[[-\d.e,\s]+\]/g, (list) =>
    list.replaceAll(/\s+/g, " ").replace("[ ", "[").replace(" ]", "]"),
  );
}
