// Unpacks packages of Debian without installing anything, into a folder that stays for the next time.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { downloadPackages, type Wanted } from "./apt.ts";

/** Returns the folder that holds the files of all `sets`; `name` names it. Packages whose file's name matches `but` are left out. */
export async function unpackPackages(
  name: string,
  sets: readonly Wanted[],
  { store = "node_modules/.cache/nfs-init", but }: { readonly store?: string; readonly but?: RegExp } = {},
): Promise<string> {
  const folder = resolve(store, name);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}.`);
  await mkdir(join(work, "root"));
  try {
    const files = new Set<string>();
    for (const set of sets) for (const file of await downloadPackages(work, set)) files.add(file);
    for (const file of files) {
      if (but?.test(basename(file)) !== true) await execa("dpkg-deb", ["-x", file, join(work, "root")]);
    }
    await rename(join(work, "root"), folder);
  } catch (error) {
    // Another process may have been first.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}
