// x-nfs-init.watch-only: a mount that somebody else makes and takes down is watched, and never touched.
import { expect, it } from "vitest";
import { logged, logLines, quote, server } from "../support/box.ts";
import { eventually } from "../support/eventually.ts";
import { versionsOr } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";

const { lab, box } = kernelSuite();

/** nfs-init with the share watched only, after `before`, and a shell around it that tells what is mounted afterwards. */
function start(env: Readonly<Record<string, string>> = {}, before = "true") {
  const variables = Object.entries({
    NFS_MOUNTS: `${server}:/srv/exp ${box().mountPoint()} nfs x-nfs-init.watch-only`,
    NFS_WATCH_INTERVAL: "500ms",
    NFS_FSTAB: box().fstabPath,
    ...env,
  });
  const text = variables.map(([name, value]) => `${name}=${quote(value)}`).join(" ");
  const command = "trap 'echo got TERM; exit 5' TERM; echo ready; while :; do sleep 0.2; done";
  const script = `${before}; nfs-init -- sh -c ${quote(command)}; echo "ended $?"
grep -c ' - nfs' /proc/self/mountinfo; grep -c nfs-init-guard /proc/self/mountinfo; grep -c nfs-init $NFS_FSTAB`;
  return lab().start(`${text} container c1 --name box -- sh -c ${quote(script)}`);
}

const mountIt = (options: string, path = "/srv/exp") =>
  lab().sh(`container_exec box mount -t nfs -o ${options} ${server}:${path} ${box().mountPoint()}`);
const optionsOf = (version: string) => (version === "3" ? "vers=3,nolock" : `vers=${version}`);
const term = () => lab().sh("container_exec box sh -c 'kill -TERM $(pgrep -x nfs-init | head -1)'");

it.each(versionsOr(["3", "4.2"]))(
  "starts the process when the mount is there, ends it with 75 when it goes stale, and leaves it, version %s",
  async (version) => {
    const job = start();
    const line = await logged(job, "mount attempt failed, trying again");
    expect(line.reason).toBe("it is not mounted yet, and only watched by nfs-init");
    expect(job.stdout()).toBe("");
    await mountIt(optionsOf(version));
    await eventually("COMMAND", () => job.stdout().includes("ready"));
    await lab().sh("srv_stale /srv/exp 101");
    const { stdout, stderr } = await job.done;
    // Still mounted, no guard, no line of ours in fstab.
    expect(stdout).toBe("ready\ngot TERM\nended 75\n1\n0\n0\n");
    expect(logLines(stderr).find(({ msg }) => msg === "a share is lost")).toMatchObject({ state: "stale" });
    expect(logLines(stderr).filter(({ stage }) => stage === "umount")).toEqual([]);
  },
);

const mountFirst = () => `mount -t nfs -o vers=4.2 ${server}:/srv/exp ${box().mountPoint()}`;

it("starts the process at once on a mount that is there, and leaves it when the process ends", async () => {
  const job = start({}, mountFirst());
  await eventually("COMMAND", () => job.stdout().includes("ready"));
  await term();
  const { stdout, stderr } = await job.done;
  expect(stdout).toBe("ready\ngot TERM\nended 5\n1\n0\n0\n");
  expect(logLines(stderr).map(({ msg }) => msg)).toEqual([
    "already mounted, used as it is",
    "starting the process",
    "the process has ended",
  ]);
});

it("waits while another share is mounted there, and says which", async () => {
  const job = start({ NFS_WAIT_TIMEOUT: "6s" });
  await logged(job, "mount attempt failed, trying again");
  await mountIt("vers=4.2", "/srv/exp2");
  const line = await logged(job, "mount attempt failed, trying again", ({ reason = "" }) => reason.includes("exp2"));
  expect(line.reason).toBe(`${server}:/srv/exp2 is mounted there, and not what is to be watched`);
  expect((await job.done).stdout).toBe("ended 124\n1\n0\n0\n");
});

it("does not start the process while the mount does not answer", async () => {
  const job = start(
    { NFS_ATTEMPT_TIMEOUT: "1s" },
    `${mountFirst()}; : >/run/up; until [ -e /run/go ]; do sleep 0.1; done`,
  );
  await lab()
    .sh(`until [ -s /lab/state/container.box ] && container_exec box /usr/bin/test -e /run/up; do pause 0.1; done
link srv down; container_exec box touch /run/go`);
  const line = await logged(job, "mount attempt failed, trying again");
  expect(line.reason).toBe("it is mounted and does not answer");
  expect(job.stdout()).toBe("");
  await lab().sh("link srv up");
  await eventually("COMMAND", () => job.stdout().includes("ready"), { timeoutMs: 30_000 });
  await term();
  expect((await job.done).stdout).toBe("ready\ngot TERM\nended 5\n1\n0\n0\n");
});

it("ends the process when somebody unmounts it", async () => {
  const job = start();
  await logged(job, "mount attempt failed, trying again");
  await mountIt("vers=4.2");
  await eventually("COMMAND", () => job.stdout().includes("ready"));
  await lab().sh(`container_exec box umount ${box().mountPoint()}`);
  expect((await job.done).stdout).toBe("ready\ngot TERM\nended 75\n0\n0\n0\n");
});

it("ends the process with 75 too where lost shares are mounted afresh: that is somebody else's to do", async () => {
  const job = start({ NFS_WATCH: "remount" });
  await logged(job, "mount attempt failed, trying again");
  await mountIt("vers=4.2");
  await eventually("COMMAND", () => job.stdout().includes("ready"));
  await lab().sh("srv_stale /srv/exp 101");
  const { stdout, stderr } = await job.done;
  expect(stdout).toBe("ready\ngot TERM\nended 75\n1\n0\n0\n");
  expect(logLines(stderr).at(-1)).toMatchObject({
    level: "fatal",
    reason: expect.stringContaining("only watched") as string,
  });
});
