// Unpacks single packages of Debian without installing anything, into a folder that stays for the next time.
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { execa } from "execa";

export interface PackageSet {
  readonly names: readonly string[];
  /** Another architecture than this machine's. */
  readonly architecture?: string;
}

/** Returns the folder that holds the files of all `sets`; `name` names it, in `parent`. Dependencies are not followed. */
export async function unpackPackages(
  name: string,
  sets: readonly PackageSet[],
  parent = "node_modules/.cache/nfs-init",
): Promise<string> {
  const store = resolve(parent, name);
  if (existsSync(store)) return store;
  const work = `${store}.${process.pid}`;
  await mkdir(join(work, "root"), { recursive: true });
  try {
    for (const set of sets) await download(work, set);
    for (const file of await readdir(work)) {
      if (file.endsWith(".deb")) await execa("dpkg-deb", ["-x", join(work, file), join(work, "root")]);
    }
    await rename(join(work, "root"), store);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return store;
}

async function download(work: string, { names, architecture }: PackageSet): Promise<void> {
  const own = { "Dir::State::status": "/dev/null", "Dir::Cache": work, "APT::Sandbox::User": "root" };
  if (architecture === undefined) {
    try {
      await aptGet(work, own, "download", ...names);
      return;
    } catch {
      // The machine's lists are old or not there.
    }
  }
  const lists = join(work, `lists-${architecture ?? "own"}`);
  await mkdir(join(lists, "partial"), { recursive: true });
  const fresh = {
    ...own,
    "Dir::State::lists": lists,
    ...(architecture !== undefined && { "APT::Architecture": architecture, "APT::Architectures": architecture }),
  };
  await aptGet(work, fresh, "update");
  await aptGet(work, fresh, "download", ...names);
}

async function aptGet(cwd: string, options: Readonly<Record<string, string>>, ...args: string[]): Promise<void> {
  const words = Object.entries({ ...options, "Debug::NoLocking": "true", "Acquire::Retries": "3" });
  await execa("apt-get", ["-qq", ...words.flatMap(([name, value]) => ["-o", `${name}=${value}`]), ...args], { cwd });
}
