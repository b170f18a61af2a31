// How much larger an image gets by what is to mount shares in it, or to serve them, beside the packages that are installed for that.

import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { constants, createZstdCompress } from "node:zlib";
import { execa } from "execa";
import { unpackPackages } from "../../scripts/debian/unpack.ts";
import { nfsInit, requireBinary } from "../lab-rig.ts";
import type { Competitor, Measurement, Rig } from "../measurement.ts";

export const size: Measurement = {
  name: "size",
  title: "Size",
  question: "How much larger does an image get by what is to mount shares in it, or to serve them, and to be its init?",
  method: [
    "On disk is the sum of the sizes of the files; packed is a tar of them through zstd -19; through gzip -9, as most registries keep a layer, it is a sixth more. nfs-init is the executable:",
    "it makes the system calls itself and needs nothing else, so the image of Dockerfile.ubuntu is its base and this one file. A shell",
    "that mounts needs mount.nfs, which Debian has in nfs-common: counted are nfs-common, tini and all packages they need that a bare Debian",
    "(the packages that are required or essential, and apt) does not have, Python among them; without what is only recommended, without",
    "documentation and translations, as in Debian's slim images, and without what the packages' scripts make as they are installed. bash and",
    "mount are in the bare Debian. A script that serves needs nfs-kernel-server and rpcbind, counted alike, where nfs-init serve is the same one",
    "file. The floor is tini with what it needs there: an init that mounts nothing. Other",
    "distributions' packages are smaller, and who copies mount.nfs and its libraries alone needs a few MB at most: that is not measured.",
  ].join(" "),
  unit: "MB",
  where: "this machine",
  warmUpRounds: 0,
  rounds: 1,
  cases: [
    { name: "disk", title: "On disk" },
    { name: "packed", title: "Packed" },
  ],
  targets: [
    { case: "disk", median: 1.8 },
    { case: "packed", median: 0.85 },
  ],
  open,
};

/** What each peer is installed by. */
const installed: Readonly<Record<string, readonly string[]>> = {
  packages: ["nfs-common", "tini"],
  server: ["nfs-kernel-server", "rpcbind"],
  tini: ["tini"],
};

/** Files below a folder. */
interface Files {
  readonly folder: string;
  readonly names: readonly string[];
}

async function open(): Promise<Rig> {
  requireBinary();
  if (!/^ID=debian$/m.test(readFileSync("/etc/os-release", "utf8"))) {
    throw new Error("the packages measured are Debian's: run this on a Debian");
  }
  const bare = new Set((await resolvePackages([])).map(({ name }) => name));
  const files = new Map<string, Files>([["nfs-init", { folder: dirname(nfsInit), names: [basename(nfsInit)] }]]);
  const versions = new Map<string, string>();
  for (const [competitor, names] of Object.entries(installed)) {
    const added = (await resolvePackages(names)).filter(({ name }) => !bare.has(name));
    for (const { name, version } of added) versions.set(name, version);
    files.set(competitor, await unpack(added));
  }
  const competitors: readonly Competitor[] = [
    { name: "nfs-init", title: "nfs-init", role: "ours" },
    { name: "packages", title: "Debian's nfs-common and tini, for a shell script", role: "peer" },
    { name: "server", title: "Debian's nfs-kernel-server and rpcbind, for a script that serves", role: "peer" },
    { name: "tini", title: "Debian's tini", role: "floor" },
  ];
  const setting = Object.fromEntries(
    ["nfs-common", "nfs-kernel-server", "rpcbind", "tini"].map((name) => [name, versions.get(name) ?? ""]),
  );

  const run: Rig["run"] = async (trial) => {
    const found = files.get(trial.competitor);
    if (found === undefined) throw new Error(`there is no competitor ${trial.competitor}`);
    return (trial.case === "packed" ? await packedBytes(found) : bytesOnDisk(found)) / 1e6;
  };
  return { competitors, absent: [], setting, run, close: async () => {} };
}

interface Package {
  readonly name: string;
  readonly version: string;
}

/** What a Debian has that is made of `names` and what every image of it has. */
async function resolvePackages(names: readonly string[]): Promise<readonly Package[]> {
  const options = ["Dir::State::status=/dev/null", "APT::Install-Recommends=false", "Debug::NoLocking=true"];
  const everywhere = ["?essential", "?priority(required)", "apt", "usr-is-merged"];
  const words = [
    "-qq",
    "--simulate",
    ...options.flatMap((option) => ["-o", option]),
    "install",
    ...everywhere,
    ...names,
  ];
  const { stdout } = await execa("apt-get", words);
  return Array.from(stdout.matchAll(/^Inst (\S+) \((\S+)/gm), ([, name = "", version = ""]) => ({ name, version }));
}

async function unpack(packages: readonly Package[]): Promise<Files> {
  const words = packages.map(({ name, version }) => `${name}=${version}`);
  const key = createHash("sha256").update(words.join(" ")).digest("hex").slice(0, 12);
  const folder = await unpackPackages(`size-${key}`, [{ names: words }]);
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return { folder, names: names.filter((name) => !/^usr\/share\/(doc|info|lintian|locale|man)\//.test(name)) };
}

function bytesOnDisk({ folder, names }: Files): number {
  return names.reduce((sum, name) => sum + lstatSync(join(folder, name)).size, 0);
}

async function packedBytes({ folder, names }: Files): Promise<number> {
  const tar = execa("tar", ["-c", "-C", folder, "--null", "--verbatim-files-from", "-T", "-"], {
    input: names.join("\0"),
    encoding: "buffer",
    buffer: false,
  });
  let bytes = 0;
  for await (const chunk of tar.stdout.pipe(
    createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 19 } }),
  ))
    bytes += (chunk as Buffer).length;
  await tar;
  return bytes;
}
