// The .rpm of one platform, by rpmbuild: the machine's own, or Debian's, unpacked and not installed.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { unpackPackages } from "../debian/unpack.ts";
import type { Cpu } from "../native/pins.ts";
import { about } from "./about.ts";
import { isoDate, packagedFiles, stoppedUnits, type PackagedFile, type Release } from "./contents.ts";
import { layTree } from "./tree.ts";

const architectures: Readonly<Record<Cpu, string>> = { x64: "x86_64", arm64: "aarch64" };

/** How a program of rpm is started. */
export interface RpmTools {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Debian's rpm with all its libraries; what is unpacked stays for the next time. */
export async function rpmTools(): Promise<RpmTools> {
  const root = await unpackPackages("rpm", [{ names: ["rpm"], withDependencies: true }]);
  const libraries = ["usr/lib", "lib"].map((place) =>
    join(root, place, `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`),
  );
  return {
    folder: join(root, "usr/bin"),
    env: { LD_LIBRARY_PATH: libraries.join(":"), RPM_CONFIGDIR: join(root, "usr/lib/rpm"), LC_ALL: "C" },
  };
}

/** Makes `into/nfs-init-VERSION-1.ARCHITECTURE.rpm` and returns its path. */
export async function buildRpm(cpu: Cpu, executable: string, release: Release, into: string): Promise<string> {
  const architecture = architectures[cpu];
  const work = resolve(into, `rpm-${architecture}`);
  const files = [
    ...packagedFiles(executable, release, "site-functions"),
    { path: "usr/share/licenses/nfs-init/LICENSE", content: readFileSync("LICENSE") },
    { path: "usr/share/doc/nfs-init/CHANGELOG.md", content: readFileSync("CHANGELOG.md") },
  ];
  const tree = join(work, "tree");
  rmSync(work, { recursive: true, force: true });
  layTree(tree, files, release.time);
  const spec = join(work, "nfs-init.spec");
  writeFileSync(spec, specOf(tree, release, files));
  const tools = await rpmTools();
  const settings = {
    _topdir: work,
    _buildhost: "localhost",
    use_source_date_epoch_as_buildtime: "1",
    clamp_mtime_to_source_date_epoch: "1",
    _build_id_links: "none",
    _binary_payload: "w9.xzdio",
    __os_install_post: "%{nil}",
    debug_package: "%{nil}",
  };
  const defines = Object.entries(settings).flatMap(([name, value]) => ["--define", `${name} ${value}`]);
  await execa(
    join(tools.folder, "rpmbuild"),
    ["-bb", "--quiet", "--target", `${architecture}-linux`, ...defines, spec],
    {
      env: { ...tools.env, SOURCE_DATE_EPOCH: String(release.time) },
    },
  );
  const name = `nfs-init-${release.version}-1.${architecture}.rpm`;
  renameSync(join(work, "RPMS", architecture, name), join(into, name));
  rmSync(work, { recursive: true });
  return join(into, name);
}

function specOf(tree: string, { version, time }: Release, files: readonly PackagedFile[]): string {
  const date = new Date(time * 1_000).toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+).*$/, "$1 $3 $2 $4");
  return `Name: nfs-init
Version: ${version}
Release: 1
Summary: ${about.summary}
License: MIT
AutoReqProv: no

%description
${about.description.join("\n")}

%install
mkdir -p %{buildroot}
cp -a ${tree}/. %{buildroot}/

%preun
# Nothing was started when it was installed; what runs goes on over an upgrade.
if [ "$1" = 0 ] && [ -d /run/systemd/system ]; then
  systemctl stop ${stoppedUnits().join(" ")} >/dev/null 2>&1 || :
fi

%files
%defattr(-,root,root,-)
${files.map(lineOf).join("\n")}

%changelog
* ${date} ${about.maintainer} - ${version}-1
- Version ${version} of ${isoDate(time)}
`;
}

function lineOf({ path }: PackagedFile): string {
  if (path.startsWith("usr/share/licenses/")) return `%license /${path}`;
  return path.startsWith("usr/share/doc/") || path.startsWith("usr/share/man/") ? `%doc /${path}` : `/${path}`;
}
