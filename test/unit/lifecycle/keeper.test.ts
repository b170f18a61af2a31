// What lies in memory and was mounted below a share is kept while the share is there, and put back on a fresh one.
import type { MountRecord } from "../../../src/shares/mountinfo.ts";
import type { Share } from "../../../src/shares/share.ts";
import { describe, expect, test } from "vitest";
import { keeperOf } from "../../../src/lifecycle/keeper.ts";
import type { Mounter } from "../../../src/mount/ports.ts";
import { undoStack } from "../../../src/lifecycle/undo.ts";
import { fakeMounter } from "../fakes/mounter.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";
import { configOf, planOf } from "../fakes/shares.ts";

const settle = () => new Promise((resolve) => setImmediate(resolve));
const cache = () => localMount("/mnt/a/cache", { fstype: "tmpfs", source: "tmpfs", device: "0:77" });

function keeping(watch = "remount", keep?: (table: MountRecord[]) => Mounter["keep"]) {
  const environment = { NFS_MOUNTS: "nas:/a /mnt/a; nas:/b /mnt/a/b", NFS_WATCH: watch };
  const { shares } = planOf(environment);
  const [above, below] = shares;
  if (above === undefined || below === undefined) throw new Error("two shares are needed");
  const mounter = fakeMounter({ mounts: [nfsMount("nas:/a", "/mnt/a"), nfsMount("nas:/b", "/mnt/a/b")] });
  const mounted = new Set<Share>(shares);
  const undo = undoStack((error) => {
    throw error;
  });
  const keeper = keeperOf(
    {
      mounter: keep === undefined ? mounter : { ...mounter, keep: keep(mounter.table) },
      keptPath: (target) => ({ path: `/kept${target}` }),
    },
    shares,
    configOf(environment).settings,
    undo,
  );
  const look = async () => {
    keeper.look(mounter.mounts(), [...mounted]);
    await settle();
  };
  const unmounted = (target: string) => {
    const index = mounter.table.findLastIndex((record) => record.target === target);
    if (index !== -1) mounter.table.splice(index, 1);
  };
  return { keeper, above, below, mounter, mounted, undo, look, unmounted };
}

describe("a tmpfs that was mounted below a share", () => {
  test("is kept once, and let go of when it was unmounted", async () => {
    const { mounter, look, unmounted } = keeping();
    mounter.table.push(cache());
    await look();
    await look();
    expect(mounter.actions).toEqual(["keep /mnt/a/cache /kept/mnt/a/cache"]);
    unmounted("/mnt/a/cache");
    await look();
    expect(mounter.actions.slice(1)).toEqual(["umount lazy /kept/mnt/a/cache", "remove aside /kept/mnt/a/cache"]);
  });

  test("is kept although it has gone, where the share has gone as well, and is put back on the fresh one", async () => {
    const { keeper, above, below, mounter, mounted, look, unmounted } = keeping();
    mounter.table.push(cache());
    await look();
    unmounted("/mnt/a/cache");
    unmounted("/mnt/a");
    await look();
    mounted.clear();
    await look();
    expect({ above: keeper.has(above), below: keeper.has(below) }).toEqual({ above: true, below: false });
    expect(await keeper.putBack(above, "/aside/a")).toEqual(["/mnt/a/cache"]);
    expect(mounter.actions.slice(1)).toEqual([
      "prepare /aside/a/cache below /aside/a",
      "bind /kept/mnt/a/cache /aside/a/cache",
      "release /aside/a/cache",
    ]);
  });

  test("belongs to the nearest share above it", async () => {
    const { keeper, above, below, mounter, look } = keeping();
    mounter.table.push(localMount("/mnt/a/b/deep/cache", { fstype: "tmpfs", source: "tmpfs" }));
    await look();
    expect({ above: keeper.has(above), below: keeper.has(below) }).toEqual({ above: false, below: true });
  });

  test("is let go of on the way out", async () => {
    const { mounter, undo, look } = keeping();
    mounter.table.push(cache());
    await look();
    mounter.actions.length = 0;
    await undo.unwind();
    expect(mounter.actions).toEqual(["umount lazy /kept/mnt/a/cache", "remove aside /kept/mnt/a/cache"]);
  });

  test("is not kept where something else was reached on the way to it", async () => {
    const { keeper, above, mounter, look } = keeping("remount", (table) => (_, path) => {
      table.push({ ...cache(), device: "8:1", target: path });
      return Promise.resolve({ kind: "done" });
    });
    mounter.table.push(cache());
    await look();
    expect(keeper.has(above)).toBe(false);
    expect(mounter.actions).toEqual(["umount lazy /kept/mnt/a/cache", "remove aside /kept/mnt/a/cache"]);
  });
});

test.each([
  { name: "what lies on a disk: it loses nothing", watch: "remount", mount: localMount("/mnt/a/image") },
  { name: "anything where nothing is mounted afresh", watch: "exit", mount: cache() },
])("does not keep $name", async ({ watch, mount }) => {
  const { mounter, look } = keeping(watch);
  mounter.table.push(mount);
  await look();
  expect(mounter.actions).toEqual([]);
});
