// Builds a small program in C for a test, static, with the compiler and the C library that nfs-init is built with.
import { resolve } from "node:path";
import { compilerFor } from "../../scripts/native/compilers.ts";
import { compileFlags, linkWords, ownFlags } from "../../scripts/native/flags.ts";
import { machineCpu } from "../../scripts/native/pins.ts";
import { libcFor } from "../../scripts/native/sources.ts";

export async function buildProgram(source: string, outfile: string): Promise<void> {
  const cpu = machineCpu();
  const [compiler, libc] = [await compilerFor(cpu), await libcFor(cpu)];
  const object = `${outfile}.o`;
  await compiler.gcc([...compileFlags("plain", compiler, libc, resolve(".")), ...ownFlags, "-c", source, "-o", object]);
  await compiler.gcc([...linkWords("plain", compiler, libc, [object]), "-o", outfile]);
}
