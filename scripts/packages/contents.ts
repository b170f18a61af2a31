// What the packages of distributions hold: the executable, its manual, completions and units, and where each lies.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import { manPage } from "./man-page.ts";
import { zshCompletion } from "./zsh.ts";

/** One file of a package. */
export interface PackagedFile {
  /** Without the leading slash. */
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly isExecutable?: boolean;
}

export interface Release {
  readonly version: string;
  /** Seconds since 1970: the time of every file, so that the same commit makes the same bytes. */
  readonly time: number;
}

const unitFolder = "examples/systemd";

/** The units of nfs-init itself, by their names; those of services that use it are examples only. */
const unitNames: readonly string[] = readdirSync(unitFolder).filter((name) => name.startsWith("nfs-init"));

/** All but what the two formats have each in its own way: the licence and the list of changes. */
export function packagedFiles(executable: string, release: Release, zshFolder: string): readonly PackagedFile[] {
  return [
    { path: "usr/bin/nfs-init", content: readFileSync(executable), isExecutable: true },
    { path: "usr/share/man/man1/nfs-init.1.gz", content: packed(manualOf(release)) },
    { path: "usr/share/bash-completion/completions/nfs-init", content: bashCompletion() },
    { path: `usr/share/zsh/${zshFolder}/_nfs-init`, content: zshCompletion() },
    { path: "usr/share/fish/vendor_completions.d/nfs-init.fish", content: fishCompletion() },
    ...unitNames.map((name) => ({ path: `usr/lib/systemd/system/${name}`, content: packagedUnit(name) })),
  ];
}

export function manualOf({ version, time }: Release): string {
  return manPage({ version, date: isoDate(time), behaviour: readFileSync("docs/behaviour.md", "utf8") });
}

/** gzip without a name and a time in it, as Debian's policy has it for manuals. */
export function packed(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}

/** As in 2026-11-28, in UTC. */
export function isoDate(time: number): string {
  return new Date(time * 1_000).toISOString().slice(0, 10);
}

/** A unit with the executable where a package puts it. */
function packagedUnit(name: string): string {
  return readFileSync(`${unitFolder}/${name}`, "utf8").replaceAll("/usr/local/bin/nfs-init", "/usr/bin/nfs-init");
}

/** The units to stop before the package goes, as words of a shell; every instance of a template too. */
export function stoppedUnits(): readonly string[] {
  return unitNames.map((name) => `'${name.replace("@.", "@*.")}'`);
}
