// The C compilers of both processors.
import { dirname, join } from "node:path";
import { execa } from "execa";
import { machineCpu, type Cpu } from "./pins.ts";
import { ownProgram, packagedTool, unpackedTool, type Tool } from "./tools.ts";

export interface Compiler {
  readonly cpu: Cpu;
  /** What two compilers that give different code differ in. */
  readonly version: string;
  /** Runs gcc in `cwd`. */
  readonly gcc: (args: readonly string[], cwd?: string) => Promise<string>;
  readonly ar: (args: readonly string[]) => Promise<string>;
  /** The compiler's own headers, such as stdarg.h. */
  readonly include: string;
  /** Its helpers for what the processor cannot do in one instruction. */
  readonly libgcc: string;
}

const triples: Readonly<Record<Cpu, string>> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

/** The names of the packages: `gcc-x86-64-linux-gnu`. */
const crossPackages = (cpu: Cpu): readonly string[] => {
  const name = triples[cpu].replace("_", "-");
  return [`gcc-${name}`, `binutils-${name}`];
};

export async function compilerFor(cpu: Cpu): Promise<Compiler> {
  const isNative = cpu === machineCpu();
  const prefix = isNative ? "" : `${triples[cpu]}-`;
  const packages = isNative ? ["gcc", "binutils"] : crossPackages(cpu);
  // A compiler without its assembler and linker is none.
  const isWhole = ["gcc", "as", "ld", "ar"].every((name) => ownProgram(`${prefix}${name}`) !== undefined);
  const gcc = await (isWhole ? packagedTool : unpackedTool)(`${prefix}gcc`, packages);
  const ar = { path: join(dirname(gcc.path), `${prefix}ar`), env: gcc.env };
  const run = async (tool: Tool, args: readonly string[], cwd = "."): Promise<string> => {
    const result = await execa(tool.path, args, { env: { ...tool.env, LC_ALL: "C" }, cwd, reject: false });
    if (result.failed) throw new Error(`${result.shortMessage}\n${result.stderr}`);
    return result.stdout.trim();
  };
  return {
    cpu,
    version: await run(gcc, ["--version"]),
    gcc: (args, cwd) => run(gcc, args, cwd),
    ar: (args) => run(ar, args),
    include: await run(gcc, ["-print-file-name=include"]),
    libgcc: await run(gcc, ["-print-libgcc-file-name"]),
  };
}
