// The .deb on a machine whose first process is systemd: installed, its units started and used, and removed while they run.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildDeb } from "../../scripts/packages/deb.ts";
import { unpackPackages } from "../../scripts/debian/unpack.ts";
import { eventually } from "../support/eventually.ts";
import { bootLab, type Lab } from "../support/lab/lab.ts";
import { quote } from "../support/quote.ts";
import { essentials } from "./debian-root.ts";
import { releasedFile } from "./released.ts";

/** The lab sees this folder. */
const project = join(import.meta.dirname, "../..");
let folder = "";
let lab: Lab | undefined;

/** A Debian with systemd becomes the first process of namespaces of its own, on the network of the client c1. */
const start = (root: string, deb: string) => `set -e
cd $(mktemp -d); mount -t tmpfs machine .; mkdir upper work root
mount -t overlay -o lowerdir=/lab/project/${root},upperdir=upper,workdir=work overlay root; cd root
mkdir -p dev proc sys run tmp export/data srv/media etc/nfs-init etc/default var/lib/dpkg/info var/lib/dpkg/updates
: >var/lib/dpkg/status; : >etc/fstab; cp /lab/project/${deb} var/nfs-init.deb
echo root:x:0:0:root:/root:/bin/bash >etc/passwd; echo root:x:0: >etc/group; mount -t tmpfs disk export/data; echo served >export/data/hello
printf 'NFS_HOST=10.77.0.1\\nNFS_HOST_MOUNT=/srv/exp\\nNFS_MOUNT_POINT=/srv/media\\n' >etc/nfs-init/media.env
printf 'NFS_EXPORT=/export/data\\nNFS_EXPORT_CLIENTS=*\\n' >etc/default/nfs-init-serve
echo 0123456789abcdef0123456789abcdef >etc/machine-id
for unit in systemd-firstboot.service getty.target systemd-udevd.service systemd-journal-flush.service systemd-networkd-wait-online.service; do
  mkdir -p etc/systemd/system; ln -s /dev/null etc/systemd/system/$unit
done
mkdir -p /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; mkdir /sys/fs/cgroup/machine; echo $$ >/sys/fs/cgroup/machine/cgroup.procs
exec unshare -m -p -f -u -i -C --kill-child --propagation private bash -c '
  mount -o rbind /dev dev; mount -t proc proc proc; mount -t sysfs sys sys; mount -t cgroup2 none sys/fs/cgroup; mount -t tmpfs run run
  mount --make-rshared . 2>/dev/null; pivot_root . .; umount -l .; cd /
  exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target --log-target=console --show-status=no'`;

beforeAll(async () => {
  mkdirSync(".build", { recursive: true });
  folder = mkdtempSync(".build/systemd-");
  const deb = await buildDeb("x64", releasedFile("linux-x64"), { version: "0.1.0", time: 1_767_225_600 }, folder);
  const names = [...essentials, "init-system-helpers", "perl-base", "systemd"];
  const root = await unpackPackages("root-systemd", [{ names, withDependencies: true }]);
  lab = await bootLab();
  await lab.sh("reset");
  lab.start(`in_ c1 bash -c ${quote(start(relative(project, root), join(folder, basename(deb))))}`);
}, 600_000);
afterAll(async () => {
  await lab?.stop();
  rmSync(folder, { recursive: true });
});

/** What a line of the shell says on that machine. */
async function on(line: string): Promise<string> {
  return inLab(`exec nsenter -t $pid -m -p -u -i -C -n bash -c ${quote(line)}`);
}

/** The same in the lab around it; $pid is the machine's first process there. */
async function inLab(line: string): Promise<string> {
  if (lab === undefined) throw new Error("the lab is not up");
  const { stdout, stderr } = await lab.run(`pid=$(pgrep -o -x systemd); ${line}`, { timeoutMs: 100_000 });
  return `${stdout}${stderr}`.trim();
}

/** Asks the driver as Docker does. */
const askDriver = () =>
  inLab(
    "curl -sS --max-time 30 --unix-socket /proc/$pid/root/run/docker/plugins/nfs-init.sock -X POST http://plugin/Plugin.Activate",
  );

const units = "nfs-init@media.service nfs-init-serve.service nfs-init-plugin.socket nfs-init-plugin.service";
const patient = { timeoutMs: 120_000, intervalMs: 500 };

it("runs every unit, and goes with all that they have started", { timeout: 600_000 }, async () => {
  await eventually("systemd", async () => /running|degraded/.test(await on("systemctl is-system-running")), patient);
  expect(await on("dpkg -i /var/nfs-init.deb >/dev/null && systemctl is-active nfs-init-serve")).toBe("inactive");

  await on("systemctl start nfs-init@media nfs-init-serve nfs-init-plugin.socket");
  expect(await askDriver()).toBe('{"Implements":["VolumeDriver"]}');
  await eventually("the share", async () => (await on("cat /srv/media/hello")) === "hello", patient);
  const served = "NFS_STATE_DIR=/run/nfs-init-serve nfs-init check --ready";
  await eventually("the server", async () => (await on(served)) === "ok: 1 export served", patient);
  const mounted = "mount -t nfs -o vers=4.2 10.77.0.11:/export/data /mnt && cat /mnt/hello; umount /mnt";
  expect(await inLab(`in_ c2 bash -c ${quote(mounted)}`)).toBe("served");
  expect(await on(`systemctl is-active ${units}`)).toBe("active\nactive\nactive\nactive");

  // A server that is killed is started again.
  await on("systemctl kill --kill-whom=main -s KILL nfs-init-serve");
  await eventually("it serves again", async () => (await on(served)) === "ok: 1 export served", patient);
  expect(await on("systemctl show -p NRestarts nfs-init-serve")).toBe("NRestarts=1");

  await on("dpkg -P nfs-init >/dev/null");
  expect(await on(`systemctl is-active ${units}`)).toBe("inactive\ninactive\ninactive\ninactive");
  expect(await inLab("grep -c ' nfs4 ' /proc/$pid/mounts; pgrep -x nfs-init")).toBe("0");
  // What the driver needs for volumes that are still mounted stays in /run/nfs-init.
  const left = "find /run/docker/plugins /srv/media -mindepth 1; find /run -maxdepth 1 -name 'nfs-init[@-]*'";
  expect(await on(left)).toBe("");
});
