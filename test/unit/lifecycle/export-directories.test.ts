// The directories that are to be exported, before they are: what is mounted on them, what is refused, and what is said.
import { describe, expect, test } from "vitest";
import type { Preparation } from "../../../src/config/exports.ts";
import {
  makeStateDirectory,
  prepareDirectory,
  type ExportDirectoryPorts,
} from "../../../src/lifecycle/export-directories.ts";
import type { MountRecord } from "../../../src/shares/mountinfo.ts";
import { handClock } from "../fakes/clock.ts";
import { localMount } from "../fakes/mounts.ts";
import { plainPreparation } from "../fakes/preparation.ts";

const never = new AbortController().signal;
const eperm = () => {
  throw Object.assign(new Error("operation not permitted"), { code: "EPERM" });
};

/** A machine without mounts but for `/`, on which everything works, with what is done and said. */
function machine(changes: Partial<ExportDirectoryPorts> = {}) {
  const clock = handClock();
  const table: MountRecord[] = [localMount("/", { fstype: "overlay" })];
  const done: string[] = [];
  const said: string[] = [];
  const ports: ExportDirectoryPorts = {
    log: (level, message, { source, target, reason }) =>
      said.push([level, message, source, target, reason].filter((word) => word !== undefined).join(" | ")),
    clock,
    mounts: () => table,
    makeDirectories: (path, mode) => done.push(`make ${path}${mode === undefined ? "" : ` ${mode.toString(8)}`}`),
    mountLocal: ({ source, target, fstype, data }) => {
      done.push(`mount ${source} ${target} ${fstype} ${data}`.trim());
      table.push(localMount(target, { fstype, source }));
      return Promise.resolve(undefined);
    },
    umountLocal: (target, how) => {
      done.push(`umount ${target} ${how}`);
      return Promise.resolve(true);
    },
    findDevice: () => Promise.resolve({ source: "/dev/vdb", fstype: "ext4" }),
    giveOwnerAndMode: (path, owner, mode) => done.push(`give ${path} ${owner?.uid}:${owner?.gid} ${mode?.toString(8)}`),
    whyUnwritable: () => undefined,
    ...changes,
  };
  return { ports, clock, table, done, said };
}

describe("a directory of the machine", () => {
  test("of which nothing is asked is left as it is", async () => {
    const { ports, done, said } = machine();
    await (
      await prepareDirectory(ports, plainPreparation, never)
    )();
    expect([done, said]).toEqual([[], []]);
  });

  test("is given its owner and mode", async () => {
    const { ports, done } = machine();
    await prepareDirectory(ports, { ...plainPreparation, owner: { uid: 5, gid: 6 }, mode: 0o750 }, never);
    expect(done).toEqual(["give /data 5:6 750"]);
  });

  test("that cannot be given them is refused", async () => {
    const { ports } = machine({ giveOwnerAndMode: eperm });
    await expect(prepareDirectory(ports, { ...plainPreparation, mode: 0o750 }, never)).rejects.toMatchObject({
      exitCode: 78,
      message: "NFS_EXPORT: cannot give /data its owner and mode: EPERM",
    });
  });

  test("is refused where something is to be mounted on it and nothing is", async () => {
    const { ports, table } = machine();
    const wanted = { ...plainPreparation, requireMount: true };
    await expect(prepareDirectory(ports, wanted, never)).rejects.toMatchObject({
      exitCode: 78,
      message: "NFS_EXPORT: nothing is mounted on /data",
    });
    table.push(localMount("/data"));
    await prepareDirectory(ports, wanted, never);
  });

  test("that is an emptyDir is said to go with its pod", async () => {
    const { ports, table, said } = machine();
    table.push(localMount("/data", { root: "/var/lib/kubelet/pods/1/volumes/kubernetes.io~empty-dir/data" }));
    await prepareDirectory(ports, plainPreparation, never);
    expect(said).toEqual(["warn | the export is an emptyDir, its files end with the pod | /data"]);
  });
});

describe("a directory in memory", () => {
  test.each([
    [undefined, "mode=755"],
    ["1g", "mode=755,size=1g"],
  ])("of size %s is made, and unmounted at the end", async (size, data) => {
    const { ports, done, said } = machine();
    await (
      await prepareDirectory(ports, { ...plainPreparation, scratch: { size } }, never)
    )();
    expect(done).toEqual(["make /data", `mount nfs-init-scratch /data tmpfs ${data}`, "umount /data plain"]);
    expect(said.at(-1)).toBe("info | unmounted | nfs-init-scratch | /data");
  });

  test.each([
    [(how: string) => how === "lazy", "it was in use and is detached"],
    [() => false, "it stays"],
  ])("that is in use at the end is detached, which is said", async (mayGo, reason) => {
    const { ports, said } = machine({ umountLocal: (_, how) => Promise.resolve(mayGo(how)) });
    await (
      await prepareDirectory(ports, { ...plainPreparation, scratch: { size: undefined } }, never)
    )();
    expect(said.at(-1)).toBe(`warn | unmounted | nfs-init-scratch | /data | ${reason}`);
  });

  test.each([
    ["EPERM", 32, /CAP_SYS_ADMIN/],
    ["EIO", 75, /look at the disk/],
  ])("that cannot be mounted (%s) ends it with %d", async (errno, exitCode, hint) => {
    const { ports } = machine({ mountLocal: () => Promise.resolve({ errno, reason: "refused" }) });
    await expect(
      prepareDirectory(ports, { ...plainPreparation, scratch: { size: undefined } }, never),
    ).rejects.toMatchObject({
      exitCode,
      message: "NFS_EXPORT: cannot mount nfs-init-scratch on /data: refused",
      hint: expect.stringMatching(hint) as string,
    });
  });

  test("whose directory cannot be made is refused", async () => {
    const { ports } = machine({ makeDirectories: eperm });
    await expect(
      prepareDirectory(ports, { ...plainPreparation, scratch: { size: undefined } }, never),
    ).rejects.toMatchObject({
      exitCode: 78,
      message: "NFS_EXPORT: cannot make /data: EPERM",
    });
  });
});

describe("a directory of a disk", () => {
  const onDisk: Preparation = { ...plainPreparation, device: { kind: "label", value: "films" } };

  test("has the disk mounted on it", async () => {
    const { ports, done } = machine();
    await prepareDirectory(ports, onDisk, never);
    expect(done).toEqual(["make /data", "mount /dev/vdb /data ext4"]);
  });

  test("on which something is mounted already is left as it is", async () => {
    const { ports, table, done } = machine();
    table.push(localMount("/data", { fstype: "ext4" }));
    await (
      await prepareDirectory(ports, onDisk, never)
    )();
    expect(done).toEqual(["make /data"]);
  });

  test("waits for the disk, says so now and then, and serves nothing in its place", async () => {
    let isThere = false;
    const { ports, clock, done, said } = machine({
      findDevice: () => Promise.resolve(isThere ? { source: "/dev/vdb", fstype: "ext4" } : undefined),
    });
    const preparing = prepareDirectory(ports, onDisk, never);
    await clock.pass(59_000);
    expect(said).toEqual(Array.from({ length: 2 }, () => "warn | waiting for the disk | LABEL=films | /data"));
    isThere = true;
    await clock.pass(500);
    await preparing;
    expect(done).toEqual(["make /data", "mount /dev/vdb /data ext4"]);
  });

  test("is waited for no longer once a stop comes", async () => {
    const stop = new AbortController();
    const { ports, clock } = machine({ findDevice: () => Promise.resolve(undefined) });
    const preparing = prepareDirectory(ports, onDisk, stop.signal);
    await clock.pass(1_000);
    stop.abort(new Error("stopped"));
    await expect(preparing).rejects.toThrow("stopped");
  });
});

describe("the directory of client records", () => {
  test("is made for its owner alone, and said to end with the container where it lies in that", () => {
    const { ports, table, done, said } = machine();
    makeStateDirectory(ports, "/var/lib/nfs");
    expect(done).toEqual(["make /var/lib/nfs 700"]);
    expect(said).toHaveLength(1);
    table.push(localMount("/var/lib", { fstype: "ext4" }));
    makeStateDirectory(ports, "/var/lib/nfs");
    expect(said).toHaveLength(1);
  });

  test("that cannot be made, or not be written, is refused", () => {
    expect(() => makeStateDirectory(machine({ makeDirectories: eperm }).ports, "/var/lib/nfs")).toThrow(
      "NFS_SERVER_STATE: cannot make /var/lib/nfs: EPERM",
    );
    expect(() => makeStateDirectory(machine({ whyUnwritable: () => "EROFS" }).ports, "/var/lib/nfs")).toThrow(
      "NFS_SERVER_STATE: /var/lib/nfs cannot be written (EROFS)",
    );
  });
});
