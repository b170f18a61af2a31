/** Gets the lab's kernel and root file system from Debian's packages, without installing anything on this machine. */

import { cpus } from "node:os";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { downloadPackages } from "../../../scripts/debian/apt.ts";
import { cannotBoot, NO_PACKAGES, wordsOf } from "./boot-failure.ts";
import { locked, STORE } from "./store.ts";

/** The prepared files; they are shared by all labs and never written to again. */
export interface LabFiles {
  /** An ext4 image, the lower layer of a lab's root file system. */
  readonly image: string;
  /** The kernel, a program; it needs glibc 2.34 of the machine. */
  readonly kernel: string;
}

const PACKAGES = [
  // the kernel, its init, and the means to make the image
  "user-mode-linux busybox-static e2fsprogs",
  // a small Debian
  "base-files bash bsdutils coreutils dash findutils grep hostname kmod libc-bin mawk mount netbase procps sed util-linux",
  // NFS, networks and faults
  "dnsmasq-base iproute2 iptables nfs-common nfs-kernel-server rpcbind",
  // what tests run, compare with or look through
  "catatonit curl dumb-init libcap2-bin nginx-light strace tini",
].flatMap((line) => line.split(" "));

/** Dependencies that nothing in the lab runs. */
const NOT_UNPACKED =
  /^(perl|libperl|python3|libpython|dpkg|debconf|adduser|gcc-|ucf|usrmerge|media-types|[a-z-]+-perl_)/;

const NOT_IN_IMAGE = [
  ...["doc", "info", "locale", "man"].map((folder) => `./usr/share/${folder}`),
  ...["drivers/[a-m]*", "sound"].map((folder) => `./usr/lib/uml/modules/*/kernel/${folder}`),
];

/** What maintainer scripts would have made. A path ending in `/` is a folder, a text starting with `->` a symbolic link. */
const FILES: Readonly<Record<string, string>> = {
  "/bin": "-> usr/bin",
  "/sbin": "-> usr/sbin",
  "/lib": "-> usr/lib",
  "/lib64": "-> usr/lib64",
  "/usr/bin/": "",
  "/usr/sbin/": "",
  "/usr/lib/": "",
  "/usr/lib64/": "",
  "/usr/lib/modules": "-> uml/modules",
  "/usr/local/bin/": "",
  "/usr/local/sbin/": "",
  "/usr/local/bin/nfs-init": "-> /lab/binary/nfs-init",
  ...Object.fromEntries(["dev", "mnt", "proc", "root", "run", "sys", "tmp", "srv"].map((name) => [`/${name}/`, ""])),
  ...Object.fromEntries(["binary", "guest", "job", "project", "state"].map((name) => [`/lab/${name}/`, ""])),
  "/etc/passwd": [
    "root:x:0:0:root:/root:/bin/bash",
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
    "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin",
    "_rpc:x:106:65534::/run/rpcbind:/usr/sbin/nologin",
    "statd:x:107:65534::/var/lib/nfs:/usr/sbin/nologin",
    "app:x:1000:1000:app:/tmp:/bin/bash",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
  ].join("\n"),
  "/etc/group": "root:x:0:\ndaemon:x:1:\ntty:x:5:\nwww-data:x:33:\napp:x:1000:\nnogroup:x:65534:",
  "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nprotocols: files\nservices: files",
  "/etc/hosts": "-> /lab/state/hosts",
  "/etc/resolv.conf": "-> /lab/state/resolv.conf",
  "/etc/mtab": "-> ../proc/self/mounts",
  "/etc/fstab": "",
  "/etc/exports": "",
  "/etc/nfs.conf": "[general]\npipefs-directory=/run/rpc_pipefs",
  "/usr/bin/awk": "-> mawk",
  "/usr/bin/which": "-> which.debianutils",
  "/usr/local/bin/nc": "-> /bin/busybox",
  // That of procps misses something in this kernel's /proc.
  "/usr/local/bin/ps": "-> /bin/busybox",
  "/usr/sbin/iptables": "-> iptables-legacy",
  "/var/log/nginx/": "",
};

/** Bump to make every machine prepare anew although the lists above are the same. */
const RECIPE = 2;

/**
 * Prepares the lab's files, or finds them prepared; of several processes that ask at once one does the work.
 * Takes about 10 s and 100 MB of packages the first time.
 */
export async function prepareLab(): Promise<LabFiles> {
  const key = createHash("sha256").update(
    JSON.stringify([RECIPE, PACKAGES, String(NOT_UNPACKED), NOT_IN_IMAGE, FILES]),
  );
  const folder = join(STORE, key.digest("hex").slice(0, 12));
  const files: LabFiles = {
    image: join(folder, "root.ext4"),
    kernel: join(folder, "linux.uml"),
  };
  if (existsSync(folder)) return files;

  await checkMachine();
  await locked(async () => {
    if (!existsSync(folder)) await prepare(folder);
  });
  return files;
}

async function checkMachine(): Promise<void> {
  const needs: string[] = [];
  if (process.platform !== "linux" || process.arch !== "x64") needs.push("Linux on x86-64");
  for (const tool of ["apt-get", "dpkg-deb", "tar", "flock", "perl"]) {
    if (!(process.env["PATH"] ?? "").split(":").some((folder) => existsSync(join(folder, tool)))) needs.push(tool);
  }
  if (needs.length > 0) {
    const why = `this machine lacks what it needs: ${needs.join(", ")}`;
    throw new Error(cannotBoot(why, "run this in a container of debian:bookworm"));
  }
}

async function prepare(folder: string): Promise<void> {
  const work = `${folder}.new`;
  const root = join(work, "root");
  await rm(work, { recursive: true, force: true });
  await mkdir(root, { recursive: true });

  const packages = await download(join(work, "apt"));
  try {
    await makeFiles(work, root, packages);
  } catch (error) {
    const todo = `make 3 GB free in ${STORE}, and run this again`;
    throw new Error(cannotBoot("its files cannot be made", todo, { of: "the tool", words: wordsOf(error) }), {
      cause: error,
    });
  }
  await rename(work, folder);
  for (const name of await readdir(STORE)) {
    if (name !== basename(folder) && name !== "lock") await rm(join(STORE, name), { recursive: true });
  }
}

/** Makes kernel and image of the packages, in `work`. */
async function makeFiles(work: string, root: string, packages: readonly string[]): Promise<void> {
  await writeFiles(root, (text) => text === "" || text.startsWith("->"));
  await unpack(
    packages.filter((file) => !NOT_UNPACKED.test(basename(file))),
    root,
  );
  await writeFiles(root, () => true);
  // Unpacked by an ordinary user these would be set-user-ID to that user.
  await execa("chmod", ["-R", "u+rwX,a-s", root]);

  const libraries = join(root, "lib/x86_64-linux-gnu");
  await copyFile(join(root, "usr/bin/linux.uml"), join(work, "linux.uml"));
  // With the libraries it was made for: it need not be installed here.
  const mke2fs = ["--library-path", libraries, join(root, "sbin/mke2fs"), "-q", "-t", "ext4"];
  const layout = ["-O", "^has_journal,^metadata_csum", "-E", "root_owner=0:0", "-d", root];
  await execa(join(libraries, "ld-linux-x86-64.so.2"), [...mke2fs, ...layout, join(work, "root.ext4"), "1G"]);
  await rm(root, { recursive: true });
  await rm(join(work, "apt"), { recursive: true });
}

/** Downloads PACKAGES and all they depend on, whatever this machine has installed; apt checks their signatures. */
async function download(folder: string): Promise<readonly string[]> {
  try {
    return await downloadPackages(folder, { names: PACKAGES, withDependencies: true });
  } catch (error) {
    throw new Error(
      cannotBoot("its packages cannot be downloaded", NO_PACKAGES, { of: "apt", words: wordsOf(error) }),
      {
        cause: error,
      },
    );
  }
}

/** Not `dpkg-deb -x`: it would replace the links of a merged /usr by folders. */
async function unpack(packages: readonly string[], root: string): Promise<void> {
  const excludes = NOT_IN_IMAGE.map((pattern) => `--exclude=${pattern}`);
  const waiting = [...packages];
  await Promise.all(
    cpus().map(async () => {
      for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
        const contents = execa("dpkg-deb", ["--fsys-tarfile", file], { encoding: "buffer", buffer: false });
        await contents.pipe("tar", ["-x", "-C", root, "--keep-directory-symlink", "--no-same-owner", ...excludes]);
      }
    }),
  );
}

async function writeFiles(root: string, wanted: (text: string) => boolean): Promise<void> {
  for (const [path, text] of Object.entries(FILES)) {
    const target = join(root, path);
    if (!wanted(text)) continue;
    if (path.endsWith("/")) {
      await mkdir(target, { recursive: true });
      continue;
    }
    await mkdir(dirname(target), { recursive: true });
    await rm(target, { force: true });
    if (text.startsWith("->")) await symlink(text.slice(3), target);
    else await writeFile(target, text === "" ? "" : `${text}\n`);
  }
}
