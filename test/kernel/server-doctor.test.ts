// doctor for a server: each thing that is in the way made for real, and the sentence that says so.
import { beforeEach, describe, expect, it } from "vitest";
import { logged, quote } from "../support/box.ts";
import { eventually } from "../support/eventually.ts";
import { everyCombination } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";

const { lab } = kernelSuite();

const disk = "/lab/state/disk";
const records = "/lab/state/records";

beforeEach(async () => {
  await lab().sh(`srv_down; read -r nfsdcld </lab/state/nfsdcld; kill $nfsdcld 2>/dev/null
rm -rf ${records}; mkdir -p ${disk} ${records}`);
  await lab().sh(
    `in_ srv bash -c ${quote(`umount ${disk} 2>/dev/null; mount -t tmpfs disk ${disk}; mkdir -m 777 ${disk}/data`)}`,
  );
});

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: string;
  readonly setup?: string;
  readonly args?: string;
}

const exported = { NFS_EXPORT: "/data", NFS_SERVER_STATE: records };
const bind = `mkdir -p /data; mount --bind ${disk}/data /data`;

function command({ env = {}, options = "", setup = bind, args = "doctor" }: Given, name: string): string {
  const variables = Object.entries({ ...exported, ...env })
    .map(([key, value]) => `${key}=${quote(value)}`)
    .join(" ");
  return `${variables} container srv --name ${name} --setup ${quote(setup)} ${options} -- nfs-init ${args}`;
}

const doctor = (given: Given = {}) => lab().run(command(given, "doctor"), { timeoutMs: 60_000 });
const verdictOf = (stdout: string) => stdout.trimEnd().split("\n").at(-1);

describe("the verdict", () => {
  it.each<readonly [string, Given, number, RegExp]>([
    ["is that all would be served", {}, 0, /^\/data would be served: nothing was found that is in the way\.$/],
    [
      "names the overlay",
      { setup: "mkdir /data" },
      1,
      /^\/data cannot be served because it lies on overlay.*NFS_EXPORT_SCRATCH/,
    ],
    [
      "names a directory that is missing",
      { setup: "true" },
      1,
      /^\/data cannot be served because there is no directory \/data; mount a volume/,
    ],
    ["names a file", { setup: "touch /data" }, 1, /^\/data cannot be served because \/data is not a directory/],
    [
      "names a mount that is missing",
      { setup: "mkdir /data", env: { NFS_EXPORT_REQUIRE_MOUNT: "on" } },
      1,
      /^\/data cannot be served because nothing is mounted on \/data/,
    ],
    [
      "names a disk that is missing",
      { setup: "mkdir /data", env: { NFS_EXPORT_DEVICE: "LABEL=nowhere" } },
      1,
      /^\/data cannot be served because its disk is not there; attach the disk/,
    ],
    [
      "names the capability",
      { options: "--drop sys_admin" },
      1,
      /^\/data cannot be served because .*not permitted.*CAP_SYS_ADMIN/,
    ],
    [
      "names the user namespace",
      { options: "--userns" },
      1,
      /^\/data cannot be served because .*not permitted.*user namespace/,
    ],
    [
      "names a port that version 3 needs where that is asked for",
      {
        env: { NFS_SERVER_VERSIONS: "3" },
        setup: `${bind}; nc -l -p 20048 & until grep -qs ':4E50 .* 0A ' /proc/net/tcp /proc/net/tcp6; do sleep 0.05; done`,
      },
      1,
      /^\/data cannot be served because port 20048 is taken by another program.*NFS_MOUNTD_PORT/,
    ],
  ])("%s", async (_, given, exitCode, sentence) => {
    const result = await doctor(given);
    expect(verdictOf(result.stdout)).toMatch(sentence);
    expect(result.exitCode).toBe(exitCode);
  });

  it("names a kernel without an NFS server, and a start ends with 32", async () => {
    await lab().sh(`cat /proc/sys/kernel/modprobe >/lab/state/modprobe
in_ srv umount /proc/fs/nfsd; rmmod nfsd; echo /bin/false >/proc/sys/kernel/modprobe`);
    try {
      const sentence = /this kernel has no NFS server.*modprobe nfsd/;
      expect(verdictOf((await doctor()).stdout)).toMatch(sentence);
      const { exitCode, stderr } = await doctor({ args: "serve" });
      expect([exitCode, stderr]).toEqual([32, expect.stringMatching(sentence)]);
    } finally {
      await lab().sh(`cat /lab/state/modprobe >/proc/sys/kernel/modprobe
modprobe nfsd; in_ srv mount -t nfsd nfsd /proc/fs/nfsd`);
    }
  });

  it("is that all would be served where /proc cannot be written, and so it is", async () => {
    const setup = `${bind}; mount -o remount,ro /proc`;
    expect(verdictOf((await doctor({ setup })).stdout)).toMatch(/^\/data would be served/);
    const job = lab().start(command({ setup, args: "serve" }, "server"));
    await logged(job, "serving");
    await lab().sh("container_signal server TERM");
    expect((await job.done).exitCode).toBe(0);
  });

  it("names a port that another program has", async () => {
    const other = lab().start("in_ srv nc -l -p 2049");
    const listens = async () =>
      (await lab().run("in_ srv grep -q ':0801 .* 0A ' /proc/net/tcp /proc/net/tcp6")).exitCode === 0;
    await eventually("the port", listens);
    expect(verdictOf((await doctor()).stdout)).toMatch(
      /because port 2049 is taken by another program; .*NFS_SERVER_PORT/,
    );
    await other.signal("SIGKILL");
  });

  it("is that all is served where a server runs, as it says itself over the wire; and it disturbs nobody", async () => {
    const job = lab().start(command({ args: "serve" }, "server"));
    await logged(job, "serving");
    const { stdout, exitCode } = await lab().run("container_exec server env NFS_EXPORT=/data nfs-init doctor");
    expect([verdictOf(stdout), exitCode]).toEqual(["/data is served.", 0]);
    expect(stdout).toMatch(/an nfs-init serves in this network/);
    const other = await lab().run(
      "container_exec server env NFS_EXPORT=/data NFS_2_EXPORT=/etc nfs-init doctor --json",
    );
    const told = JSON.parse(other.stdout) as { wouldServe: boolean; verdict: string; sections: { title: string }[] };
    expect(told).toMatchObject({
      wouldServe: false,
      verdict: expect.stringMatching(/^\/etc cannot be served/) as string,
    });
    expect(told.sections.map(({ title }) => title)).toEqual(["this machine", "export /data", "export /etc"]);
    await lab().sh("container_signal server TERM");
    expect((await job.done).exitCode).toBe(0);
  });

  it.runIf(everyCombination)(
    "warns of clients that leave out every network that the machine is attached to",
    async () => {
      const { stdout, exitCode } = await doctor({ env: { NFS_EXPORT_CLIENTS: "192.168.7.0/24" } });
      expect(stdout).toMatch(/ warning +clients +192\.168\.7\.0\/24 may mount it, and nobody .*\(10\.77\.0\.0\/24\)\n/);
      expect(exitCode).toBe(0);
      const within = await doctor({ env: { NFS_EXPORT_CLIENTS: "10.77.0.12" } });
      expect(within.stdout).toMatch(/ ok +clients +10\.77\.0\.12 may mount it\n/);
    },
  );

  it("is about shares where there are some, unless the server is asked for", async () => {
    const env = { NFS_HOST: "10.77.0.1", NFS_MOUNT_POINT: "/mnt" };
    expect((await doctor({ env })).stdout).toMatch(/10\.77\.0\.1/);
    expect(verdictOf((await doctor({ env, args: "doctor --server" })).stdout)).toMatch(/^\/data would be served/);
  });
});
