// What comes back by itself, or is not lost at all, leaves the process alone.
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { everyCombination, versionsOr } from "../support/every-combination.ts";
import { logLines } from "../support/box.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { nothingLeft, startWatched, type Watched } from "../support/watched.ts";

const { lab, box } = kernelSuite();

const stop = async (watched: Watched) => {
  await lab().sh("container_exec box sh -c 'kill -TERM $(pgrep -x nfs-init | head -1)'");
  return watched.ended();
};

/** Waits until COMMAND has had more records acknowledged than `before`; how many it has now. */
const moreRecords = (watched: Watched, before: number) =>
  eventually(
    "more records",
    () => {
      const count = watched.job.stdout().split("\n").length;
      return count > before + 1 && count;
    },
    { timeoutMs: 30_000 },
  );

describe.each(versionsOr(["3", "4.2"]))("version %s", (version) => {
  /** Appends a numbered line five times a second, each on the server before the next. */
  const recorder = () =>
    `trap 'exit 5' TERM; echo ready; n=0; while :; do n=$((n+1)); echo $n >>${box().mountPoint()}/records && sync ${box().mountPoint()}/records && echo $n; sleep 0.2; done`;

  it.each([
    { name: "the link to the server is cut for a while", fault: "link srv down; pause 8; link srv up" },
    { name: "the server restarts and has lost its state", fault: "srv_down; pause 4; srv_up; srv_end_grace || :" },
  ])("goes on when $name, and loses no record", async ({ fault }) => {
    const watched = startWatched(lab(), {
      mountPoint: box().mountPoint(),
      env: { NFS_VERSION: version, NFS_WATCH_TIMEOUT: "1s" },
      command: recorder(),
    });
    await watched.started();
    const before = await moreRecords(watched, 1);
    await lab().sh(fault);
    const back = await watched.logged("the share answers again");
    expect(back).toMatchObject({ level: "info", state: "healthy" });
    // The process goes on by itself too, and not only the watch.
    await moreRecords(watched, before);
    const end = await stop(watched);
    expect(end.left).toEqual(nothingLeft);
    expect(end.lines.map(({ msg }) => msg)).toContain("the server of the share does not answer, waiting for it");
    expect(end.lines.some(({ msg }) => msg === "a share is lost")).toBe(false);
    const acknowledged = end.stdout.slice(1);
    const records = (await lab().sh("in_ srv cat /srv/exp/records")).split("\n");
    expect(acknowledged.length).toBeGreaterThan(1);
    expect(records.slice(0, acknowledged.length)).toEqual(acknowledged);
  });

  it.runIf(everyCombination)(
    "loses no record over three fail-overs in a row: the link cut, the server restarted with its state lost, the link cut again",
    async () => {
      const watched = startWatched(lab(), {
        mountPoint: box().mountPoint(),
        env: { NFS_VERSION: version, NFS_WATCH_TIMEOUT: "1s" },
        command: recorder(),
      });
      await watched.started();
      const cut = "link srv down; pause 20; link srv up";
      const restart = "srv_down; pause 20; srv_up; srv_end_grace || :";
      let before = 0;
      for (const [index, fault] of [cut, restart, cut].entries()) {
        await lab().sh(fault);
        await eventually(
          `the share to answer again after fail-over ${index + 1}`,
          () =>
            logLines(watched.job.stderr()).filter(({ msg }) => msg === "the share answers again").length === index + 1,
          { timeoutMs: 60_000 },
        );
        // The process goes on by itself too, and not only the watch.
        before = await moreRecords(watched, before);
      }
      const end = await stop(watched);
      expect(end.left).toEqual(nothingLeft);
      expect(end.lines.some(({ msg }) => msg === "a share is lost")).toBe(false);
      const acknowledged = end.stdout.slice(1);
      const records = (await lab().sh("in_ srv cat /srv/exp/records")).split("\n");
      expect(acknowledged.filter((record) => !records.includes(record))).toEqual([]);
      expect(new Set(records).size).toBe(records.length);
    },
    240_000,
  );

  it("takes the ESTALE of a soft mount for no proof while its server is away", async () => {
    const watched = startWatched(lab(), {
      mountPoint: box().mountPoint(),
      env: { NFS_VERSION: version, NFS_OPTIONS: "soft,nolock,timeo=5,retrans=1", NFS_WATCH_TIMEOUT: "5s" },
    });
    await watched.started();
    await lab().sh("link srv down");
    await watched.logged("the server of the share does not answer, waiting for it");
    await lab().sh("pause 4; link srv up");
    await watched.logged("the share answers again");
    const end = await stop(watched);
    expect(end).toMatchObject({ exitCode: 5, left: nothingLeft });
    expect(end.lines.some(({ msg }) => msg === "a share is lost")).toBe(false);
  });

  it("does not disturb a neighbour on the same share when it unmounts", async () => {
    const options = version === "3" ? "vers=3,nolock" : "vers=4.2";
    const neighbour = lab().start(
      `in_ c1 sh -c 'mount.nfs 10.77.0.1:/srv/exp /mnt -o ${options} && echo mounted; n=0
        while [ ! -e /lab/state/enough ]; do n=$((n+1)); echo $n >>/mnt/neighbour && sync /mnt/neighbour || echo failed; sleep 0.1; done; echo $n; tail -n 1 /mnt/neighbour'`,
    );
    await lab().sh("rm -f /lab/state/enough");
    await eventually("the neighbour's mount", () => neighbour.stdout().includes("mounted"));
    const watched = startWatched(lab(), { mountPoint: box().mountPoint(), env: { NFS_VERSION: version } });
    await watched.started();
    expect(await stop(watched)).toMatchObject({ exitCode: 5, left: nothingLeft });
    await lab().sh("pause 2; : >/lab/state/enough");
    const { stdout, stderr } = await neighbour.done;
    const [, written, read] = stdout.trim().split("\n");
    expect({ stderr, hasFailed: stdout.includes("failed"), read }).toEqual({
      stderr: "",
      hasFailed: false,
      read: written,
    });
    expect(Number(written)).toBeGreaterThan(5);
  });

  it.each([
    // The client keeps what access(2) told it until the directory has changed.
    { name: "once the directory has changed", env: {}, change: "in_ srv touch /srv/exp/changed" },
    { name: "by the write probe", env: { NFS_WATCH_WRITE: "on" }, change: "true" },
  ])("leaves the process alone when the export is turned read-only, and says so $name", async ({ env, change }) => {
    const watched = startWatched(lab(), {
      mountPoint: box().mountPoint(),
      env: { NFS_VERSION: version, NFS_OPTIONS: "hard,nolock,actimeo=1", ...env },
    });
    await watched.started();
    await lab().sh(
      `pause 1; in_ srv exportfs -o ro,no_root_squash,insecure,no_subtree_check,fsid=100 '*:/srv/exp'; in_ srv exportfs -f; ${change}`,
    );
    expect(await watched.logged("the share can no longer be written to")).toMatchObject({
      level: "warn",
      state: "read-only",
    });
    expect(await stop(watched)).toMatchObject({ exitCode: 5, left: nothingLeft });
    expect(await lab().sh("in_ srv sh -c 'ls -A /srv/exp | grep -c probe'; true")).toBe("0");
  });

  // The first asks the most of it.
  const exported = [
    {
      name: "an export for reserved ports that squashes root, on which another user writes",
      options: "root_squash,secure",
      before: "in_ srv chown 1234 /srv/exp",
    },
    { name: "an export", options: "no_root_squash,insecure", before: "true" },
    { name: "an export whose root is 0555", options: "no_root_squash,secure", before: "in_ srv chmod 555 /srv/exp" },
  ];
  it.each(exported.slice(0, everyCombination ? exported.length : 1))(
    "says with its defaults when $name is turned read-only, and when it is writable again",
    async ({ options, before }) => {
      const reexport = (mode: string) =>
        `in_ srv exportfs -ua; in_ srv exportfs -o ${mode},${options},no_subtree_check,fsid=100 '*:/srv/exp'; in_ srv exportfs -f`;
      await lab().sh(`${before}; ${reexport("rw")}`);
      const watched = startWatched(lab(), {
        mountPoint: box().mountPoint(),
        env: { NFS_VERSION: version },
        command: `trap 'exit 5' TERM; echo ready; while :; do stat ${box().mountPoint()} >/dev/null; sleep 0.5; done`,
      });
      await watched.started();
      const ready = async () => (await lab().run("container_exec box nfs-init check --ready")).exitCode === 0;
      await eventually("it is ready", ready);
      // Until its server has been asked for the first time.
      await lab().sh(`pause 2; ${reexport("ro")}`);
      expect(await watched.logged("the share can no longer be written to")).toMatchObject({
        level: "warn",
        state: "read-only",
      });
      expect(await ready()).toBe(false);
      expect((await lab().run("container_exec box nfs-init check")).exitCode).toBe(0);
      await lab().sh(reexport("rw"));
      await watched.logged("the share is writable again");
      expect(await ready()).toBe(true);
      const end = await stop(watched);
      expect(end).toMatchObject({ exitCode: 5, left: nothingLeft });
      expect(end.lines.filter(({ stage }) => stage === "watch")).toHaveLength(2);
    },
  );

  it("calls no share read-only on which nobody could write to begin with, nor one that is exported anew", async () => {
    const reexport =
      "in_ srv exportfs -ua; in_ srv exportfs -o rw,root_squash,insecure,no_subtree_check,fsid=100 '*:/srv/exp'; in_ srv exportfs -f";
    await lab().sh(`in_ srv chown 0:0 /srv/exp; in_ srv chmod 755 /srv/exp; ${reexport}`);
    const watched = startWatched(lab(), { mountPoint: box().mountPoint(), env: { NFS_VERSION: version } });
    await watched.started();
    await lab().sh(`pause 4; ${reexport}; pause 4`);
    const end = await stop(watched);
    expect(end).toMatchObject({ exitCode: 5, left: nothingLeft });
    expect(watched.lines("the share can no longer be written to")).toEqual([]);
  });

  it("warns once of a share that is full, and leaves no file of its write probe on it", async () => {
    await lab()
      .sh(`in_ srv sh -c 'mkdir -p /srv/full && mount -t tmpfs -o size=64k full /srv/full'; srv_export /srv/full 77
      in_ srv sh -c 'cat /dev/zero >/srv/full/most 2>/dev/null'; :`);
    const watched = startWatched(lab(), {
      mountPoint: box().mountPoint(),
      env: { NFS_VERSION: version, NFS_HOST_MOUNT: "/srv/full", NFS_WATCH_WRITE: "on" },
    });
    await watched.started();
    expect(await watched.logged("the share is full")).toMatchObject({ level: "warn", reason: "ENOSPC" });
    await lab().sh("pause 3");
    const end = await stop(watched);
    expect(end).toMatchObject({ exitCode: 5, left: nothingLeft });
    expect(end.lines.filter(({ stage }) => stage === "watch")).toHaveLength(1);
    expect(
      await lab().sh("in_ srv ls -A /srv/full; in_ srv sh -c 'exportfs -u \"*:/srv/full\"; umount /srv/full'"),
    ).toBe("most");
  });

  it("leaves the process alone on an export that root may not read", async () => {
    await lab().sh(
      "in_ srv chmod 700 /srv/exp; in_ srv exportfs -ua; in_ srv exportfs -o rw,root_squash,insecure,no_subtree_check,fsid=100 '*:/srv/exp'; in_ srv exportfs -f",
    );
    const watched = startWatched(lab(), { mountPoint: box().mountPoint(), env: { NFS_VERSION: version } });
    await watched.started();
    await lab().sh("pause 3");
    const end = await stop(watched);
    expect(end).toMatchObject({ exitCode: 5, left: nothingLeft });
    expect(end.lines.filter(({ stage }) => stage === "watch")).toEqual([]);
  });
});

it("keeps what is written while a share is missing off the local disk", async () => {
  const mountPoint = box().mountPoint();
  const watched = startWatched(lab(), {
    mountPoint,
    env: { NFS_WATCH: "log" },
    command: `trap 'exit 5' TERM; echo ready; while :; do echo leaked 2>/dev/null >${mountPoint}/leak; sleep 0.1; done`,
  });
  await watched.started();
  await lab().sh(`container_exec box umount -l ${mountPoint}`);
  await watched.logged("a share is lost");
  expect(await stop(watched)).toMatchObject({ exitCode: 5, left: nothingLeft });
  expect(await lab().sh(`ls ${mountPoint}`)).toBe("before");
});

it("loses nothing of what was written but not flushed when it is stopped", async () => {
  const mountPoint = box().mountPoint();
  const watched = startWatched(lab(), {
    mountPoint,
    env: { NFS_VERSION: "4.2", NFS_WATCH_TIMEOUT: "5s" },
    command: `trap 'exit 5' TERM; dd if=/dev/zero bs=64k count=960 of=${mountPoint}/big 2>/dev/null; echo ready; while :; do sleep 0.1; done`,
  });
  await watched.started();
  const end = await stop(watched);
  expect(end.left).toEqual(nothingLeft);
  expect(await lab().sh("in_ srv stat -c %s /srv/exp/big")).toBe(`${960 * 64 * 1024}`);
});
