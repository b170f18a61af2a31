// Fetches single files of Debian's archive that are pinned by their SHA-256, from whatever release of Debian this machine has.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { execa } from "execa";
import { optionWords, ownOptions } from "./apt.ts";

export interface PinnedFile {
  /** Where it lies in a mirror: `pool/main/q/quickjs/...`. */
  readonly path: string;
  readonly sha256: string;
}

/** A moment at which Debian's archive held all that is pinned: snapshot.debian.org keeps what mirrors have dropped since. */
const snapshot = "http://snapshot.debian.org/archive/debian/20261122T000000Z";

/** Downloads a file into `folder`, or finds it there; one that is not the pinned one is neither returned nor kept. */
export async function fetchPinned(file: PinnedFile, folder: string, from?: readonly string[]): Promise<string> {
  const target = join(folder, basename(file.path));
  if (existsSync(target) && (await sha256Of(target)) === file.sha256) return target;
  await mkdir(folder, { recursive: true });
  const failures: string[] = [];
  for (const mirror of from ?? (await mirrors())) {
    // A folder of its own: apt keeps what it refuses under another name.
    const work = await mkdtemp(`${target}.`);
    try {
      const got = join(work, basename(file.path));
      await download(`${mirror}/${file.path}`, got, file.sha256);
      await rename(got, target);
      return target;
    } catch (error) {
      failures.push(`${mirror}: ${(error as Error).message}`);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  throw new Error(
    `cannot get ${file.path} with SHA-256 ${file.sha256}:\n${failures.join("\n")}\nwhere Debian has replaced it, pin what it has now in scripts/native/pins.ts`,
  );
}

/** apt's own downloader: it knows the machine's proxies and credentials, and keeps no file with another sum. */
async function download(url: string, into: string, sha256: string): Promise<void> {
  const result = await execa(
    "/usr/lib/apt/apt-helper",
    [...optionWords(ownOptions), "-qq", "download-file", url, into, `SHA256:${sha256}`],
    { reject: false },
  );
  if (result.failed) throw new Error(result.stderr.trim().replaceAll(/\s*\n\s*/g, " ") || result.shortMessage);
  const found = await sha256Of(into);
  if (found !== sha256) throw new Error(`its SHA-256 is ${found}`);
}

async function sha256Of(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

/** The mirrors to ask, the one that this machine's apt uses first. */
async function mirrors(): Promise<readonly string[]> {
  const { stdout } = await execa("apt-get", [...optionWords(ownOptions), "update", "--print-uris"], { reject: false });
  return [...new Set([...mirrorsOf(stdout), "http://deb.debian.org/debian", snapshot])];
}

/** Debian's main archive in what `apt-get update --print-uris` prints; those of other projects and of security updates have no pool of it. */
export function mirrorsOf(uris: string): readonly string[] {
  const releases = uris.matchAll(
    /^'([^']+)\/dists\/(?:bullseye|bookworm|trixie|forky|duke|sid|\w*stable|testing)\/InRelease' /gm,
  );
  return [...new Set([...releases].map(([, mirror = ""]) => mirror))];
}
