import { describe, expect, test } from "vitest";
import { detachMount, unmounter } from "../../../src/mount/umount.ts";
import { leapingClock } from "../fakes/clock.ts";
import { fakeMounter, type Answers } from "../fakes/mounter.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";
import { planOf, shareOf } from "../fakes/shares.ts";

const share = shareOf();
const mounted = nfsMount("nas:/export", "/mnt/data");

/** An unmounter whose calls without an answer use up the time they were given. */
function setUp(answers: Answers, budgetMs = 1_500, isAway = false) {
  const clock = leapingClock();
  const timeoutsMs: number[] = [];
  const mounter = fakeMounter({ mounts: [mounted], ...answers });
  const unmount = unmounter(
    {
      mounts: mounter.mounts,
      umount: async (target, how, timeoutMs) => {
        timeoutsMs.push(timeoutMs);
        const answer = await mounter.umount(target, how, timeoutMs);
        if (answer.kind === "no-answer" && answer.notStarted === undefined) clock.advance(timeoutMs);
        return answer;
      },
      umountHere: mounter.umountHere,
    },
    clock,
    budgetMs,
    () => isAway,
  );
  return { unmount, mounter, clock, timeoutsMs };
}

describe("a share is taken down", () => {
  test("plainly where it answers", async () => {
    const { unmount, mounter } = setUp({});
    expect(await unmount(share)).toBe("unmounted");
    expect(mounter.actions).toEqual(["umount plain /mnt/data"]);
    expect(mounter.table).toEqual([]);
  });

  test("lazily where it is busy", async () => {
    const { unmount, mounter } = setUp({
      umount: (_, how) => (how === "plain" ? { kind: "failed", errno: "EBUSY" } : { kind: "done" }),
    });
    expect(await unmount(share)).toBe("detached");
    expect(mounter.actions).toEqual(["umount plain /mnt/data", "umount lazy /mnt/data"]);
  });

  describe("that propagates and is busy", () => {
    const busyFor = (times: number) => {
      let calls = 0;
      return setUp({
        mounts: [{ ...mounted, optional: ["shared:7"] }],
        umount: (_, how) =>
          how === "plain" && ++calls <= times ? { kind: "failed", errno: "EBUSY" } : { kind: "done" },
      });
    };

    test("plainly as soon as a passing use of it is over", async () => {
      const { unmount, mounter } = busyFor(3);
      expect(await unmount(share)).toBe("unmounted");
      expect(new Set(mounter.actions)).toEqual(new Set(["umount plain /mnt/data"]));
    });

    test("not at all where the use goes on: a lazy unmount would tear it away from others", async () => {
      const { unmount, mounter, clock } = busyFor(Number.POSITIVE_INFINITY);
      const startedMs = clock.nowMs();
      expect(await unmount(share)).toBe("in-use");
      expect(new Set(mounter.actions)).toEqual(new Set(["umount plain /mnt/data"]));
      expect(clock.nowMs() - startedMs).toBeLessThanOrEqual(1_100);
    });
  });

  describe("that propagates and gives no answer, as on a machine under load", () => {
    const shared = () => ({ mounts: [{ ...mounted, optional: ["shared:7"] }] });

    test("not at all where it was busy before: a lazy unmount would tear it away from others", async () => {
      let calls = 0;
      const { unmount, mounter } = setUp({
        ...shared(),
        umount: () => (++calls === 1 ? { kind: "failed", errno: "EBUSY" } : { kind: "no-answer" }),
      });
      expect(await unmount(share)).toBe("in-use");
      expect(mounter.actions).not.toContain("umount lazy /mnt/data");
    });

    test("plainly where a second call has an answer", async () => {
      let calls = 0;
      const { unmount, timeoutsMs } = setUp({
        ...shared(),
        umount: () => (++calls === 1 ? { kind: "no-answer" } : { kind: "done" }),
      });
      expect(await unmount(share)).toBe("unmounted");
      expect(timeoutsMs).toEqual([1_500, 500]);
    });

    test("not at all where no call has one", async () => {
      const { unmount, mounter, timeoutsMs } = setUp({ ...shared(), umount: () => ({ kind: "no-answer" }) });
      expect(await unmount(share)).toBe("left");
      expect(mounter.actions).not.toContain("umount lazy /mnt/data");
      expect(timeoutsMs).toEqual([1_500, 500]);
    });
  });

  test("lazily where it does not answer within the budget", async () => {
    const { unmount, timeoutsMs } = setUp({
      umount: (_, how) => (how === "plain" ? { kind: "no-answer" } : { kind: "done" }),
    });
    expect(await unmount(share)).toBe("detached");
    expect(timeoutsMs).toEqual([1_500, 500]);
  });

  test("lazily at once where it is known to be away", async () => {
    const { unmount, mounter } = setUp({}, 1_500, true);
    expect(await unmount(share)).toBe("detached");
    expect(mounter.actions).toEqual(["umount lazy /mnt/data"]);
  });

  test("lazily, waiting for no more than that it is gone: the call may go on for long", async () => {
    const clock = leapingClock();
    const { table, mounts } = fakeMounter({ mounts: [mounted] });
    const umount = () => {
      table.pop();
      return new Promise<never>(() => {});
    };
    const unmount = unmounter({ mounts, umount }, clock, 10_000, () => true);
    const startedMs = clock.nowMs();
    expect(await unmount(share)).toBe("detached");
    expect(clock.nowMs() - startedMs).toBeLessThanOrEqual(100);
  });

  test("no more where it went while it was asked for plainly: the call would strike what is mounted there next", async () => {
    const { unmount, mounter } = setUp({
      umount: () => {
        mounter.table.pop();
        return { kind: "no-answer" };
      },
    });
    expect(await unmount(share)).toBe("unmounted");
    expect(await detachMount(mounter, leapingClock(), mounted, 1_000)).toBe(true);
    expect(mounter.actions).toEqual(["umount plain /mnt/data"]);
  });

  test("lazily, which is believed when the mount table shows it", async () => {
    const { mounter } = setUp({});
    const unmount = unmounter(
      { mounts: mounter.mounts, umount: () => Promise.resolve({ kind: "done" }) },
      leapingClock(),
      1_500,
      () => true,
    );
    expect(await unmount(share)).toBe("left");
  });

  test("not at all where neither way works, which is said", async () => {
    const { unmount } = setUp({ umount: () => ({ kind: "failed", errno: "EPERM" }) });
    expect(await unmount(share)).toBe("left");
  });

  test.each([
    ["nothing is there", []],
    ["a local file system is there", [localMount("/mnt/data")]],
    ["another share is there", [nfsMount("other:/export", "/mnt/data")]],
    ["something else lies on top of it", [mounted, localMount("/mnt/data", { fstype: "tmpfs" })]],
  ])("not at all where %s", async (_, mounts) => {
    const { unmount, mounter } = setUp({ mounts: [...mounts] });
    expect(await unmount(share)).toBe("gone");
    expect(mounter.actions).toEqual([]);
    expect(mounter.table).toEqual(mounts);
  });
});

test("shares that propagate and are busy stay, however many use up the budget before them", async () => {
  const { shares } = planOf({
    NFS_HOST: "nas",
    NFS_1_MOUNT_POINT: "/a",
    NFS_2_MOUNT_POINT: "/b",
    NFS_3_MOUNT_POINT: "/c",
    NFS_4_MOUNT_POINT: "/d",
  });
  const { unmount, mounter } = setUp({
    mounts: shares.map(({ label, realTarget }) => ({ ...nfsMount(label, realTarget), optional: ["shared:7"] })),
    umount: (_, how) => (how === "plain" ? { kind: "failed", errno: "EBUSY" } : { kind: "done" }),
  });
  for (const one of shares) expect(await unmount(one)).toBe("in-use");
  expect(mounter.actions.filter((action) => action.startsWith("umount lazy"))).toEqual([]);
});

test("the budget is one for all shares, from the first on", async () => {
  const { shares } = planOf({
    NFS_HOST: "nas",
    NFS_1_MOUNT_POINT: "/a",
    NFS_2_MOUNT_POINT: "/b",
    NFS_3_MOUNT_POINT: "/c",
  });
  const { unmount, mounter, clock } = setUp({
    mounts: shares.map(({ label, realTarget }) => nfsMount(label, realTarget)),
    umount: (_, how) => (how === "plain" ? { kind: "no-answer" } : { kind: "done" }),
  });
  clock.advance(60_000);
  const startedMs = clock.nowMs();
  for (const one of shares) await unmount(one);
  expect(mounter.actions).toEqual(["umount plain /a", "umount lazy /a", "umount lazy /b", "umount lazy /c"]);
  expect(clock.nowMs() - startedMs).toBeLessThanOrEqual(1_500 + 1_000);
});

describe("where no process can be started to unmount", () => {
  const crowded = { kind: "no-answer", notStarted: "EAGAIN" } as const;

  test("that is tried again, and the share is unmounted by one as soon as there is room", async () => {
    let calls = 0;
    const { unmount, mounter } = setUp({ umount: () => (++calls <= 3 ? crowded : { kind: "done" }) });
    expect(await unmount(share)).toBe("unmounted");
    expect(mounter.actions).toEqual(Array(4).fill("umount plain /mnt/data"));
  });

  test("the share is unmounted by this process at the end of the budget, and not before", async () => {
    const { unmount, mounter, clock } = setUp({ umount: () => crowded });
    const startedMs = clock.nowMs();
    expect(await unmount(share)).toBe("unmounted");
    expect(mounter.actions.at(-1)).toBe("umount plain here /mnt/data");
    expect(clock.nowMs() - startedMs).toBe(1_500);
  });

  test("a busy share is detached by this process", async () => {
    const { unmount, mounter } = setUp({
      umount: () => crowded,
      umountHere: (_, how) => (how === "plain" ? { kind: "failed", errno: "EBUSY" } : { kind: "done" }),
    });
    expect(await unmount(share)).toBe("detached");
    expect(mounter.actions.at(-1)).toBe("umount lazy here /mnt/data");
  });

  test("a busy share that propagates is not: that would tear it away from others", async () => {
    const { unmount, mounter } = setUp({
      mounts: [{ ...mounted, optional: ["shared:7"] }],
      umount: () => crowded,
      umountHere: () => ({ kind: "failed", errno: "EBUSY" }),
    });
    expect(await unmount(share)).toBe("in-use");
    expect(mounter.actions).not.toContain("umount lazy here /mnt/data");
  });

  test("a share that is away is left: this process would wait for its server", async () => {
    const { unmount, mounter } = setUp({ umount: () => crowded }, 1_500, true);
    expect(await unmount(share)).toBe("left");
    expect(mounter.actions.filter((action) => action.includes("here"))).toEqual([]);
  });

  test("a share is left where nobody says that this process may do it", async () => {
    const { mounts } = fakeMounter({ mounts: [mounted] });
    const unmount = unmounter({ mounts, umount: () => Promise.resolve(crowded) }, leapingClock(), 1_500);
    expect(await unmount(share)).toBe("left");
  });

  test("several shares wait for that no longer than one", async () => {
    const environment = { NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/a", NFS_2_MOUNT_POINT: "/b", NFS_3_MOUNT_POINT: "/c" };
    const { shares } = planOf(environment);
    const { unmount, clock } = setUp({
      mounts: shares.map(({ label, realTarget }) => nfsMount(label, realTarget)),
      umount: () => crowded,
    });
    const startedMs = clock.nowMs();
    const results: string[] = [];
    for (const one of shares) results.push(await unmount(one));
    expect(results[0]).toBe("unmounted");
    // Once the budget is used up nothing is asked for plainly.
    expect(results.slice(1)).toEqual(["detached", "detached"]);
    expect(clock.nowMs() - startedMs).toBeLessThanOrEqual(1_500 + 500);
  });
});
