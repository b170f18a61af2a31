// The places where shares are put together: made for those that others lie below, cleared before and after.
import { describe, expect, test } from "vitest";
import { asidePlaces, type AsideMachine } from "../../../src/lifecycle/aside.ts";
import { manageShares } from "../../../src/lifecycle/managed-share.ts";
import { undoStack } from "../../../src/lifecycle/undo.ts";
import { asideSource } from "../../../src/mount/aside.ts";
import { leapingClock } from "../fakes/clock.ts";
import { fakeMounter, type Answers } from "../fakes/mounter.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";
import { planOf } from "../fakes/shares.ts";

const path = "/run/nfs-init/aside/a";

function places(answers: Answers = {}, asidePath: AsideMachine["asidePath"] = () => ({ path })) {
  const { shares } = planOf({ NFS_MOUNTS: "nas:/a /mnt/a; nas:/b /mnt/a/b" });
  const [above, below] = shares;
  if (above === undefined || below === undefined) throw new Error("two shares are needed");
  const mounter = fakeMounter(answers);
  const lines: unknown[] = [];
  const undo = undoStack((error) => {
    throw error;
  });
  const aside = asidePlaces(
    {
      log: (level, _, { target, reason }) => lines.push(`${level} ${target}: ${reason}`),
      clock: leapingClock(),
      mounter,
      asidePath,
    },
    { attemptTimeoutMs: 15_000 },
    manageShares(shares),
    { below: (share) => (share === above ? [below] : []), putBelow: () => Promise.resolve(undefined) },
    { has: () => false, putBack: () => Promise.resolve([]) },
    undo,
  );
  return { aside, above, below, mounter, lines, undo };
}

describe("a place aside", () => {
  test("is made for a share that others lie below, and for no other", async () => {
    const { aside, above, below, mounter } = places();
    expect(await aside.open(below)).toBeUndefined();
    expect(await aside.open(above)).toBe(path);
    expect(mounter.actions).toEqual([`make aside ${path}`]);
  });

  test("is cleared of what an instance that was killed has left there", async () => {
    const mounts = [localMount(path, { fstype: "tmpfs", source: asideSource }), nfsMount("nas:/a", path)];
    const { aside, above, mounter } = places({ mounts });
    await aside.open(above);
    expect(mounter.actions).toEqual([
      `umount lazy ${path}`,
      `umount lazy ${path}`,
      `remove aside ${path}`,
      `make aside ${path}`,
    ]);
  });

  test("is not touched where something else is mounted on it", async () => {
    const { aside, above, mounter } = places({ mounts: [localMount(path)] });
    await aside.close(above);
    expect(mounter.actions).toEqual([]);
  });

  test("is taken away when it is closed, and on the way out where that was not done", async () => {
    const { aside, above, mounter, undo } = places();
    await aside.open(above);
    await aside.close(above);
    expect(mounter.actions.slice(1)).toEqual([`umount lazy ${path}`, `remove aside ${path}`]);
    await aside.open(above);
    mounter.actions.length = 0;
    await undo.unwind();
    expect(mounter.actions).toEqual([`umount lazy ${path}`, `remove aside ${path}`]);
  });

  test.each([
    {
      name: "it cannot be made",
      answers: { makeAside: () => ({ kind: "failed", errno: "EROFS" }) as const },
      asidePath: undefined,
      reason: "EROFS",
    },
    {
      name: "the state directory cannot be used",
      answers: {},
      asidePath: () => ({ reason: "read-only file system" }),
      reason: "read-only file system",
    },
  ])("is said to be missing, once, where $name", async ({ answers, asidePath, reason }) => {
    const { aside, above, lines } = places(answers, asidePath);
    expect(await aside.open(above)).toBeUndefined();
    expect(await aside.open(above)).toBeUndefined();
    expect(lines).toEqual([`warn /mnt/a: ${reason}`]);
  });

  test("is used no more once what was built there could not be moved", async () => {
    const { aside, above, lines } = places();
    await aside.open(above);
    aside.refuse(above, "EACCES");
    expect(await aside.open(above)).toBeUndefined();
    expect(lines).toEqual(["warn /mnt/a: EACCES"]);
  });
});
