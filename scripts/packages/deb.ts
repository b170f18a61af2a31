// The .deb of one platform, by dpkg-deb: deb(5), deb-control(5).
import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import type { Cpu } from "../native/pins.ts";
import { packed, packagedFiles, stoppedUnits, type PackagedFile, type Release } from "./contents.ts";
import { about } from "./about.ts";
import { layTree } from "./tree.ts";

const architectures: Readonly<Record<Cpu, string>> = { x64: "amd64", arm64: "arm64" };

/** Makes `into/nfs-init_VERSION_ARCHITECTURE.deb` and returns its path. */
export async function buildDeb(cpu: Cpu, executable: string, release: Release, into: string): Promise<string> {
  const architecture = architectures[cpu];
  const tree = resolve(into, `deb-${architecture}`);
  const files = [...packagedFiles(executable, release, "vendor-completions"), ...documents(release)];
  layTree(tree, [...files, ...controlFiles(architecture, release, files)], release.time);
  const deb = join(into, `nfs-init_${release.version}_${architecture}.deb`);
  await execa("dpkg-deb", ["--root-owner-group", "-Zxz", "--build", tree, deb], {
    env: { SOURCE_DATE_EPOCH: String(release.time) },
  });
  rmSync(tree, { recursive: true });
  return deb;
}

function documents({ version, time }: Release): readonly PackagedFile[] {
  const date = new Date(time * 1_000).toUTCString().replace("GMT", "+0000");
  const changes = `nfs-init (${version}) unstable; urgency=medium\n\n  * Version ${version}: CHANGELOG.md.gz beside this file says what is new.\n\n -- ${about.maintainer}  ${date}\n`;
  const copyright = [
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
    "Upstream-Name: nfs-init",
    "",
    "Files: *",
    "Copyright: 2026 the nfs-init authors",
    "License: Expat",
    ...licenceText(),
    "",
  ];
  return [
    { path: "usr/share/doc/nfs-init/changelog.gz", content: packed(changes) },
    { path: "usr/share/doc/nfs-init/CHANGELOG.md.gz", content: packed(readFileSync("CHANGELOG.md", "utf8")) },
    { path: "usr/share/doc/nfs-init/copyright", content: copyright.join("\n") },
    {
      path: "usr/share/lintian/overrides/nfs-init",
      content:
        "# It needs no library: it is linked statically, to be run at any address.\nnfs-init: shared-library-lacks-prerequisites [usr/bin/nfs-init]\n",
    },
  ];
}

/** The text of LICENSE below its heading and its years, as a field of a control file is continued. */
function licenceText(): readonly string[] {
  const [, , , , ...text] = readFileSync("LICENSE", "utf8").trim().split("\n");
  return text.map((line) => ` ${line === "" ? "." : line}`);
}

function controlFiles(
  architecture: string,
  { version }: Release,
  files: readonly PackagedFile[],
): readonly PackagedFile[] {
  const bytes = files.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  const control = [
    "Package: nfs-init",
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${about.maintainer}`,
    `Installed-Size: ${Math.ceil(bytes / 1_024)}`,
    "Section: admin",
    "Priority: optional",
    `Description: ${about.summary}`,
    ...about.description.map((line) => ` ${line}`),
    "",
  ];
  const script = (name: string, body: string) => ({
    path: `DEBIAN/${name}`,
    content: `#!/bin/sh\nset -e\n${body}`,
    isExecutable: true,
  });
  const reload = "\tsystemctl --system daemon-reload >/dev/null || true\n";
  const whereSystemd = (when: string, work: string) =>
    `if [ "$1" = ${when} ] && [ -d /run/systemd/system ]; then\n${work}fi\n`;
  const sums = files.map(({ path, content }) => `${createHash("md5").update(content).digest("hex")}  ${path}\n`);
  return [
    { path: "DEBIAN/control", content: control.join("\n") },
    { path: "DEBIAN/md5sums", content: sums.join("") },
    // Nothing is started: without a configuration there is nothing to do. What runs goes on over an upgrade.
    script("postinst", whereSystemd("configure", reload)),
    script(
      "prerm",
      whereSystemd("remove", `\tdeb-systemd-invoke stop ${stoppedUnits().join(" ")} >/dev/null || true\n`),
    ),
    script("postrm", whereSystemd("remove", reload)),
  ];
}
