// From a place in a chunk back to the file and line of TypeScript that it was made from: a chunk of its own, read when a fault is told.
import type { Chunk } from "./bundle.ts";

/** Where a part of a line of a chunk comes from. */
export interface Origin {
  /** The column in which it begins, from 0. */
  readonly column: number;
  /** The index of the file in the map's sources. */
  readonly source: number;
  /** From 1. */
  readonly line: number;
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The whole numbers in one segment of a source map's mappings, which are written as base64 VLQ. */
function decodeVlq(text: string): readonly number[] {
  const numbers: number[] = [];
  let [value, shift] = [0, 0];
  for (const char of text) {
    const digit = digits.indexOf(char);
    if (digit === -1) throw new Error(`${JSON.stringify(char)} is no digit of a source map`);
    value += (digit & 31) << shift;
    shift += 5;
    if ((digit & 32) !== 0) continue;
    numbers.push((value & 1) === 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}

function encodeVlq(number: number): string {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1;
  let text = "";
  do {
    const digit = rest & 31;
    rest >>>= 5;
    text += digits[rest > 0 ? digit | 32 : digit];
  } while (rest > 0);
  return text;
}

/** For each line of generated code its parts that come from different lines. A line that is the bundler's own has none. */
export function originsOf(mappings: string): readonly (readonly Origin[])[] {
  let [source, line] = [0, 0];
  return mappings.split(";").map((text) => {
    const origins: Origin[] = [];
    let column = 0;
    for (const segment of text === "" ? [] : text.split(",")) {
      const [columnStep = 0, sourceStep, lineStep] = decodeVlq(segment);
      column += columnStep;
      if (sourceStep === undefined || lineStep === undefined) continue;
      source += sourceStep;
      line += lineStep;
      const last = origins.at(-1);
      if (last?.source !== source || last.line !== line + 1) origins.push({ column, source, line: line + 1 });
    }
    return origins;
  });
}

/**
 * Lines of a chunk that stand together and come from one file: the first line, the file, and for each line a text that ends in `;`.
 * The text is empty where the line in the file is one more than before; else it holds numbers: how many lines more, and for further
 * parts of the line each the columns more and the lines more.
 */
type Run = readonly [first: number, file: string, lines: string];

export function runsOf(lines: readonly (readonly Origin[])[], sources: readonly string[]): readonly Run[] {
  const runs: { first: number; source: number; line: number; text: string }[] = [];
  for (const [index, origins] of lines.entries()) {
    const source = origins[0]?.source ?? runs.at(-1)?.source;
    if (source === undefined) continue;
    if (source !== runs.at(-1)?.source) runs.push({ first: index + 1, source, line: 0, text: "" });
    const run = runs.at(-1);
    if (run === undefined) continue;
    // What comes from nowhere belongs to what stands before it.
    const [first = { column: 0, line: run.line, source }, ...others] = origins;
    let [text, column, line] = [encodeVlq(first.line - run.line), 0, first.line];
    for (const part of others.filter((other) => other.source === source)) {
      text += encodeVlq(part.column - column) + encodeVlq(part.line - line);
      ({ column, line } = part);
    }
    run.text += `${text === encodeVlq(1) ? "" : text};`;
    run.line = line;
  }
  return runs.map(({ first, source, text }) => [first, sources[source] ?? "", text]);
}

/**
 * The chunk's JavaScript. It exports `locate(chunk, line, column)`, which gives `src/roles/run.ts:57`, or undefined where it does not know.
 * Line and column are counted from 1, as the engine writes them; without a column it is the first thing on the line.
 */
export function lineMapModule(chunks: readonly Chunk[]): string {
  const table = Object.fromEntries(chunks.map(({ name, map }) => [name, runsOf(originsOf(map.mappings), map.sources)]));
  return `const digits = ${JSON.stringify(digits)};
const table = JSON.parse(${JSON.stringify(JSON.stringify(table))});
function numbersOf(text) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const char of text === "" ? "C" : text) {
    const digit = digits.indexOf(char);
    value += (digit & 31) << shift;
    shift += 5;
    if ((digit & 32) !== 0) continue;
    numbers.push((value & 1) === 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}
export function locate(chunk, line, column = 1) {
  const run = (Object.hasOwn(table, chunk) ? table[chunk] : []).findLast(([first]) => first <= line);
  if (run === undefined) return undefined;
  const [first, file, text] = run;
  let at = 0;
  for (const [index, one] of text.split(";").entries()) {
    const [step, ...parts] = numbersOf(one);
    at += step;
    let from = 0;
    for (let i = 0; i < parts.length; i += 2) {
      from += parts[i];
      if (index === line - first && from > column - 1) break;
      at += parts[i + 1];
    }
    if (index === line - first) return \`\${file}:\${at}\`;
  }
  return undefined;
}
`;
}
