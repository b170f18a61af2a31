// The packages of distributions: what they hold, that lintian has nothing against them, and that one is installed, runs and goes without a trace.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDeb } from "../../scripts/packages/deb.ts";
import { buildRpm, rpmTools } from "../../scripts/packages/rpm.ts";
import { debianRoot, runIn } from "./debian-root.ts";
import { released } from "./released.ts";

const release = { version: "0.1.0", time: 1_767_225_600 };
const folder = mkdtempSync(join(tmpdir(), "nfs-init-packages-"));
const packages = new Map<string, string>();

beforeAll(async () => {
  for (const { name, cpu, file } of released) {
    packages.set(`deb ${name}`, await buildDeb(cpu, file, release, folder));
    packages.set(`rpm ${name}`, await buildRpm(cpu, file, release, folder));
  }
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true }));

function packageOf(kind: string): string {
  const file = packages.get(kind);
  if (file === undefined) throw new Error(`${kind} was not built`);
  return file;
}

const contents = [
  "/usr/bin/nfs-init",
  "/usr/lib/systemd/system/nfs-init-plugin.service",
  "/usr/lib/systemd/system/nfs-init-plugin.socket",
  "/usr/lib/systemd/system/nfs-init-serve.service",
  "/usr/lib/systemd/system/nfs-init@.service",
  "/usr/share/bash-completion/completions/nfs-init",
  "/usr/share/fish/vendor_completions.d/nfs-init.fish",
  "/usr/share/man/man1/nfs-init.1.gz",
];

describe.each(released)("$name", ({ name, cpu, file }) => {
  it("its .deb holds the executable, units, manual and completions, all of them root's", async () => {
    const { stdout } = await execa("dpkg-deb", ["-c", packageOf(`deb ${name}`)]);
    const lines = stdout.split("\n");
    expect(lines.filter((line) => !/^[d-]rw[x-]r-[x-]r-[x-] root\/root /.test(line))).toEqual([]);
    const files = lines.map((line) => line.replace(/^.* \./, ""));
    expect(files).toEqual(expect.arrayContaining([...contents, "/usr/share/zsh/vendor-completions/_nfs-init"]));
    expect(lines.filter((line) => line.startsWith("-rwx")).map((line) => line.replace(/^.* \./, ""))).toEqual([
      "/usr/bin/nfs-init",
    ]);
  });

  it("its .rpm holds the same, needs no library, and is for this processor", async () => {
    const { folder: bin, env } = await rpmTools();
    const ask = (...args: string[]) =>
      execa(join(bin, "rpm"), ["--dbpath", join(folder, "db"), "-qp", ...args, packageOf(`rpm ${name}`)], { env });
    const files = (await ask("-l")).stdout.split("\n");
    expect(files).toEqual(expect.arrayContaining([...contents, "/usr/share/zsh/site-functions/_nfs-init"]));
    const needed = (await ask("--requires")).stdout.split("\n").filter((need) => !need.startsWith("rpmlib("));
    expect(needed).toEqual(["/bin/sh"]);
    expect((await ask("--qf", "%{ARCH}")).stdout).toBe(cpu === "x64" ? "x86_64" : "aarch64");
  });

  it("both are the same bytes from another folder and under another umask", async () => {
    const other = mkdtempSync(join(tmpdir(), "nfs-init-again-"));
    const umask = process.umask(0o077);
    try {
      for (const [kind, build] of [
        ["deb", buildDeb],
        ["rpm", buildRpm],
      ] as const) {
        const again = await build(cpu, file, release, other);
        expect(readFileSync(again).equals(readFileSync(packageOf(`${kind} ${name}`))), kind).toBe(true);
      }
    } finally {
      process.umask(umask);
      rmSync(other, { recursive: true });
    }
  });
});

it("lintian has nothing to say of the .deb that it calls a warning", async () => {
  const root = await debianRoot("lintian", ["lintian"]);
  const deb = packageOf("deb linux-x64");
  copyFileSync(deb, join(root, "tmp", basename(deb)));
  const { all, exitCode } = await runIn(root, `cd /tmp && lintian --allow-root --fail-on=warning ${basename(deb)}`);
  expect([exitCode, all]).toEqual([0, ""]);
}, 300_000);

it("the .deb is installed in a Debian, runs there, and goes without a trace", async () => {
  const root = await debianRoot("plain");
  const deb = packageOf("deb linux-x64");
  copyFileSync(deb, join(root, "tmp", basename(deb)));
  const installed = await runIn(root, `dpkg -i /tmp/${basename(deb)} && dpkg -V nfs-init`);
  expect(installed.exitCode, installed.all).toBe(0);
  const ran = await runIn(root, "NFS_HOST=nas NFS_MOUNT_POINT=/data nfs-init fstab && nfs-init sh -c 'exit 7'");
  expect([ran.exitCode, ran.all]).toEqual([7, "nas:/data /data nfs hard,nolock 0 0"]);
  const removed = await runIn(root, "dpkg -P nfs-init && ! dpkg -s nfs-init");
  expect(removed.exitCode, removed.all).toBe(0);
  for (const path of contents) expect(existsSync(join(root, path)), path).toBe(false);
}, 300_000);
