// Makes the packages of distributions, .deb and .rpm, of the executables in dist, and the manual and completions alone, into dist/packages.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { execa } from "execa";
import { bashCompletion } from "./packages/bash.ts";
import { manualOf, type Release } from "./packages/contents.ts";
import { buildDeb } from "./packages/deb.ts";
import { fishCompletion } from "./packages/fish.ts";
import { buildRpm } from "./packages/rpm.ts";
import { zshCompletion } from "./packages/zsh.ts";
import { executableName, targets } from "./release/targets.ts";

const folder = "dist/packages";
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
const release: Release = { version, time: await releaseTime() };

const missing = targets.map(executableName).filter((name) => !existsSync(`dist/${name}`));
if (missing.length > 0) throw new Error(`there is no ${missing.join(", ")} in dist: npm run build:all`);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const texts = {
  "nfs-init.1": manualOf(release),
  "nfs-init.bash": bashCompletion(),
  "_nfs-init": zshCompletion(),
  "nfs-init.fish": fishCompletion(),
};
for (const [name, text] of Object.entries(texts)) writeFileSync(`${folder}/${name}`, text);
for (const target of targets) {
  const executable = `dist/${executableName(target)}`;
  for (const build of [buildDeb, buildRpm]) console.log(await build(target.cpu, executable, release, folder));
}

/** The time of the commit, in seconds since 1970, so that the same commit makes the same bytes; SOURCE_DATE_EPOCH where there is no repository. */
async function releaseTime(): Promise<number> {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined && /^\d{1,10}$/.test(given)) return Number(given);
  const { stdout } = await execa("git", ["log", "-1", "--format=%ct"]);
  return Number(stdout);
}
