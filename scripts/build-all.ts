// Builds the executables of all platforms (or of those named), with their checksums and lists of parts, into dist.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { buildExecutable } from "./native/executable.ts";
import { writeSbom } from "./release/sbom.ts";
import { executableName, targets } from "./release/targets.ts";

const names = process.argv.slice(2);
const unknown = names.filter((name) => targets.every((target) => target.name !== name));
if (unknown.length > 0) {
  console.error(`no such platform: ${unknown.join(", ")}; there are ${targets.map(({ name }) => name).join(", ")}`);
  process.exit(64);
}

for (const target of targets) {
  if (names.length > 0 && !names.includes(target.name)) continue;
  const outfile = `dist/${executableName(target)}`;
  await buildExecutable({ target: target.cpu, outfile });
  await writeSbom(target, `${outfile}.cdx.json`);
  console.log(outfile);
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
