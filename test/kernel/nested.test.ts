// A share that lies on another one: whatever becomes of the two, what is written for the one below never lands on the one above.
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { versionsOr } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { nothingLeft, startWatched, type Watched } from "../support/watched.ts";

const { lab, box } = kernelSuite();

/** The server at another address, so that it can be away for the share below alone. */
const other = "10.77.0.2";
const otherUp = `in_ srv ip addr add ${other}/24 dev eth0 2>/dev/null; in_ srv iptables-legacy -F INPUT`;
const otherAway = `in_ srv ip addr add ${other}/24 dev eth0 2>/dev/null; in_ srv iptables-legacy -I INPUT -d ${other} -j DROP`;

/** Appends to a file of the share below, and says which records it was told are written. */
const writer = (below: string) =>
  `trap 'exit 5' TERM; echo ready; n=0
while :; do n=$((n+1)); { echo $n >>${below}/log; } 2>/dev/null && echo $n; sleep 0.02; done`;

const both = (env: Readonly<Record<string, string>> = {}) => ({
  NFS_WATCH_TIMEOUT: "1s",
  NFS_ATTEMPT_TIMEOUT: "3s",
  NFS_1_HOST: other,
  NFS_1_HOST_MOUNT: "/srv/exp2",
  NFS_1_MOUNT_POINT: `${box().mountPoint()}/sub`,
  ...env,
});

const start = (env: Readonly<Record<string, string>>) =>
  startWatched(lab(), { mountPoint: box().mountPoint(), env: both(env), command: writer(`${box().mountPoint()}/sub`) });

const stop = async (watched: Watched) => {
  await lab().sh("container_exec box sh -c 'kill -TERM $(pgrep -x nfs-init | head -1)'");
  return watched.ended();
};

const records = ({ job }: Watched) => job.stdout().split("\n").length - 2;

const moreRecords = (watched: Watched) => {
  const before = records(watched);
  return eventually("more records", () => records(watched) > before + 2, { timeoutMs: 30_000 });
};

const mountedAfresh = (watched: Watched, times: number) =>
  eventually(
    "the fresh mounts",
    () => watched.lines("the share was mounted afresh, files that were open on it stay stale").length >= times,
    { timeoutMs: 40_000 },
  );

/** What lies in the directory of the export above that the share below is mounted on. */
const astray = () => lab().sh("in_ srv sh -c '[ ! -e /srv/exp/sub ] || ls -A /srv/exp/sub'");

/** Records that the process was told are written, and that the export below does not have. */
async function missing(stdout: readonly string[]): Promise<readonly string[]> {
  const there = new Set((await lab().sh("in_ srv cat /srv/exp2/log")).split("\n"));
  return stdout.slice(1).filter((record) => !there.has(record));
}

describe.each(versionsOr(["3", "4.2"]))("version %s", (version) => {
  it("keeps a writer on the share below while the one above is mounted afresh, again and again", async () => {
    await lab().sh(otherUp);
    const watched = start({ NFS_VERSION: version, NFS_WATCH: "remount" });
    await watched.started();
    for (let round = 1; round <= 3; round++) {
      await moreRecords(watched);
      await lab().sh(`srv_stale /srv/exp ${100 + round}`);
      await mountedAfresh(watched, round);
    }
    await moreRecords(watched);
    const end = await stop(watched);
    expect({ astray: await astray(), missing: await missing(end.stdout), left: end.left }).toEqual({
      astray: "",
      missing: [],
      left: nothingLeft,
    });
  });

  it("keeps the share above clean while the server of the one below is away, and heals it again meanwhile", async () => {
    await lab().sh(otherUp);
    const watched = start({ NFS_VERSION: version, NFS_WATCH: "remount" });
    await watched.started();
    await moreRecords(watched);
    await lab().sh(`${otherAway}; srv_stale /srv/exp 101`);
    const isBack = (times: number) =>
      eventually(
        "the share above",
        () => watched.lines("mounted").filter(({ target }) => target === box().mountPoint()).length === times,
        { timeoutMs: 40_000 },
      );
    await isBack(2);
    await lab().sh("pause 1; srv_stale /srv/exp 102");
    // It is mounted afresh although the share below still waits for its server.
    await isBack(3);
    await lab().sh(`pause 1; ${otherUp}`);
    await mountedAfresh(watched, 1);
    await moreRecords(watched);
    const end = await stop(watched);
    expect({ astray: await astray(), missing: await missing(end.stdout), left: end.left }).toEqual({
      astray: "",
      missing: [],
      left: nothingLeft,
    });
  });

  it("heals both, whichever is noticed first, when somebody detaches the one above with all that lies on it", async () => {
    await lab().sh(otherUp);
    const watched = start({ NFS_VERSION: version, NFS_WATCH: "remount", NFS_WATCH_INTERVAL: "200ms" });
    await watched.started();
    for (let round = 1; round <= 3; round++) {
      await moreRecords(watched);
      await lab().sh(`container_exec box umount -l ${box().mountPoint()}`);
      await eventually(
        "both mounted afresh",
        () => watched.lines("mounted").filter(({ target }) => target?.endsWith("/sub")).length === 1 + round,
        { timeoutMs: 40_000 },
      );
    }
    await moreRecords(watched);
    const end = await stop(watched);
    expect({
      exitCode: end.exitCode,
      astray: await astray(),
      missing: await missing(end.stdout),
      left: end.left,
    }).toEqual({
      exitCode: 5,
      astray: "",
      missing: [],
      left: nothingLeft,
    });
  });

  it("starts the process without a nofail share below whose server is away, and lets nothing be written there", async () => {
    await lab().sh(otherAway);
    const watched = start({ NFS_VERSION: version, NFS_1_OPTIONS: "hard,nolock,nofail" });
    await watched.started();
    await lab().sh("pause 2");
    expect({ records: records(watched), astray: await astray() }).toEqual({ records: 0, astray: "" });
    await lab().sh(otherUp);
    await moreRecords(watched);
    const end = await stop(watched);
    expect({ astray: await astray(), missing: await missing(end.stdout), left: end.left }).toEqual({
      astray: "",
      missing: [],
      left: nothingLeft,
    });
  });
});

it.each(versionsOr(["3", "4.2"]))(
  "mounts again on the fresh share what the process has mounted in memory below it, with what it holds, version %s",
  async (version) => {
    const cache = `${box().mountPoint()}/cache`;
    const watched = startWatched(lab(), {
      mountPoint: box().mountPoint(),
      env: { NFS_VERSION: version, NFS_WATCH: "remount", NFS_WATCH_TIMEOUT: "1s" },
      command: `mkdir ${cache} && mount -t tmpfs cache ${cache} && echo precious >${cache}/data
        mkdir ${cache}.d && mount --bind /tmp ${cache}.d; trap 'exit 5' TERM; echo ready; while :; do sleep 0.2; done`,
    });
    await watched.started();
    const isKept = "container_exec box grep -q /run/nfs-init/kept/ /proc/self/mountinfo";
    await lab().sh(`for try in $(seq 100); do ${isKept} && break; pause 0.1; done; srv_stale /srv/exp 101`);
    await mountedAfresh(watched, 1);
    expect(await lab().sh(`container_exec box cat ${cache}/data`)).toBe("precious");
    expect((await watched.logged("what is mounted below the share is detached with it")).reason).toContain(
      `tmpfs on ${cache}`,
    );
    await lab().sh(`container_exec box umount ${cache}`);
    const isGone = "! container_exec box grep -q -e /run/nfs-init/kept/ /proc/self/mountinfo";
    await lab().sh(`for try in $(seq 100); do ${isGone} && break; pause 0.1; done; ${isGone}`);
    expect((await stop(watched)).left).toEqual(nothingLeft);
  },
);

it("starts the process again on fresh mounts with nothing to be written on the share above", async () => {
  await lab().sh(otherUp);
  const watched = start({ NFS_WATCH: "restart", NFS_1_OPTIONS: "hard,nolock,nofail" });
  await watched.started();
  await moreRecords(watched);
  await lab().sh(`${otherAway}; srv_stale /srv/exp 101`);
  await eventually("the second start", () => watched.job.stdout().split("ready").length > 2, { timeoutMs: 40_000 });
  await lab().sh(`pause 2; ${otherUp}`);
  await moreRecords(watched);
  const end = await stop(watched);
  expect({ astray: await astray(), left: end.left }).toEqual({ astray: "", left: nothingLeft });
});

it("guards the share below a mount that was there already, while its server is away", async () => {
  await lab().sh(otherAway);
  const { stdout } = await lab().run(
    `NFS_FSTAB=none NFS_HOST=$SRV NFS_HOST_MOUNT=/srv/exp NFS_MOUNT_POINT=/data NFS_1_HOST=${other} NFS_1_HOST_MOUNT=/srv/exp2 \
NFS_1_MOUNT_POINT=/data/sub NFS_1_OPTIONS=hard,nolock,nofail container c1 --name box -- sh -c '
      mkdir -p /data; mount.nfs 10.77.0.1:/srv/exp /data -o vers=4.2
      nfs-init -- sh -c "echo record >/data/sub/log"; grep -c -e nfs-init /proc/mounts; grep -c " /data nfs" /proc/mounts'`,
    { timeoutMs: 60_000 },
  );
  expect({ stdout, astray: await astray() }).toEqual({ stdout: "0\n1\n", astray: "" });
});
