// Compiles chunks to bytecode, with the very engine that will run it.
import { readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { compilerFor } from "./compilers.ts";
import { engineFor } from "./engine.ts";
import { compileFlags, linkWords, ownFlags } from "./flags.ts";
import { inParallel } from "./parallel.ts";
import { machineCpu } from "./pins.ts";
import { libcFor } from "./sources.ts";
import { kept } from "./store.ts";
import type { TableEntry } from "./chunk-table.ts";

const program = "scripts/native/bytecode.c";

/** Bytecode is the same for both processors: both are little-endian and of 64 bits. The files of bytes are left in `folder`. */
export async function compileChunks(
  chunks: readonly { readonly name: string; readonly code: string }[],
  folder: string,
): Promise<readonly TableEntry[]> {
  const compiler = await bytecodeCompiler();
  return inParallel([...chunks.entries()], async ([index, { name, code }]) => {
    const [source, file] = [join(folder, `${index}.js`), `${index}.bin`];
    writeFileSync(source, code);
    await execa(compiler, [name, source, join(folder, file)]);
    return { name, file, sizeBytes: (await readFile(join(folder, file))).length };
  });
}

async function bytecodeCompiler(): Promise<string> {
  const cpu = machineCpu();
  const compiler = await compilerFor(cpu);
  const libc = await libcFor(cpu);
  const engine = await engineFor("plain", compiler, libc);
  const folder = await kept("bytecode", [readFileSync(program, "utf8"), engine.library], async (into) => {
    const object = join(into, "bytecode.o");
    const flags = compileFlags("plain", compiler, libc, resolve("."));
    await compiler.gcc([...flags, ...ownFlags, "-isystem", engine.include, "-c", program, "-o", object]);
    const words = linkWords("plain", compiler, libc, [object, engine.library]);
    await compiler.gcc([...words, "-o", join(into, "bytecode")]);
  });
  return resolve(folder, "bytecode");
}
