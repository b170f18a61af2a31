// How C is compiled and linked.
import { join } from "node:path";
import type { Compiler } from "./compilers.ts";
import { engine, type Cpu } from "./pins.ts";
import type { Libc } from "./sources.ts";

/**
 * `plain`: static, with musl. `debug`: the same, for a debugger. `sanitized`: for tests, with the machine's own C library and the
 * sanitizers of gcc, which need it.
 */
export type Kind = "plain" | "debug" | "sanitized";

const machine: Readonly<Record<Cpu, readonly string[]>> = {
  x64: [],
  // The outlined ones ask the C library for the processor's abilities, in a way that only glibc knows.
  arm64: ["-mno-outline-atomics"],
};

const reproducible = (folder: string): readonly string[] => [`-ffile-prefix-map=${folder}=.`, "-fno-ident", "-g0"];

/** No unwinding takes place: its tables, a tenth of the executable, are left out. */
const small = ["-ffunction-sections", "-fdata-sections", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables"];

const sanitizers = [
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=all",
  "-fno-omit-frame-pointer",
  "-g",
  "-O1",
];

/** For whatever is compiled in the absolute folder `folder`. */
export function compileFlags(kind: Kind, compiler: Compiler, libc: Libc, folder: string): readonly string[] {
  const both = ["-std=gnu11", "-fdiagnostics-color=never", "-D_GNU_SOURCE", "-fPIE", "-fstack-protector-strong"];
  if (kind === "sanitized") return [...both, ...sanitizers];
  return [
    ...both,
    ...machine[compiler.cpu],
    ...small,
    ...(kind === "debug" ? ["-Og", "-g"] : ["-O2", ...reproducible(folder)]),
    "-nostdinc",
    "-isystem",
    libc.include,
    "-isystem",
    compiler.include,
  ];
}

/** What the engine's own makefile says, as far as it changes code. */
export const engineFlags: readonly string[] = ["-w", "-fwrapv", `-DCONFIG_VERSION="${engine.version}"`];

/** For what is ours. */
export const ownFlags: readonly string[] = ["-Wall", "-Wextra", "-Werror"];

/** Around the objects and libraries that are linked. */
export function linkWords(kind: Kind, compiler: Compiler, libc: Libc, objects: readonly string[]): readonly string[] {
  if (kind === "sanitized") return [...sanitizers, "-pie", ...objects, "-lm", "-lpthread"];
  const start = (name: string) => join(libc.lib, name);
  return [
    "-nostdlib",
    "-static-pie",
    ...["-z,relro", "-z,now", "-z,noexecstack", "--gc-sections", "--build-id=none", "-O1"].map((word) => `-Wl,${word}`),
    ...(kind === "debug" ? [] : ["-s"]),
    start("rcrt1.o"),
    start("crti.o"),
    ...objects,
    "-Wl,--start-group",
    start("libc.a"),
    compiler.libgcc,
    "-Wl,--end-group",
    start("crtn.o"),
  ];
}
