// A share that is lost ends the process, with the reason, and leaves nothing behind.
import { afterEach, describe, expect, it } from "vitest";
import { everyCombination, versionsOr } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { losses, moveServer, undoFaults } from "../support/losses.ts";
import { nothingLeft, startWatched } from "../support/watched.ts";

const { lab, box } = kernelSuite();

afterEach(async () => {
  await lab().sh(undoFaults);
});

const mountings = (everyCombination ? ["hard,nolock", "soft,nolock,timeo=5,retrans=1"] : ["hard,nolock"]).flatMap(
  (options) => versionsOr(["3", "4.2"]).map((version) => ({ version, options })),
);

describe.each(mountings)("version $version, mounted $options", ({ version, options }) => {
  it.each(losses)("ends the process with 75 when $name", async ({ fault, state, env = {}, before = "true" }) => {
    const mountPoint = box().mountPoint();
    await lab().sh(before);
    const mounting = { NFS_VERSION: version, NFS_OPTIONS: options };
    const watched = startWatched(lab(), { mountPoint, env: { ...mounting, ...env } });
    await watched.started();
    await lab().sh(fault.replaceAll("MOUNT_POINT", mountPoint));
    const end = await watched.ended();
    const loss = end.lines.find(({ msg }) => msg === "a share is lost");
    expect(loss).toMatchObject({ level: "error", state, source: expect.stringContaining(":/srv/exp") as string });
    expect(end.lines.at(-1)).toMatchObject({ level: "fatal", msg: "a share was lost", exitCode: 75 });
    expect(end.stdout).toEqual(["ready", "got TERM"]);
    const expected = state === "replaced" ? { mounts: 2, processes: 0 } : nothingLeft;
    expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 75, left: expected });
  });
});

it("kills a process that does not end within the grace", async () => {
  const watched = startWatched(lab(), {
    mountPoint: box().mountPoint(),
    command: "trap '' TERM; echo ready; while :; do sleep 0.2; done",
  });
  await watched.started();
  await lab().sh("srv_stale /srv/exp 101");
  const end = await watched.ended();
  expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 75, left: nothingLeft });
  expect(end.lines.map(({ msg }) => msg)).toContain("the process was killed, it did not end in time");
});

it("mounts afresh and serves when it is started again after its server has moved", async () => {
  await lab().sh(`name set nas.lab $SRV; ${moveServer}`);
  const { exitCode, stdout } = await box().run({
    env: { NFS_HOST: "nas.lab", NFS_HOST_MOUNT: "/srv/exp", NFS_MOUNT_POINT: box().mountPoint() },
    command: `cat ${box().mountPoint()}/hello`,
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "hello\n" });
});

it("only says so with NFS_WATCH=log", async () => {
  const watched = startWatched(lab(), { mountPoint: box().mountPoint(), env: { NFS_WATCH: "log" } });
  await watched.started();
  await lab().sh("srv_stale /srv/exp 101");
  await watched.logged("a share is lost");
  await lab().sh("container_exec box sh -c 'kill -TERM $(pgrep -x nfs-init | head -1)'");
  const end = await watched.ended();
  expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 5, left: nothingLeft });
});

it.each([
  { name: "a process", run: "exec dd" },
  { name: "a child of the process", run: "dd" },
])("frees $name that is stuck with unwritten data on a dead server, by force", async ({ run }) => {
  const mountPoint = box().mountPoint();
  const isCut = `${mountPoint}-is-cut`;
  const write = `${run} if=/dev/zero bs=64k count=3000 >&3 2>/dev/null`;
  const watched = startWatched(lab(), {
    mountPoint,
    env: { NFS_VERSION: "4.2", NFS_SERVER_GONE_AFTER: "2s" },
    command: `trap '' TERM; exec 3>${mountPoint}/big; echo ready; until test -e ${isCut}; do sleep 0.1; done; ${write}; :`,
  });
  await watched.started();
  // Dirty pages are what SIGKILL does not get past; what is written to a server that is there may be out before it is gone.
  await lab().sh(`link srv down; touch ${isCut}`);
  const loss = await watched.logged("a share is lost");
  const lostMs = Date.now();
  const end = await watched.ended();
  expect(loss).toMatchObject({ state: "server-gone" });
  expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 75, left: nothingLeft });
  expect(end.lines.some(({ msg }) => msg.startsWith("forcing the unmount of a dead share"))).toBe(true);
  // The grace of 2 s and 15 s more.
  expect(Date.now() - lostMs).toBeLessThan(17_000);
});

it("does not force what answers, is not ours, or holds nobody", async () => {
  const watched = startWatched(lab(), {
    mountPoint: box().mountPoint(),
    env: { NFS_WATCH: "log" },
    command: "trap '' TERM; echo ready; while :; do sleep 0.2; done",
  });
  await watched.started();
  await lab().sh("srv_down");
  await watched.logged("the server of the share does not answer, waiting for it");
  await lab().sh("container_exec box sh -c 'kill -TERM $(pgrep -x nfs-init | head -1)'");
  const end = await watched.ended();
  expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 137, left: nothingLeft });
  const messages = end.lines.map(({ msg }) => msg);
  expect(messages).toContain("the process did not end in time and a share does not answer, killing it");
  expect(messages.filter((msg) => msg.startsWith("forcing"))).toEqual([]);
});

it("does not kill a process that takes long to end on a share that is only missing", async () => {
  const mountPoint = box().mountPoint();
  const watched = startWatched(lab(), {
    mountPoint,
    env: { NFS_WATCH: "log" },
    command: "trap 'sleep 4; echo flushed; exit 5' TERM; echo ready; while :; do sleep 0.2; done",
  });
  await watched.started();
  await lab().sh(`container_exec box umount -l ${mountPoint}`);
  await watched.logged("a share is lost");
  await lab().sh("container_exec box sh -c 'kill -TERM $(pgrep -x nfs-init | head -1)'");
  const end = await watched.ended();
  expect({ exitCode: end.exitCode, stdout: end.stdout }).toEqual({ exitCode: 5, stdout: ["ready", "flushed"] });
});

it("takes the readers of a dead server with it within the grace and the time for unmounting", async () => {
  const mountPoint = box().mountPoint();
  const watched = startWatched(lab(), {
    mountPoint,
    env: { NFS_VERSION: "4.2", NFS_SERVER_GONE_AFTER: "2s" },
    command: `trap '' TERM; echo ready; while :; do ls ${mountPoint} >/dev/null; sleep 0.1; done`,
  });
  await watched.started();
  await lab().sh("link srv down");
  await watched.logged("a share is lost");
  const lostMs = Date.now();
  const end = await watched.ended();
  expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 75, left: nothingLeft });
  expect(Date.now() - lostMs).toBeLessThan(2_000 + 1_500 + 1_000 + 1_000);
});
