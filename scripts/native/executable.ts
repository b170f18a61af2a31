// Builds an executable: bundle, bytecode, C, link. The same sources and the same compiler give the same bytes, whatever folder they are in.
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { aliases } from "./aliases.ts";
import { bundle } from "./bundle.ts";
import { compileChunks } from "./bytecode.ts";
import { chunkBytes, chunkTable } from "./chunk-table.ts";
import { compilerFor, type Compiler } from "./compilers.ts";
import { buildConstants } from "./constants.ts";
import { engineFor, type Engine } from "./engine.ts";
import { compileFlags, linkWords, ownFlags, type Kind } from "./flags.ts";
import { lineMapModule } from "./line-map.ts";
import { inParallel } from "./parallel.ts";
import type { Cpu } from "./pins.ts";
import { libcFor, type Libc } from "./sources.ts";
import { kept, storeFolder } from "./store.ts";

export interface Build {
  readonly target: Cpu;
  readonly outfile: string;
  /** With the address and undefined-behaviour sanitizers and the machine's own C library; for this machine's processor only. */
  readonly sanitize?: boolean;
  /** With symbols, and hardly optimized. */
  readonly debug?: boolean;
  /** The first module; its chunk has its name. */
  readonly entry?: string;
  /** The folder of the C sources. */
  readonly native?: string;
}

/** What one build compiles with. */
interface Kit {
  readonly kind: Kind;
  readonly compiler: Compiler;
  readonly libc: Libc;
  readonly engine: Engine;
}

/** Runs in the project's folder. */
export async function buildExecutable(build: Build): Promise<void> {
  const { target, outfile, sanitize = false, debug = false, entry = "src/cli.ts", native = "native" } = build;
  const kind = sanitize ? "sanitized" : debug ? "debug" : "plain";
  const [compiler, libc] = [await compilerFor(target), await libcFor(target)];
  const kit = { kind, compiler, libc, engine: await engineFor(kind, compiler, libc) } satisfies Kit;
  const work = mkdtempSync(join(storeFolder, "link-"));
  try {
    const chunks = await bundle({ entry, aliases, constants: buildConstants() });
    const all = [...chunks, { name: "line-map", code: lineMapModule(chunks) }];
    const entries = await compileChunks(all, work);
    await writeFile(join(work, "table.c"), chunkTable(entries));
    await writeFile(join(work, "bytes.S"), chunkBytes(entries));
    const flags = [...compileFlags(kind, compiler, libc, resolve(work)), ...ownFlags, "-I", resolve(native)];
    await compiler.gcc([...flags, "-c", "table.c", "bytes.S"], work);
    const objects = [...(await nativeObjects(native, kit)), join(work, "table.o"), join(work, "bytes.o")];
    const words = linkWords(kind, compiler, libc, [...objects, kit.engine.library]);
    await mkdir(dirname(outfile), { recursive: true });
    // A running executable cannot be written to, and the store may lie on another file system.
    await compiler.gcc([...words, "-o", `${outfile}.new`]);
    await rename(`${outfile}.new`, outfile);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The compiled C files of a folder; kept until one of them, or a flag, changes. */
async function nativeObjects(native: string, { kind, compiler, libc, engine }: Kit): Promise<readonly string[]> {
  const sources = readdirSync(native)
    .filter((name) => /\.[ch]$/.test(name))
    .toSorted();
  const flags = [
    ...compileFlags(kind, compiler, libc, resolve(native)),
    ...ownFlags,
    "-isystem",
    resolve(engine.include),
  ];
  const contents = sources.map((name) => [name, readFileSync(join(native, name), "utf8")]);
  const parts = [contents, flags.map((word) => word.replaceAll(resolve("."), ".")), compiler.version];
  const files = sources.filter((name) => name.endsWith(".c"));
  const objectOf = (folder: string, file: string) => join(folder, `${basename(file, ".c")}.o`);
  const folder = await kept(`native-${kind}-${compiler.cpu}`, parts, async (into) => {
    await inParallel(files, (file) =>
      compiler.gcc([...flags, "-c", file, "-o", resolve(objectOf(into, file))], native),
    );
  });
  return files.map((file) => objectOf(folder, file));
}
