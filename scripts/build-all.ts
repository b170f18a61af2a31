// Builds the executables of all platforms (or of those named), with their checksums and lists of parts, into dist. Runs under Bun.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { compile } from "./release/compile.ts";
import { fetchRuntime } from "./release/runtimes.ts";
import { writeSbom } from "./release/sbom.ts";
import { executableName, runtimeVersion, targets } from "./release/targets.ts";

if (Bun.version !== runtimeVersion) {
  console.error(
    `this Bun is ${Bun.version}, the pinned runtimes are ${runtimeVersion}: bring targets.ts and package.json together`,
  );
  process.exit(1);
}
const names = process.argv.slice(2);
const unknown = names.filter((name) => targets.every((target) => target.name !== name));
if (unknown.length > 0) {
  console.error(`no such platform: ${unknown.join(", ")}; there are ${targets.map(({ name }) => name).join(", ")}`);
  process.exit(64);
}

for (const target of targets) {
  if (names.length > 0 && !names.includes(target.name)) continue;
  const { cpu, libc } = target;
  const executable = await fetchRuntime(target.runtime);
  await compile({ outfile: `dist/${executableName(target)}`, runtime: { executable, cpu, libc } });
  await writeSbom(target, `dist/${executableName(target)}.cdx.json`);
  console.log(`dist/${executableName(target)}`);
}

const files = targets.map(executableName).flatMap((name) => [name, `${name}.cdx.json`]);
const sums = files
  .filter((name) => existsSync(`dist/${name}`))
  .map(
    (name) =>
      `${createHash("sha256")
        .update(readFileSync(`dist/${name}`))
        .digest("hex")}  ${name}\n`,
  );
writeFileSync("dist/SHA256SUMS", sums.join(""));
