// The sources and libraries that others wrote: fetched, checked and unpacked into the store.
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { fetchPinned } from "../debian/pinned.ts";
import { engine, libc, type Cpu } from "./pins.ts";
import { kept, storeFolder } from "./store.ts";
import { packagedTool } from "./tools.ts";

const fetched = join(storeFolder, "fetched");

/** The folder with the engine's C files. */
export async function engineSource(): Promise<string> {
  const folder = await kept("engine-source", engine, async (into) => {
    const archive = await fetchPinned(engine.file, fetched);
    const xz = await packagedTool("xz", ["xz-utils"]);
    await execa("tar", ["-I", xz.path, "-xf", archive, "-C", into, "--no-same-owner"], { env: xz.env });
  });
  const [inside = ""] = readdirSync(folder);
  return join(folder, inside);
}

export interface Libc {
  readonly include: string;
  /** Where libc.a and the files that start a program are. */
  readonly lib: string;
}

export async function libcFor(cpu: Cpu): Promise<Libc> {
  const folder = await kept(`libc-${cpu}`, [libc, cpu], async (into) => {
    await execa("dpkg-deb", ["-x", await fetchPinned(libc.files[cpu], fetched), into]);
  });
  const triple = cpu === "x64" ? "x86_64-linux-musl" : "aarch64-linux-musl";
  const found = { include: resolve(folder, "usr/include", triple), lib: resolve(folder, "usr/lib", triple) };
  if (!existsSync(join(found.lib, "libc.a")))
    throw new Error(`the package of ${libc.name} has no libc.a in ${found.lib}`);
  return found;
}
