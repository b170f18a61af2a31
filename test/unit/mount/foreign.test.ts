import { expect, test } from "vitest";
import { guardSource } from "../../../src/mount/guard.ts";
import { describeMounts, foreignBelow } from "../../../src/mount/foreign.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";
import { planOf } from "../fakes/shares.ts";

test("what others have mounted below a share is neither a guard, nor a share of the plan, nor a step into the share itself", () => {
  const { shares } = planOf({ NFS_MOUNTS: "nas:/a /mnt/a; nas:/b /mnt/a/b" });
  const [above] = shares;
  if (above === undefined) throw new Error("a share is needed");
  const root = nfsMount("nas:/a", "/mnt/a");
  const records = [
    localMount("/"),
    root,
    localMount("/mnt/a/b", { fstype: "tmpfs", source: guardSource }),
    nfsMount("nas:/b", "/mnt/a/b"),
    // The kernel mounts it where somebody walks into another file system of the server.
    nfsMount("nas:/a/disk", "/mnt/a/disk", { parentId: root.id }),
    nfsMount("nas:/other", "/mnt/a/other", { parentId: root.id }),
    localMount("/mnt/a/cache", { fstype: "tmpfs", source: "tmpfs" }),
    localMount("/mnt/ab", { fstype: "tmpfs" }),
    localMount("/mnt/a/image"),
  ];
  expect(describeMounts(foreignBelow(records, above, shares))).toBe(
    "nfs4 on /mnt/a/other, tmpfs on /mnt/a/cache, ext4 on /mnt/a/image",
  );
});
