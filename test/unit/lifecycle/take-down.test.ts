// Taking down what this instance has mounted, and the locks that keep others away meanwhile.
import { describe, expect, test } from "vitest";
import { enterTarget, lockShare, takeDown, undoLater } from "../../../src/lifecycle/take-down.ts";
import type { PathAnswer, TargetLock } from "../../../src/mount/ports.ts";
import { mountingOf, type MountingWorld } from "../fakes/mounting.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";

const environment = { NFS_MOUNTS: "nas:/a /mnt/a; nas:/b /mnt/a/b; nas:/c /mnt/c", NFS_VERSION: "4.2" };

/** A lock whose notes and release are seen. */
function lockOf(notes: (string | undefined)[], released: string[] = []): TargetLock {
  return { kind: "locked", note: (source) => notes.push(source), release: () => released.push("released") };
}

function setUp(world: Partial<MountingWorld> = {}) {
  return mountingOf({ environment, ...world });
}

describe("a share is taken down", () => {
  test("only where it is ours: what others have mounted stays", async () => {
    const { mounting, mounter, share, told } = setUp({ mounts: [nfsMount("nas:/c", "/mnt/c")] });
    await takeDown(mounting, share("/mnt/c"));
    expect({ actions: mounter.actions, told: told() }).toEqual({ actions: [], told: [] });
  });

  test("which is told, and noted in its lock", async () => {
    const notes: (string | undefined)[] = [];
    const { mounting, mount, share, events } = setUp({ lockTarget: () => lockOf(notes) });
    lockShare(mounting, share("/mnt/c"));
    mount("/mnt/c");
    await takeDown(mounting, share("/mnt/c"));
    expect(events).toEqual([{ kind: "unmounted", share: share("/mnt/c"), result: "unmounted" }]);
    expect(notes).toEqual([undefined]);
  });

  test("and what is left stays noted as ours, so that a later instance may take it down", async () => {
    const notes: (string | undefined)[] = [];
    const refused: PathAnswer = { kind: "failed", errno: "EPERM" };
    const { mounting, mount, share, events } = setUp({ lockTarget: () => lockOf(notes), umount: () => refused });
    lockShare(mounting, share("/mnt/c"));
    mount("/mnt/c");
    await takeDown(mounting, share("/mnt/c"));
    expect({ events, notes }).toEqual({
      events: [{ kind: "unmounted", share: share("/mnt/c"), result: "left" }],
      notes: [],
    });
  });

  test("with what COMMAND has mounted below it, which is named first", async () => {
    const { mounting, mounter, mount, share, events } = setUp({ isAway: () => true });
    mount("/mnt/c");
    mounter.table.push(localMount("/mnt/c/cache", { fstype: "tmpfs", source: "tmpfs" }));
    await takeDown(mounting, share("/mnt/c"));
    expect(events).toEqual([
      { kind: "goes-with", share: share("/mnt/c"), mounts: "tmpfs on /mnt/c/cache" },
      { kind: "unmounted", share: share("/mnt/c"), result: "detached" },
    ]);
  });

  test("after it was let go of where it is held busy, also where it was still on its way to be held", async () => {
    const { mounting, mounter, mount, share, managed } = setUp();
    mount("/mnt/c");
    let heldNow: (release: () => Promise<void>) => void = () => {};
    managed("/mnt/c").held = new Promise((resolve) => (heldNow = resolve));
    const done = takeDown(mounting, share("/mnt/c"));
    await Promise.resolve();
    expect(mounter.actions).toEqual([]);
    heldNow(async () => void mounter.actions.push("let go"));
    await done;
    expect(mounter.actions).toEqual(["let go", "umount plain /mnt/c"]);
    expect(managed("/mnt/c").held).toBeUndefined();
  });
});

test("on the way out each share is taken down once, however often it was mounted, the last first", async () => {
  const { mounting, mount, share, told } = setUp();
  mount("/mnt/a");
  mount("/mnt/a/b");
  undoLater(mounting, share("/mnt/a"));
  await mounting.undo.unwind();
  expect(told()).toEqual(["unmounted /mnt/a/b", "unmounted /mnt/a"]);
});

describe("the lock on a target", () => {
  test("is taken once, and let go of on the way out", async () => {
    const released: string[] = [];
    const asked: string[] = [];
    const { mounting, share, managed } = setUp({
      lockTarget: (target) => {
        asked.push(target);
        return lockOf([], released);
      },
    });
    for (let time = 0; time < 3; time++) expect(lockShare(mounting, share("/mnt/c")).kind).toBe("locked");
    expect(asked).toEqual(["/mnt/c"]);
    await mounting.undo.unwind();
    expect({ released, lock: managed("/mnt/c").lock }).toEqual({ released: ["released"], lock: undefined });
  });

  test("is asked for again while another instance has it", () => {
    const answers: TargetLock[] = [{ kind: "busy" }, lockOf([])];
    const { mounting, share } = setUp({ lockTarget: () => answers.shift() ?? { kind: "busy" } });
    const kinds = [1, 2, 3].map(() => lockShare(mounting, share("/mnt/c")).kind);
    expect(kinds).toEqual(["busy", "locked", "locked"]);
  });
});

describe("a change of what is mounted on a target", () => {
  const locking = (mounts: MountingWorld["mounts"] = []) => {
    const log: string[] = [];
    const set = setUp({
      mounts,
      lockDirectory: (path) => {
        log.push(`lock ${path}`);
        return Promise.resolve(() => void log.push(`unlock ${path}`));
      },
    });
    return { ...set, log };
  };
  const shared = () => [localMount("/", { optional: ["shared:1"] })];

  test("keeps out other instances that see it by propagation, until it is over", async () => {
    const { mounting, share, log } = locking(shared());
    const leave = await enterTarget(mounting, share("/mnt/a"));
    expect(log).toEqual(["lock /mnt"]);
    leave();
    expect(log).toEqual(["lock /mnt", "unlock /mnt"]);
  });

  test.each([
    ["nobody else sees", [], "/mnt/a"],
    ["lies on another share, whose directory may hang", shared(), "/mnt/a/b"],
  ])("that %s takes no lock", async (_, mounts, target) => {
    const { mounting, share, log } = locking(mounts);
    (await enterTarget(mounting, share(target)))();
    expect(log).toEqual([]);
  });

  test("can be waited for", async () => {
    const { mounting, share, managed } = locking();
    const leave = await enterTarget(mounting, share("/mnt/a"));
    let isOver = false;
    const waiting = managed("/mnt/a").changing?.then(() => (isOver = true));
    await Promise.resolve();
    expect(isOver).toBe(false);
    leave();
    await waiting;
    expect(isOver).toBe(true);
  });
});
