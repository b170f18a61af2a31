// Looks through the C sources with gcc's analyzer, as they are compiled for this machine. Prints what it finds, and fails then.
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { compilerFor } from "./native/compilers.ts";
import { compileFlags, ownFlags } from "./native/flags.ts";
import { inParallel } from "./native/parallel.ts";
import { machineCpu } from "./native/pins.ts";
import { engineSource, libcFor } from "./native/sources.ts";

const cpu = machineCpu();
const [compiler, libc, engine] = [await compilerFor(cpu), await libcFor(cpu), await engineSource()];
const flags = [...compileFlags("plain", compiler, libc, resolve(".")), ...ownFlags, "-fanalyzer", "-isystem", engine];
const files = ["scripts/native/bytecode.c", ...readdirSync("native").map((name) => join("native", name))];
await inParallel(
  files.filter((file) => file.endsWith(".c")),
  (file) => compiler.gcc([...flags, "-c", file, "-o", "/dev/null"]),
);
