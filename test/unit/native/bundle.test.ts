// Bundles: what the engine has not must not get in unnoticed, and chunks must have names of their own.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { bundle } from "../../../scripts/native/bundle.ts";
import { chunkBytes, chunkTable } from "../../../scripts/native/chunk-table.ts";
import { chunkNames } from "../../../scripts/native/chunk-names.ts";

function bundleOf(text: string, aliases: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "nfs-init-bundle-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "start.ts"), text);
  writeFileSync(join(folder, "stand-in.ts"), `export const readFileSync = () => "stand-in";`);
  const inFolder = Object.entries(aliases).map(([name, file]) => [name, join(folder, file)]);
  return bundle({
    entry: join(folder, "start.ts"),
    aliases: Object.fromEntries(inFolder) as Readonly<Record<string, string>>,
    constants: { NFS_INIT_VERSION: '"1.2.3"' },
  });
}

it("refuses a module of Node that nothing stands in for", async () => {
  await expect(bundleOf(`import { readFileSync } from "node:fs"; console.log(readFileSync);`)).rejects.toThrow(
    /cannot bundle [^]*node:fs/,
  );
});

it("takes what stands in for a module of Node", async () => {
  const [chunk] = await bundleOf(`import { readFileSync } from "node:fs"; console.log(readFileSync());`, {
    "node:fs": "stand-in.ts",
  });
  expect(chunk?.code).toContain('"stand-in"');
});

it("leaves the modules that the executable brings", async () => {
  const [chunk] = await bundleOf(`import { getpid } from "native"; getpid(); void import("line-map");`);
  expect(chunk?.code).toMatch(/from "native"[^]*import\("line-map"\)/);
});

it("puts constants in", async () => {
  const [chunk] = await bundleOf("console.log(NFS_INIT_VERSION);");
  expect(chunk?.code).toContain('console.log("1.2.3")');
});

it("names a package's file alike wherever the packages lie", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nfs-init-bundle-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [project, packages] = [join(folder, "project"), join(folder, "elsewhere/node_modules")];
  for (const made of [project, join(packages, "words")]) mkdirSync(made, { recursive: true });
  writeFileSync(join(packages, "words/index.js"), "export const word = globalThis.word;");
  writeFileSync(join(project, "start.ts"), `import { word } from "words"; console.log(word);`);
  symlinkSync(packages, join(project, "node_modules"));
  const [chunk] = await bundle({ entry: join(project, "start.ts"), aliases: {}, constants: {} });
  expect(chunk?.map.sources).toContain("node_modules/words/index.js");
});

it("names chunks by their files", () => {
  expect(chunkNames(["cli.js", "run.js", "rolldown-runtime.js"])).toEqual(["cli", "run", "rolldown-runtime"]);
});

it.each([
  { why: "the native module's", names: ["cli.js", "native.js"] },
  { why: "the line map's", names: ["cli.js", "line-map.js"] },
  { why: "taken", names: ["cli.js", "cli.js"] },
  { why: "of a folder", names: ["cli.js", "roles/run.js"] },
])("refuses a chunk's name that is $why", ({ names }) => {
  expect(() => chunkNames(names)).toThrow(`no chunk can be called ${names[1]?.replace(".js", "")}`);
});

it("writes the table in order, with sizes and the bytes beside it", () => {
  const entries = [
    { name: "cli", file: "0.bin", sizeBytes: 12 },
    { name: "run", file: "1.bin", sizeBytes: 345 },
  ];
  expect(chunkTable(entries)).toMatch(/\{"cli", chunk_0, 12\},\s*\{"run", chunk_1, 345\},[^]*chunk_count = 2;/);
  expect(chunkBytes(entries)).toMatch(/chunk_0:\n\.incbin "0\.bin"[^]*chunk_1:\n\.incbin "1\.bin"/);
});
