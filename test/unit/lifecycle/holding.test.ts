// Mounts of a sidecar that others see: held busy while they are used, and taken down by whoever leaves last.
import { describe, expect, test } from "vitest";
import { hold } from "../../../src/lifecycle/holding.ts";
import { guardSource } from "../../../src/mount/guard.ts";
import { mountingOf, type MountingWorld } from "../fakes/mounting.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";

const environment = { NFS_MOUNTS: "nas:/a /mnt/a", NFS_VERSION: "4.2" };
const propagates = { optional: ["shared:1"] };
const shared = () => localMount("/", propagates);

function setUp(world: Partial<MountingWorld> = {}) {
  return mountingOf({ environment, isSidecar: true, mounts: [shared()], ...world });
}

describe("a share is not held", () => {
  test.each<[string, Partial<MountingWorld>]>([
    ["by run, whose mounts are for its own processes", { isSidecar: false }],
    ["where nobody else sees it", { mounts: [localMount("/")] }],
    ["where it is only watched", { environment: { NFS_MOUNTS: "nas:/a /mnt/a nfs x-nfs-init.watch-only" } }],
  ])("%s", async (_, world) => {
    const { mounting, mounter, share, managed } = setUp(world);
    hold(mounting, share("/mnt/a"));
    expect({ actions: mounter.actions, isOurs: managed("/mnt/a").isOurs }).toEqual({ actions: [], isOurs: false });
    await mounting.undo.unwind();
    expect(mounter.actions).toEqual([]);
  });
});

describe("a share that others see", () => {
  test("is held, and let go of before it is unmounted", async () => {
    const { mounting, mounter, mount, share } = setUp();
    mount("/mnt/a", propagates);
    hold(mounting, share("/mnt/a"));
    await mounting.undo.unwind();
    expect(mounter.actions).toEqual(["hold /mnt/a", "let go of /mnt/a", "umount plain /mnt/a"]);
  });

  test("is taken down by this instance although another has mounted it, with its guard after it", async () => {
    const guard = localMount("/mnt/a", { fstype: "tmpfs", source: guardSource });
    const { mounting, mounter, share, managed, told } = setUp({
      mounts: [shared(), guard, nfsMount("nas:/a", "/mnt/a", propagates)],
    });
    hold(mounting, share("/mnt/a"));
    expect(managed("/mnt/a").isOurs).toBe(true);
    await mounting.undo.unwind();
    expect(mounter.actions).toEqual(["hold /mnt/a", "let go of /mnt/a", "umount plain /mnt/a", "umount plain /mnt/a"]);
    expect({ told: told(), left: mounter.table.map(({ target }) => target) }).toEqual({
      told: ["unmounted /mnt/a"],
      left: ["/"],
    });
  });

  test("stays where another instance holds it too", async () => {
    const { mounting, mounter, mount, share, events } = setUp({ umount: () => ({ kind: "failed", errno: "EBUSY" }) });
    mount("/mnt/a", propagates);
    hold(mounting, share("/mnt/a"));
    await mounting.undo.unwind();
    expect(events).toEqual([{ kind: "unmounted", share: share("/mnt/a"), result: "in-use" }]);
    expect(mounter.actions).not.toContain("umount lazy /mnt/a");
  });

  test("is held anew when it was mounted afresh, and taken down once", async () => {
    const { mounting, mounter, mount, share, told } = setUp();
    mount("/mnt/a", propagates);
    hold(mounting, share("/mnt/a"));
    hold(mounting, share("/mnt/a"));
    await mounting.undo.unwind();
    expect(mounter.actions.filter((action) => action === "hold /mnt/a")).toHaveLength(2);
    expect(told()).toEqual(["unmounted /mnt/a"]);
  });
});
