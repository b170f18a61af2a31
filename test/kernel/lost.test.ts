// A share that is lost ends the process, with the reason, and leaves nothing behind.
import { afterEach, describe, expect, it } from "vitest";
import { kernelSuite } from "../support/kernel-suite.ts";
import { nothingLeft, startWatched } from "../support/watched.ts";

const { lab, box } = kernelSuite();

/** Drops what the client's established connection sends: the mount hangs while new questions to the server are answered. */
const freezeMount = `port=$(in_ c1 busybox netstat -tn | sed -n 's/.*10\\.77\\.0\\.11:\\([0-9]*\\) *10\\.77\\.0\\.1:2049 *ESTABLISHED.*/\\1/p' | head -1)
[ -n "$port" ] || { echo "no connection" >&2; exit 1; }
in_ srv iptables-legacy -I INPUT -p tcp --sport $port -j DROP`;

const moveServer = `in_ srv ip addr add 10.77.0.2/24 dev eth0
name set nas.lab 10.77.0.2; in_ srv iptables-legacy -I INPUT -d 10.77.0.1 -j DROP`;

const undoFaults = `in_ srv iptables-legacy -F INPUT; in_ srv ip addr del 10.77.0.2/24 dev eth0 2>/dev/null || :`;

afterEach(async () => {
  await lab().sh(undoFaults);
});

const losses: readonly {
  readonly name: string;
  readonly fault: string;
  readonly state: string;
  readonly env?: Readonly<Record<string, string>>;
  /** COMMAND cannot answer a signal: the share under it is blocked. */
  readonly before?: string;
}[] = [
  { name: "its export gets another fsid", fault: "srv_stale /srv/exp 101", state: "stale" },
  { name: "its export is withdrawn", fault: "srv_unexport /srv/exp", state: "stale" },
  {
    name: "its directory is deleted and made anew",
    before: "in_ srv mkdir /srv/exp/dir; srv_export /srv/exp/dir 300",
    env: { NFS_HOST_MOUNT: "/srv/exp/dir" },
    fault:
      "in_ srv sh -c 'mv /srv/exp/dir /srv/exp/gone; rmdir /srv/exp/gone; mkdir /srv/exp/dir'; in_ srv exportfs -f",
    state: "stale",
  },
  {
    name: "its server is gone for longer than NFS_SERVER_GONE_AFTER",
    env: { NFS_SERVER_GONE_AFTER: "3s" },
    fault: "link srv down",
    state: "server-gone",
  },
  {
    name: "it does not answer although its server does, for longer than NFS_UNRESPONSIVE_AFTER",
    env: { NFS_UNRESPONSIVE_AFTER: "3s" },
    fault: freezeMount,
    state: "unresponsive",
  },
  {
    name: "its server has moved to another address behind the same name",
    before: "name set nas.lab $SRV",
    env: { NFS_HOST: "nas.lab" },
    fault: moveServer,
    state: "server-gone",
  },
  { name: "it is unmounted from outside", fault: "container_exec box umount -l MOUNT_POINT", state: "missing" },
  {
    name: "something is mounted over it",
    fault: "container_exec box mount -t tmpfs over MOUNT_POINT",
    state: "replaced",
  },
];

describe.each(["3", "4.2"])("version %s", (version) => {
  it.each(losses)("ends the process with 75 when $name", async ({ fault, state, env = {}, before = "true" }) => {
    const mountPoint = box().mountPoint();
    await lab().sh(before);
    const watched = startWatched(lab(), { mountPoint, env: { NFS_VERSION: version, ...env } });
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
  const watched = startWatched(lab(), {
    mountPoint,
    env: { NFS_VERSION: "4.2", NFS_SERVER_GONE_AFTER: "2s" },
    command: `trap '' TERM; echo ready; ${run} if=/dev/zero of=${mountPoint}/big bs=64k count=3000 2>/dev/null; :`,
  });
  await watched.started();
  // Dirty pages are what SIGKILL does not get past.
  await lab().sh(
    "for i in $(seq 100); do in_ srv sh -c 'test -s /srv/exp/big' && break; pause 0.05; done; link srv down",
  );
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
