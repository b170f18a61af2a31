// Keeps what takes long to make, in a folder that git ignores: fetched files, compilers, the compiled engine.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

export const storeFolder = ".build";

/**
 * The folder `NAME-HASH`, made by `make` unless it is there already; the hash is that of `parts`: all that the content depends on.
 * Folders of the same name with another hash are removed then: their sources are gone.
 */
export async function kept(
  name: string,
  parts: unknown,
  make: (folder: string) => Promise<void>,
  store = storeFolder,
): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
  const folder = join(store, `${name}-${hash}`);
  if (existsSync(folder)) return folder;
  await mkdir(store, { recursive: true });
  const work = await mkdtemp(`${folder}.`);
  try {
    await make(work);
    await rename(work, folder);
  } catch (error) {
    // Another process may have been first.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  for (const other of await readdir(store)) {
    if (isOlder(other, name, hash)) await rm(join(store, other), { recursive: true, force: true });
  }
  return folder;
}

function isOlder(other: string, name: string, hash: string): boolean {
  return other.startsWith(`${name}-`) && /^[0-9a-f]{16}$/.test(other.slice(name.length + 1)) && !other.endsWith(hash);
}
