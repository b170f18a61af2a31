// Gets the runtimes of other platforms from the npm registry: `npm install` refuses packages that are bound to another platform.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { execa } from "execa";
import { runtimeVersion, type Runtime } from "./targets.ts";

const defaultCache = "node_modules/.cache/nfs-init";

/** Downloads the runtime, or finds it in the cache, and checks it against its pinned integrity. Returns the path of its executable. */
export async function fetchRuntime(runtime: Runtime, cache = defaultCache): Promise<string> {
  await mkdir(cache, { recursive: true });
  const tarball = join(cache, `${basename(runtime.name)}-${runtimeVersion}.tgz`);
  // A folder of its own, so that two builds at a time do not meet half a file.
  const work = await mkdtemp(join(cache, "work-"));
  try {
    if (!existsSync(tarball)) {
      const spec = `${runtime.name}@${runtimeVersion}`;
      const { stdout } = await execa("npm", ["pack", "--silent", "--pack-destination", work, spec]);
      await rename(join(work, stdout.trim()), tarball);
    }
    await verify(tarball, runtime);
    const executable = tarball.replace(/\.tgz$/, "");
    await execa("tar", ["-xzf", tarball, "-C", work, "package/bin/bun"]);
    await rename(join(work, "package/bin/bun"), executable);
    return executable;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function verify(tarball: string, runtime: Runtime): Promise<void> {
  const found = integrityOf(await readFile(tarball));
  if (found === runtime.integrity) return;
  await rm(tarball);
  throw new Error(
    `cannot use ${runtime.name}@${runtimeVersion}: its integrity is ${found}, not ${runtime.integrity} as pinned in targets.ts; the file was removed`,
  );
}

/** As the npm registry writes it (W3C Subresource Integrity). */
export function integrityOf(content: Uint8Array): string {
  return `sha512-${createHash("sha512").update(content).digest("base64")}`;
}
