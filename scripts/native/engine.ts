// The engine as a static library, compiled once for each processor and kept.
import { join, resolve } from "node:path";
import type { Compiler } from "./compilers.ts";
import { compileFlags, engineFlags, type Kind } from "./flags.ts";
import { inParallel } from "./parallel.ts";
import { engine } from "./pins.ts";
import { engineSource, type Libc } from "./sources.ts";
import { kept } from "./store.ts";

/** Its binding to the machine, quickjs-libc.c, is not among them: ours is under native/. The longest first. */
const files = ["quickjs.c", "libregexp.c", "libunicode.c", "dtoa.c", "cutils.c"];

export interface Engine {
  /** Where quickjs.h is. */
  readonly include: string;
  readonly library: string;
}

export async function engineFor(kind: Kind, compiler: Compiler, libc: Libc): Promise<Engine> {
  const source = await engineSource();
  const own = [...compileFlags(kind, compiler, libc, resolve(source)), ...engineFlags];
  // The folder of the project is no part of what the library depends on.
  const parts = [engine, files, own.map((word) => word.replaceAll(resolve("."), ".")), compiler.version];
  const folder = await kept(`engine-${kind}-${compiler.cpu}`, parts, async (into) => {
    const objects = await inParallel(files, async (file) => {
      const object = resolve(into, file.replace(/\.c$/, ".o"));
      await compiler.gcc([...own, "-c", file, "-o", object], source);
      return object;
    });
    await compiler.ar(["rcsD", join(into, "libengine.a"), ...objects]);
  });
  return { include: source, library: join(folder, "libengine.a") };
}
