// Where guards are put, and when: on mount points, and on shares that others lie below.
import type { Share } from "../../../src/shares/share.ts";
import { describe, expect, test } from "vitest";
import { guardsOf } from "../../../src/lifecycle/guards.ts";
import { manageShares } from "../../../src/lifecycle/managed-share.ts";
import { undoStack } from "../../../src/lifecycle/undo.ts";
import { guardSource } from "../../../src/mount/guard.ts";
import { fakeMounter, type Answers } from "../fakes/mounter.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";
import { planOf } from "../fakes/shares.ts";

const guardOn = (target: string) => localMount(target, { fstype: "tmpfs", source: guardSource });

const plan = () => planOf({ NFS_MOUNTS: "nas:/a /mnt/a; nas:/b /mnt/a/b; nas:/c /mnt/a/c/d; nas:/e /mnt/a/b/e" });

function guarding(answers: Answers = {}, { guard = true, away = "" } = {}) {
  const { shares } = plan();
  const mounter = fakeMounter(answers);
  const lines: { readonly message: string; readonly target: unknown; readonly reason: unknown }[] = [];
  const notEmpty: string[] = [];
  const undo = undoStack((error) => {
    throw error;
  });
  const guards = guardsOf(
    {
      log: (_, message, { target, reason }) => lines.push({ message, target, reason }),
      mounter,
      isAway: ({ target }) => target === away,
      onNotEmpty: ({ target }) => notEmpty.push(target),
    },
    manageShares(shares),
    { guard, attemptTimeoutMs: 15_000 },
    undo,
  );
  const share = (target: string): Share => {
    const found = shares.find((one) => one.target === target);
    if (found === undefined) throw new Error(`no share on ${target}`);
    return found;
  };
  return { guards, mounter, lines, notEmpty, undo, share };
}

describe("the guards that lie on a share", () => {
  test("are put where it is put together, on what lies directly below it", async () => {
    const { guards, mounter, share } = guarding();
    expect(guards.below(share("/mnt/a")).map(({ target }) => target)).toEqual(["/mnt/a/b", "/mnt/a/c/d"]);
    expect(await guards.putBelow(share("/mnt/a"), "/aside/a")).toBeUndefined();
    expect(mounter.actions).toEqual([
      "prepare /aside/a/b below /aside/a",
      "guard /aside/a/b",
      "release /aside/a/b",
      "prepare /aside/a/c/d below /aside/a",
      "guard /aside/a/c/d",
      "release /aside/a/c/d",
    ]);
  });

  test("are put again where an earlier tree of mounts still shows one: a fresh tree has none", async () => {
    const { guards, mounter, share } = guarding({ mounts: [guardOn("/mnt/a/b")] });
    await guards.putBelow(share("/mnt/a"), "/aside/a");
    expect(mounter.actions).toContain("guard /aside/a/b");
  });

  test("are not put over a share that is there, nor twice, on a share that can be reached", async () => {
    const mounts = [nfsMount("nas:/a", "/mnt/a"), nfsMount("nas:/b", "/mnt/a/b"), guardOn("/mnt/a/c/d")];
    const { guards, mounter, share } = guarding({ mounts });
    await guards.putBelow(share("/mnt/a"), "/mnt/a");
    expect(mounter.actions).toEqual([]);
  });

  test("are none where no guard is wanted", () => {
    const { guards, share } = guarding({}, { guard: false });
    expect({ below: guards.below(share("/mnt/a")), isMissing: guards.isMissing(share("/mnt/a/b")) }).toEqual({
      below: [],
      isMissing: false,
    });
  });

  test("keep the share from being shown while a mount point cannot be reached", async () => {
    const { guards, share } = guarding({ prepare: () => ({ kind: "failed", reason: "/aside/a/b: ESTALE" }) });
    expect(await guards.putBelow(share("/mnt/a"), "/aside/a")).toBe(
      "the mount point /mnt/a/b cannot be reached: /aside/a/b: ESTALE",
    );
  });

  test("do not keep it where one can be no mount point: its own attempt tells of that", async () => {
    const { guards, mounter, share } = guarding({
      prepare: (path) =>
        path === "/aside/a/b"
          ? { kind: "refused", reason: "/aside/a/b on the share is a symbolic link or a file" }
          : { kind: "prepared", path, isEmpty: true, release: () => {} },
    });
    expect(await guards.putBelow(share("/mnt/a"), "/aside/a")).toBeUndefined();
    expect(mounter.actions.filter((action) => action.startsWith("guard"))).toEqual(["guard /aside/a/c/d"]);
  });

  test("tell of files that they hide", async () => {
    const { guards, notEmpty, share } = guarding({
      prepare: (path) => ({ kind: "prepared", path, isEmpty: path !== "/aside/a/b", release: () => {} }),
    });
    await guards.putBelow(share("/mnt/a"), "/aside/a");
    expect(notEmpty).toEqual(["/mnt/a/b"]);
  });

  test("that cannot be put are said once, and where writes go then", async () => {
    const { guards, lines, share } = guarding({ guard: () => ({ kind: "failed", errno: "EPERM" }) });
    await guards.put(share("/mnt/a"), "/mnt/a");
    await guards.put(share("/mnt/a"), "/mnt/a");
    await guards.putBelow(share("/mnt/a/b"), "/aside/b");
    expect(lines).toEqual([
      {
        message: "no guard under the share, writes reach the local disk while it is away",
        target: "/mnt/a",
        reason: "EPERM",
      },
      {
        message: "no guard under the share, writes reach the share above it while it is away",
        target: "/mnt/a/b/e",
        reason: "EPERM",
      },
    ]);
  });
});

describe("on the way out", () => {
  test("each guard is taken away once, however often it was put", async () => {
    const { guards, mounter, undo, share } = guarding();
    for (let round = 0; round < 3; round++) await guards.put(share("/mnt/a"), "/mnt/a");
    mounter.table.push(guardOn("/mnt/a"));
    mounter.actions.length = 0;
    await undo.unwind();
    expect(mounter.actions).toEqual(["umount plain /mnt/a"]);
  });

  test("one is taken away by this process where no other can be started: it asks no server", async () => {
    const { guards, mounter, undo, share } = guarding({
      umount: () => ({ kind: "no-answer", notStarted: "EAGAIN" }),
    });
    await guards.put(share("/mnt/a"), "/mnt/a");
    mounter.table.push(guardOn("/mnt/a"));
    mounter.actions.length = 0;
    await undo.unwind();
    expect(mounter.actions).toEqual(["umount plain /mnt/a", "umount plain here /mnt/a"]);
    expect(mounter.table).toEqual([]);
  });

  test("one that lies on a share which does not answer is not touched", async () => {
    const { guards, mounter, undo, share } = guarding({}, { away: "/mnt/a" });
    await guards.putBelow(share("/mnt/a"), "/aside/a");
    mounter.table.push(guardOn("/mnt/a/b"));
    mounter.actions.length = 0;
    await undo.unwind();
    expect(mounter.actions).toEqual([]);
  });
});

test("a guard that was unmounted together with its share is missing, and put again", async () => {
  const { guards, mounter, share } = guarding();
  await guards.put(share("/mnt/a"), "/mnt/a");
  mounter.table.push(guardOn("/mnt/a"));
  expect(guards.isMissing(share("/mnt/a"))).toBe(false);
  mounter.table.length = 0;
  expect(guards.isMissing(share("/mnt/a"))).toBe(true);
});
