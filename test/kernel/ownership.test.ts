// Whose a mount is: what an nfs-init that was killed has made is known as its own, and nobody else can make it believe so.
import { describe, expect, it } from "vitest";
import { logged, logLines, quote, server } from "../support/box.ts";
import { eventually } from "../support/eventually.ts";
import { kernelSuite } from "../support/kernel-suite.ts";

const { lab, box } = kernelSuite();

/** `left`: how many NFS mounts and how many guards there are. */
const helpers = `left() { echo "left $(grep -c ' - nfs' /proc/self/mountinfo) $(grep -c nfs-init-guard /proc/self/mountinfo)"; }
# settled: waits until no process of nfs-init is left, a worker in a mount call (exe) included.
settled() { while pgrep -x 'nfs-init|exe' >/dev/null; do sleep 0.1; done; }`;

/** A shell in a container with one share configured; $A is its mount point. */
const script = (text: string, env: Readonly<Record<string, string>> = {}) => {
  const variables = Object.entries({
    A: box().mountPoint(),
    NFS_HOST: server,
    NFS_HOST_MOUNT: "/srv/exp",
    NFS_MOUNT_POINT: box().mountPoint(),
    NFS_VERSION: "4.2",
    NFS_FSTAB: "none",
    ...env,
  });
  const words = variables.map(([name, value]) => `${name}=${quote(value)}`).join(" ");
  return `${words} container c1 --name box -- bash -c ${quote(`${helpers}\n${text}`)}`;
};

describe("a mount that came about after nfs-init was killed", () => {
  /**
   * nfs-init is stopped while its mount call waits for a mountd that hangs, and killed when the mount is there: it has never heard of
   * that.
   */
  const orphaned = async (env: Readonly<Record<string, string>>, afterwards: string) => {
    await lab().sh("in_ srv sh -c 'exportfs -f; pkill -STOP -x rpc.mountd'; echo changed >/lab/state/srv");
    const job = lab().start(
      script(
        `nfs-init mount 2>/run/log & pid=$!; until [ -e "$(echo /run/nfs-init/targets/*.note)" ]; do sleep 0.1; done
kill -STOP $pid; left; echo stopped; until grep -q ' - nfs' /proc/self/mountinfo; do sleep 0.1; done
kill -KILL $pid; wait $pid; settled; left; ${afterwards}`,
        env,
      ),
    );
    await eventually("it is stopped", () => job.stdout().includes("stopped"), { timeoutMs: 30_000 });
    await lab().sh("in_ srv pkill -CONT -x rpc.mountd");
    return job.done;
  };
  const before = (guards: number) => `left 0 ${guards}\nstopped\nleft 1 ${guards}\n`;

  it.each([
    { title: "by the note of its intent", env: {}, guards: 0, forget: "" },
    {
      title: "by the guard underneath, where the note is gone",
      env: { NFS_GUARD: "on" },
      guards: 1,
      forget: "rm -r /run/nfs-init; ",
    },
  ])("is unmounted as ours $title", async ({ env, guards, forget }) => {
    const { stdout } = await orphaned(env, `${forget}nfs-init unmount; echo $?; left`);
    expect(stdout).toBe(`${before(guards)}0\nleft 0 0\n`);
  });

  it("is taken for somebody else's where neither is there, which unmount says, and does not end with 0", async () => {
    const { stdout, stderr } = await orphaned({}, "rm -r /run/nfs-init; nfs-init unmount; echo $?; left");
    expect(stdout).toBe(`${before(0)}32\nleft 1 0\n`);
    expect(logLines(stderr)).toMatchObject([{ level: "warn", msg: "left mounted, it was not mounted by nfs-init" }]);
  });

  it("makes way for another share of the next run", async () => {
    const { stdout, stderr } = await orphaned({}, "NFS_HOST_MOUNT=/srv/exp2 nfs-init -- cat $A/hello; echo $?; left");
    expect(stdout).toBe(`${before(0)}hello2\n0\nleft 0 0\n`);
    expect(logLines(stderr).map(({ msg }) => msg)).toContain("detached an earlier share of nfs-init");
  });
});

it("an nfs-init that is killed at any moment leaves nothing that unmount does not take down", async () => {
  const { stdout } = await lab().run(
    script(
      `for pause in 0.3 0.5 0.7 0.9 1.1 1.4 1.8; do nfs-init mount 2>/dev/null & pid=$!; sleep $pause
kill -KILL $pid; wait $pid; settled; nfs-init unmount; echo $?; left; done`,
      { NFS_GUARD: "on", NFS_FSTAB: box().fstabPath },
    ),
    { timeoutMs: 110_000 },
  );
  expect(stdout).toBe("0\nleft 0 0\n".repeat(7));
});

it("a note that somebody else has planted makes nobody's mount ours", async () => {
  const note = JSON.stringify({ target: box().mountPoint(), source: `${server}:/srv/exp` });
  const { stdout, stderr } = await lab().run(
    script(
      `mount.nfs ${server}:/srv/exp $A -o vers=4.2
mkdir -p /run/nfs-init/targets; for suffix in note lock; do echo ${quote(note)} >/run/nfs-init/targets/x.$suffix; done
chown -R 1000:1000 /run/nfs-init; chmod 755 /run/nfs-init /run/nfs-init/targets
NFS_HOST_MOUNT=/srv/exp2 nfs-init -- true; echo $?; nfs-init unmount; echo $?; left; cat $A/hello`,
    ),
  );
  expect(stdout).toBe("78\n32\nleft 1 0\nhello\n");
  expect(logLines(stderr).map(({ msg }) => msg)).toEqual([
    "what earlier instances noted is not believed",
    "wrong configuration",
    "what earlier instances noted is not believed",
    "left mounted, it was not mounted by nfs-init",
  ]);
});

it("a share of somebody else that was away and answers again is not published as ours", async () => {
  const job = lab().start(
    script(
      `mount.nfs ${server}:/srv/exp $A -o vers=4.2
nfs-init -- sh -c "trap 'exit 5' TERM; echo runs; while :; do sleep 0.1; done"; echo $?; left`,
      {
        NFS_WATCH: "remount",
        NFS_WATCH_INTERVAL: "500ms",
        NFS_WATCH_TIMEOUT: "1s",
        NFS_SERVER_GONE_AFTER: "2s",
      },
    ),
  );
  await eventually("COMMAND", () => job.stdout().includes("runs"), { timeoutMs: 30_000 });
  const published = async () => {
    const text = await lab().sh("container_exec box nfs-init status --json");
    const [share] = (JSON.parse(text) as { shares: { state: string; isOurs: boolean }[] }).shares;
    return { state: share?.state, isOurs: share?.isOurs };
  };
  await eventually("a healthy share", async () => (await published()).state === "healthy", { timeoutMs: 30_000 });
  expect(await published()).toEqual({ state: "healthy", isOurs: false });
  await lab().sh("link srv down");
  await logged(job, "a share is lost");
  await eventually("the share waits", async () => (await published()).state === "waiting", { timeoutMs: 30_000 });
  await lab().sh("link srv up");
  await eventually("a healthy share", async () => (await published()).state === "healthy", { timeoutMs: 60_000 });
  expect(await published()).toEqual({ state: "healthy", isOurs: false });
  await lab().sh("container_exec box sh -c 'kill -TERM $(pgrep -x nfs-init | head -1)'");
  expect((await job.done).stdout).toBe("runs\n5\nleft 1 0\n");
});
