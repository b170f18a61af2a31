// The way back from a chunk's line and column to the source: on real bundles, whose chunks are evaluated.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { bundle, type Chunk } from "../../../scripts/native/bundle.ts";
import { lineMapModule, originsOf } from "../../../scripts/native/line-map.ts";

type Locate = (chunk: string, line: number, column?: number) => string | undefined;

const files = {
  "start.ts": `// A comment that goes.
import { later } from "./shared.ts";

interface Gone {
  readonly text: string;
}

export function first(gone: Gone): void {
  for (const letter of gone.text) {
    mark("in the loop", letter);
  }
  mark("after the loop");
}

export const second = async () =>
  (await import("./late.ts")).late(later);
`,
  "shared.ts": `export function later(): void {
  // Only here.
  mark("shared");
}
`,
  "late.ts": `import { later } from "./shared.ts";



export function late(also: () => void): void { mark("late"); later(); also(); }
`,
};

/** The chunks of `files`, and the way back from them. */
async function located(): Promise<{ chunks: readonly Chunk[]; locate: Locate; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), "nfs-init-lines-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "src"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, "src", name), text);
  const chunks = await bundle({ entry: join(folder, "src/start.ts"), aliases: {}, constants: {} });
  const module = `data:text/javascript,${encodeURIComponent(lineMapModule(chunks))}`;
  const { locate } = (await import(module)) as { readonly locate: Locate };
  return { chunks, locate, folder: relative(".", folder) };
}

/** Line and column, from 1, of a text in a chunk. */
function placeOf(chunk: Chunk | undefined, text: string): readonly [number, number] {
  const lines = (chunk?.code ?? "").split("\n");
  const line = lines.findIndex((one) => one.includes(text));
  return [line + 1, (lines[line] ?? "").indexOf(text) + 1];
}

it.each(
  Object.entries(files).flatMap(([file, text]) =>
    [...text.matchAll(/mark\("([^"]+)"/g)].map(([, mark = ""]) => ({
      mark,
      file,
      line: text.split("\n").findIndex((one) => one.includes(`"${mark}"`)) + 1,
    })),
  ),
)('finds "$mark" in line $line of $file', async ({ mark, file, line }) => {
  const { chunks, locate, folder } = await located();
  const chunk = chunks.find(({ code }) => code.includes(`"${mark}"`));
  expect(locate(chunk?.name ?? "", ...placeOf(chunk, `mark("${mark}"`))).toBe(`${folder}/src/${file}:${line}`);
});

it("makes the entry the first chunk, and one chunk of each dynamic import and of what chunks share", async () => {
  const { chunks } = await located();
  expect(chunks[0]?.name).toBe("start");
  expect(chunks.map(({ name }) => name).toSorted()).toEqual(["late", "shared", "start"]);
});

it("keeps the names of functions, which show in messages", async () => {
  const { chunks } = await located();
  expect(chunks[0]?.code).toMatch(/function first\(/);
});

it.each([
  { what: "an unknown chunk", chunk: "none", line: 1 },
  { what: "a name that every object has", chunk: "constructor", line: 1 },
  { what: "a line before the first", chunk: "start", line: 0 },
  { what: "a line behind the last", chunk: "start", line: 10_000 },
])("says nothing of $what", async ({ chunk, line }) => {
  const { locate } = await located();
  expect(locate(chunk, line)).toBeUndefined();
});

it("refuses what is no source map", () => {
  expect(() => originsOf("AA?A")).toThrow('"?" is no digit of a source map');
});
