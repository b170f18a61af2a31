// Makes the npm packages of the executables in dist: one for each platform, and nfs-init, which brings the one that fits.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { executableName, targets, type Target } from "./release/targets.ts";

const folder = "dist/npm";
const { version, description, license } = JSON.parse(readFileSync("package.json", "utf8")) as Record<string, string>;

const missing = targets.map(executableName).filter((name) => !existsSync(join("dist", name)));
if (missing.length > 0) throw new Error(`there is no ${missing.join(", ")} in dist: npm run build:all`);
rmSync(folder, { recursive: true, force: true });
for (const target of targets) writePlatformPackage(target);
writeMainPackage();
for (const name of ["nfs-init", ...targets.map((target) => target.name)]) {
  const { stdout } = await execa("npm", ["pack", "--silent", "--pack-destination", ".", `./${name}`], { cwd: folder });
  console.log(join(folder, stdout.trim()));
}

function writePlatformPackage(target: Target): void {
  const into = join(folder, target.name);
  mkdirSync(into, { recursive: true });
  copyFileSync(join("dist", executableName(target)), join(into, "nfs-init"));
  chmodSync(join(into, "nfs-init"), 0o755);
  copyFileSync(join("dist", `${executableName(target)}.cdx.json`), join(into, "nfs-init.cdx.json"));
  copyFileSync("LICENSE", join(into, "LICENSE"));
  writeFileSync(
    join(into, "README.md"),
    `# ${packageName(target)}\n\nThe executable of [nfs-init](https://www.npmjs.com/package/nfs-init) for Linux on ${target.cpu}. Install \`nfs-init\` instead.\n`,
  );
  writeManifest(into, {
    name: packageName(target),
    version,
    description: `nfs-init for Linux on ${target.cpu}`,
    license,
    os: ["linux"],
    cpu: [target.cpu],
    // Yarn must not keep an executable in an archive.
    preferUnplugged: true,
    files: ["nfs-init", "nfs-init.cdx.json"],
  });
}

function writeMainPackage(): void {
  const into = join(folder, "nfs-init");
  mkdirSync(into, { recursive: true });
  copyFileSync("scripts/npm/nfs-init.cjs", join(into, "nfs-init.cjs"));
  for (const name of ["LICENSE", "README.md", "CHANGELOG.md"]) copyFileSync(name, join(into, name));
  writeManifest(into, {
    name: "nfs-init",
    version,
    description,
    license,
    keywords: ["nfs", "mount", "docker", "container", "init", "pid1", "entrypoint", "kubernetes", "balena"],
    os: ["linux"],
    cpu: ["x64", "arm64"],
    engines: { node: ">=18" },
    bin: { "nfs-init": "nfs-init.cjs" },
    files: ["nfs-init.cjs", "CHANGELOG.md"],
    // npm installs those that fit this machine's os and cpu.
    optionalDependencies: Object.fromEntries(targets.map((target) => [packageName(target), version])),
  });
}

function packageName(target: Target): string {
  return `@nfs-init/${target.name}`;
}

function writeManifest(into: string, manifest: object): void {
  writeFileSync(join(into, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
