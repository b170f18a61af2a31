// A lost share is mounted afresh with what lies below it: what is detached, what is spared, and who may overtake whom.
import { afterEach, describe, expect, test } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { beginDoing, Overtaken } from "../../../src/lifecycle/managed-share.ts";
import { remountTree } from "../../../src/lifecycle/remounting.ts";
import type { Look } from "../../../src/mount/ports.ts";
import { mountingOf, type FakeMounting, type MountingWorld } from "../fakes/mounting.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";

const environment = {
  NFS_MOUNTS: "nas:/a /mnt/a; nas:/b /mnt/a/b; nas:/c /mnt/c",
  NFS_VERSION: "4.2",
  NFS_GUARD: "off",
};
const stale: Look = { kind: "failed", errno: "ESTALE" };

/** What goes on is over with its test. */
const begun: AbortController[] = [];
afterEach(() => {
  for (const whole of begun.splice(0)) whole.abort(new Error("the test is over"));
});

/** Shares that are mounted, and do not answer a look where nothing else is said. */
function setUp(world: Partial<MountingWorld> = {}, mounted: readonly string[] = ["/mnt/a", "/mnt/a/b", "/mnt/c"]) {
  const fake = mountingOf({ environment, look: () => stale, ...world });
  begun.push(fake.whole);
  for (const target of mounted) fake.mount(target);
  return fake;
}

const remount = ({ mounting, share }: FakeMounting, target: string) =>
  remountTree(mounting, share(target), "its handle is stale", () => {});

const calls = ({ mounter }: FakeMounting) =>
  mounter.actions.filter((action) => action.startsWith("mount ") || action.startsWith("umount "));

describe("a lost share", () => {
  test("is detached and mounted afresh, and nothing beside it is touched", async () => {
    const fake = setUp();
    expect(await remount(fake, "/mnt/c")).toBe("remounted");
    expect(calls(fake)).toEqual(["umount lazy /mnt/c", "mount 4.2 nas:/c /mnt/c"]);
    expect(fake.told()).toEqual(["away /mnt/c", "mounted /mnt/c"]);
    expect(fake.managed("/mnt/c")).toMatchObject({ phase: "mounted", generation: 2 });
  });

  test("takes along what lies below it, which is mounted again after it", async () => {
    const fake = setUp();
    expect(await remount(fake, "/mnt/a")).toBe("remounted");
    expect(calls(fake)).toEqual(["umount lazy /mnt/a", "mount 4.2 nas:/a /mnt/a", "mount 4.2 nas:/b /mnt/a/b"]);
    expect(fake.told()).toEqual(["away /mnt/a", "away /mnt/a/b", "mounted /mnt/a", "mounted /mnt/a/b"]);
  });

  test("that lies on another leaves that one alone", async () => {
    const fake = setUp();
    expect(await remount(fake, "/mnt/a/b")).toBe("remounted");
    expect(calls(fake)).toEqual(["umount lazy /mnt/a/b", "mount 4.2 nas:/b /mnt/a/b"]);
  });

  test("is detached with all its layers, and what COMMAND has mounted below it is named once", async () => {
    const fake = setUp({}, ["/mnt/c"]);
    fake.mounter.table.push(nfsMount("nas:/c", "/mnt/c"), localMount("/mnt/c/cache", { fstype: "tmpfs" }));
    await remount(fake, "/mnt/c");
    expect(calls(fake).filter((action) => action === "umount lazy /mnt/c")).toHaveLength(2);
    expect(fake.told()).toEqual(["away /mnt/c", "goes-with /mnt/c", "mounted /mnt/c"]);
  });

  test("is let go of with all below it before it is detached, where they are held busy", async () => {
    const fake = setUp();
    for (const target of ["/mnt/a", "/mnt/a/b"]) {
      fake.managed(target).held = Promise.resolve(async () => void fake.mounter.actions.push(`let go of ${target}`));
    }
    await remount(fake, "/mnt/a");
    const { actions } = fake.mounter;
    const detached = actions.indexOf("umount lazy /mnt/a");
    expect(actions.slice(0, detached)).toEqual(
      expect.arrayContaining(["let go of /mnt/a", "let go of /mnt/a/b"]) as string[],
    );
  });

  test("whose place something else has taken is not detached: that is not ours", async () => {
    const fake = setUp({}, []);
    fake.mount("/mnt/c");
    fake.mounter.table.splice(0, 1, nfsMount("other:/x", "/mnt/c"));
    // The mounting afresh is not waited for: it finds the place taken.
    void remount(fake, "/mnt/c").catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    fake.whole.abort(new Error("nfs-init ends"));
    expect(calls(fake)).not.toContain("umount lazy /mnt/c");
  });

  test("that is only watched is left to whoever mounts it", async () => {
    const watched = { NFS_MOUNTS: "nas:/a /mnt/a nfs x-nfs-init.watch-only" };
    const fake = setUp({ environment: watched }, ["/mnt/a"]);
    const error = await remount(fake, "/mnt/a").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ exitCode: 75, message: expect.stringContaining("only watched") as string });
    expect({ calls: calls(fake), told: fake.told() }).toEqual({ calls: [], told: [] });
  });
});

test("a nofail share that comes for the first time does not make up for one that was there and is not yet again", async () => {
  const tree = "nas:/a /mnt/a; nas:/b /mnt/a/b nfs nofail; nas:/d /mnt/a/d";
  const refuses = new Set(["/mnt/a/d"]);
  const fake = setUp(
    {
      environment: { ...environment, NFS_MOUNTS: tree },
      helper: ({ target }) => (refuses.has(target) ? "Connection refused" : "ok"),
    },
    ["/mnt/a", "/mnt/a/d"],
  );
  const mountedWhenOver = remount(fake, "/mnt/a").then(() => fake.managed("/mnt/a/d").phase);
  // What is refused is tried again and again: there is time for a remount that is over too early.
  while (fake.told().filter((text) => text === "attempt-failed /mnt/a/d").length < 3) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(fake.told()).toContain("mounted /mnt/a/b");
  refuses.clear();
  expect(await mountedWhenOver).toBe("mounted");
});

describe("a share that answers again once its server does", () => {
  const answers = { look: (): Look => ({ kind: "answers", isWritable: true }) };

  test("is not mounted afresh, nor is what lies below it", async () => {
    const fake = setUp(answers);
    expect(await remount(fake, "/mnt/a")).toBe("recovered");
    expect(calls(fake)).toEqual([]);
    expect(fake.told()).toEqual(["away /mnt/a", "away /mnt/a/b", "back /mnt/a", "back /mnt/a/b"]);
  });

  test("brings back only what was there before, and as ours only what a call of ours made", async () => {
    const fake = setUp(answers, ["/mnt/a"]);
    fake.managed("/mnt/a").isMade = false;
    expect(await remount(fake, "/mnt/a")).toBe("recovered");
    expect(fake.events.at(-1)).toEqual({ kind: "back", share: fake.share("/mnt/a"), isOurs: false });
    expect(fake.managed("/mnt/a/b").phase).toBe("waiting");
  });

  test("is another mount's answer where something else is on the target", async () => {
    const fake = setUp({ ...answers, mounts: [] }, ["/mnt/c"]);
    fake.mounter.table.length = 0;
    expect(await remount(fake, "/mnt/c")).toBe("remounted");
  });
});

test("where nobody can look whether a share answers again, it is mounted afresh", async () => {
  const fake = setUp({
    look: () => {
      throw new Error("no process can be started to look: EAGAIN");
    },
  });
  const look = fake.mounter.look.bind(fake.mounter);
  Object.assign(fake.mounter, { look: async (...args: Parameters<typeof look>) => look(...args) });
  expect(await remount(fake, "/mnt/c")).toBe("remounted");
});

describe("who begins with a share anew overtakes", () => {
  test("while its server is waited for: nothing of it is touched any more", async () => {
    const fake = setUp({
      isServed: (unneeded) =>
        new Promise((_, reject) => unneeded?.addEventListener("abort", () => reject(new Error("unneeded")))),
    });
    const first = remount(fake, "/mnt/c");
    beginDoing(fake.managed("/mnt/c"), fake.whole.signal);
    expect(await first).toBe("overtaken");
    expect(calls(fake)).toEqual([]);
  });

  test("while another instance is about to change it", async () => {
    const fake = setUp(
      {
        mounts: [localMount("/", { optional: ["shared:1"] })],
        // It would be taken for healed.
        look: () => ({ kind: "answers", isWritable: true }),
        lockDirectory: async () => {
          beginDoing(fake.managed("/mnt/c"), fake.whole.signal);
          return undefined;
        },
      },
      [],
    );
    fake.mount("/mnt/c", { optional: ["shared:1"] });
    expect(await remount(fake, "/mnt/c")).toBe("overtaken");
    expect(calls(fake)).toEqual([]);
  });

  test("while it is looked whether it answers again", async () => {
    const fake = setUp({
      look: () => {
        beginDoing(fake.managed("/mnt/c"), fake.whole.signal);
        return stale;
      },
    });
    expect(await remount(fake, "/mnt/c")).toBe("overtaken");
    expect(calls(fake)).toEqual([]);
  });

  test("while it is mounted afresh", async () => {
    const fake = setUp({
      helper: () => {
        beginDoing(fake.managed("/mnt/c"), fake.whole.signal);
        return "hang";
      },
    });
    expect(await remount(fake, "/mnt/c")).toBe("overtaken");
  });

  test("what goes on with a share below, which is ended and waited for before the tree is detached", async () => {
    const fake = setUp();
    const below = fake.managed("/mnt/a/b");
    const { promise, resolve } = Promise.withResolvers<void>();
    below.changing = promise;
    const doing = beginDoing(below, fake.whole.signal);
    let atEnd: readonly string[] | undefined;
    doing.addEventListener("abort", () => {
      atEnd = calls(fake);
      resolve();
    });
    expect(await remount(fake, "/mnt/a")).toBe("remounted");
    expect({ reason: doing.reason, atEnd }).toEqual({ reason: new Overtaken(), atEnd: [] });
  });
});

test("the end of nfs-init while a server is waited for is no overtaking: it ends with the reason of that", async () => {
  const fake = setUp({
    isServed: (unneeded) =>
      new Promise((_, reject) => unneeded?.addEventListener("abort", () => reject(new Error("unneeded")))),
  });
  const ended = remount(fake, "/mnt/c");
  fake.whole.abort(new Error("nfs-init ends"));
  await expect(ended).rejects.toThrow("nfs-init ends");
});

describe("a share below that COMMAND may do without", () => {
  const optional = { NFS_MOUNTS: "nas:/a /mnt/a; nas:/b /mnt/a/b nfs nofail", NFS_VERSION: "4.2", NFS_GUARD: "off" };
  const refusing = {
    environment: optional,
    helper: ({ source }: { source: string }) => (source === "nas:/b" ? "EINVAL" : "ok"),
  };

  test("keeps the remount from its end where it was there before", async () => {
    const fake = setUp(refusing, ["/mnt/a", "/mnt/a/b"]);
    await expect(remount(fake, "/mnt/a")).rejects.toThrow(/cannot mount nas:\/b/);
  });

  test("does not where it never was", async () => {
    const fake = setUp(refusing, ["/mnt/a"]);
    expect(await remount(fake, "/mnt/a")).toBe("remounted");
  });
});

test("what goes on in the background after a remount is told of, so that the end can wait for it", async () => {
  const fake = setUp();
  const settling: Promise<void>[] = [];
  await remountTree(fake.mounting, fake.share("/mnt/c"), "it is gone", ({ settled }) => settling.push(settled));
  expect(settling).toHaveLength(1);
  await settling[0];
});
