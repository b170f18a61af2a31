// Roots of Debian, made of unpacked packages, to run a program of Debian's in as if it were installed there.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { onTestFinished } from "vitest";
import { unpackPackages } from "../../scripts/debian/unpack.ts";

/** What every Debian has and no package says that it needs. */
export const essentials = [
  "base-files",
  "bash",
  "coreutils",
  "dash",
  "diffutils",
  "dpkg",
  "findutils",
  "grep",
  "gzip",
  "libc-bin",
  "sed",
  "tar",
];

/** A root of these and of `names`, for this test alone; what was unpacked stays for the next time. */
export async function debianRoot(name: string, names: readonly string[] = []): Promise<string> {
  const unpacked = await unpackPackages(`root-${name}`, [{ names: [...essentials, ...names], withDependencies: true }]);
  const root = mkdtempSync(join(tmpdir(), "nfs-init-debian-"));
  // Thousands of files, on a machine that may be busy.
  onTestFinished(() => rmSync(root, { recursive: true }), 120_000);
  cpSync(unpacked, root, { recursive: true, verbatimSymlinks: true });
  for (const folder of ["dev", "proc", "tmp", "var/lib/dpkg/info", "var/lib/dpkg/updates"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const file of ["dev/null", "var/lib/dpkg/status"]) writeFileSync(join(root, file), "");
  const vendor = join(root, "etc/dpkg/origins/default");
  if (!existsSync(vendor)) symlinkSync("debian", vendor);
  return root;
}

/** Runs a line of the shell in a root, as its root user and in namespaces of its own; root is not needed. */
export async function runIn(
  root: string,
  line: string,
): Promise<{ readonly exitCode: number | undefined; readonly all: string }> {
  const enter = `mount -t proc proc "$0/proc" && mount --bind /dev/null "$0/dev/null" && exec chroot "$0" /bin/sh -c "$1"`;
  const { exitCode, all } = await execa("unshare", ["-r", "-m", "-p", "-f", "sh", "-c", enter, root, line], {
    all: true,
    reject: false,
    extendEnv: false,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", HOME: "/tmp" },
  });
  return { exitCode, all };
}
