// The loop that looks at shares: when it looks at which, whom it waits for, and what it tells.
import type { Share } from "../../../src/shares/share.ts";
import type { MountRecord } from "../../../src/shares/mountinfo.ts";
import { beforeEach, describe, expect, test } from "vitest";
import { guardSource } from "../../../src/mount/guard.ts";
import type { Look } from "../../../src/mount/ports.ts";
import { watchShares, type ShareChange, type WatchSettings } from "../../../src/watch/watch.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";
import { planOf } from "../fakes/shares.ts";
import { handClock, type HandClock } from "../fakes/clock.ts";

let clock: HandClock;
beforeEach(() => {
  clock = handClock();
});

const second = 1_000;
const healthy: Look = { kind: "answers", isWritable: true };
const stale: Look = { kind: "failed", errno: "ESTALE" };
const silent: Look = { kind: "no-answer" };

/** Shares on /mnt/NAME, those below another included. */
function sharesOn(...names: readonly string[]): readonly Share[] {
  const lines = names.map((name) => `nas:/${name} /mnt/${name}`);
  return planOf({ NFS_MOUNTS: lines.join(";") }).shares;
}

interface Options extends Partial<WatchSettings> {
  /** Those that are mounted at each moment. */
  readonly shares: () => readonly Share[];
  readonly mounts?: () => readonly MountRecord[];
  /** What a look sees; undefined where it hangs until its time has run out. */
  readonly look?: (share: Share) => Look | undefined;
  readonly askServer?: (share: Share) => "answers" | "silent" | "moved";
  /** What the server says of whether the share can be written to. */
  readonly saysWritable?: () => boolean | undefined;
  /** How often the shares were mounted. */
  readonly generation?: () => number;
}

/** A watch from 0 s on, with everything that it did. */
function watching({
  shares,
  mounts,
  look = () => healthy,
  askServer = () => "answers",
  saysWritable = () => undefined,
  generation = () => 1,
  ...settings
}: Options) {
  const startedMs = clock.nowMs();
  let sleptMs = 0;
  const nowMs = () => clock.nowMs() - startedMs + sleptMs;
  const over = new AbortController();
  const looks: { readonly target: string; readonly ms: number }[] = [];
  const questions: { readonly target: string; readonly ms: number }[] = [];
  const changes: (Omit<ShareChange, "kind" | "share"> & { readonly target: string; readonly ms: number })[] = [];
  const faults: unknown[] = [];
  const rounds: number[] = [];
  const ended = watchShares(
    {
      clock: { ...clock, nowMs },
      mounts: () => {
        rounds.push(nowMs());
        return mounts?.() ?? shares().map(({ label, realTarget }) => nfsMount(label, realTarget));
      },
      look: async (share, timeoutMs) => {
        looks.push({ target: share.target, ms: nowMs() });
        const seen = look(share);
        if (seen !== undefined) return seen;
        await clock.sleep(timeoutMs);
        return silent;
      },
      askServer: (share) => {
        questions.push({ target: share.target, ms: nowMs() });
        return Promise.resolve(askServer(share));
      },
      saysWritable,
      generation,
      tell: (event) => {
        if (event.kind !== "changed") return;
        const { kind: _, share, ...change } = event;
        changes.push({ target: share.target, ms: nowMs(), ...change });
      },
      onFault: (error) => faults.push(error),
    },
    shares,
    {
      intervalMs: 5 * second,
      timeoutMs: 5 * second,
      threshold: 2,
      unresponsiveAfterMs: 180 * second,
      serverGoneAfterMs: 0,
      ...settings,
    },
    over.signal,
  );
  const timesOf = (list: readonly { readonly target: string; readonly ms: number }[]) => (target: string) =>
    list.filter((one) => one.target === target).map(({ ms }) => ms);
  return {
    changes,
    faults,
    rounds,
    looksAt: timesOf(looks),
    questionsAbout: timesOf(questions),
    /** The machine sleeps: its clock goes on, and nothing happens. */
    suspend: (ms: number) => {
      sleptMs += ms;
    },
    /** Lets time go by until `ms` after the start. */
    until: (ms: number) => clock.pass(ms - nowMs()),
    stop: async () => {
      over.abort();
      // A look that hangs is waited for a moment at most.
      await clock.pass(second);
      return ended;
    },
  };
}

const gaps = (times: readonly number[]) => times.slice(1).map((ms, index) => ms - (times[index] ?? 0));

describe("a healthy share", () => {
  test("is looked at once an interval, at once the first time, and nothing is told", async () => {
    const shares = sharesOn("a");
    const watch = watching({ shares: () => shares });
    await watch.until(22 * second);
    expect(watch.looksAt("/mnt/a")).toEqual([0, 5_000, 10_000, 15_000, 20_000]);
    expect(watch.changes).toEqual([]);
    expect(watch.questionsAbout("/mnt/a")).toEqual([]);
    await watch.stop();
  });

  test("is looked at together with all the others, so that nfs-init wakes up once an interval", async () => {
    const shares = sharesOn(...Array.from({ length: 20 }, (_, index) => `share${index}`));
    const watch = watching({ shares: () => shares });
    await watch.until(61 * second);
    expect(watch.rounds).toHaveLength(13);
    for (const { target } of shares) expect(watch.looksAt(target)).toHaveLength(13);
    await watch.stop();
  });

  test("wakes nfs-init no further time between two looks", async () => {
    const shares = sharesOn("a", "b");
    const watch = watching({ shares: () => shares });
    await watch.until(1);
    // The pause until the next round is all that is waited for.
    expect(clock.pending()).toBe(1);
    await watch.stop();
  });

  test.each<[string, Look]>([
    ["EACCES", { kind: "failed", errno: "EACCES" }],
    ["EPERM", { kind: "failed", errno: "EPERM" }],
  ])("may refuse a look with %s", async (_, look) => {
    const shares = sharesOn("a");
    const watch = watching({ shares: () => shares, look: () => look });
    await watch.until(60 * second);
    expect(watch.changes).toEqual([]);
    await watch.stop();
  });
});

describe("a share of CIFS", () => {
  const { shares } = planOf({ NFS_MOUNTS: "//nas/a /mnt/a cifs guest" });
  const mounts = () => [localMount("/mnt/a", { fstype: "cifs", source: "//nas/a" })];

  test.each(["EACCES", "ENOENT"])(
    "does not answer while its server says %s, and is lost after a while",
    async (errno) => {
      const watch = watching({
        shares: () => shares,
        mounts,
        look: () => ({ kind: "failed", errno }),
        unresponsiveAfterMs: 30 * second,
      });
      await watch.until(20 * second);
      expect(watch.changes.map(({ to, lost }) => [to, lost === undefined])).toEqual([["unresponsive", true]]);
      await watch.until(60 * second);
      expect(watch.changes.at(-1)?.lost).toBeDefined();
      await watch.stop();
    },
  );

  test("answers where its server refuses a look with EPERM", async () => {
    const watch = watching({ shares: () => shares, mounts, look: () => ({ kind: "failed", errno: "EPERM" }) });
    await watch.until(60 * second);
    expect(watch.changes).toEqual([]);
    await watch.stop();
  });
});

describe("a look that hangs", () => {
  test("holds up no other share", async () => {
    const shares = sharesOn("hung", "a", "b");
    const watch = watching({
      shares: () => shares,
      look: ({ target }) => (target === "/mnt/hung" ? undefined : healthy),
    });
    await watch.until(26 * second);
    for (const target of ["/mnt/a", "/mnt/b"]) {
      const times = watch.looksAt(target);
      expect(times.length).toBeGreaterThanOrEqual(5);
      expect(times[0]).toBeLessThanOrEqual(400);
      expect(Math.max(...gaps(times))).toBeLessThanOrEqual(5_500);
    }
    await watch.stop();
  });

  test("is the only one at its share", async () => {
    const shares = sharesOn("hung");
    const watch = watching({ shares: () => shares, look: () => undefined, timeoutMs: 30 * second });
    await watch.until(29 * second);
    expect(watch.looksAt("/mnt/hung")).toEqual([0]);
    await watch.until(36 * second);
    expect(watch.looksAt("/mnt/hung")).toEqual([0, 35_000]);
    await watch.stop();
  });

  test("makes the share unresponsive where its server answers, and lost once its time is over", async () => {
    const shares = sharesOn("hung");
    const watch = watching({ shares: () => shares, look: () => undefined, unresponsiveAfterMs: 60 * second });
    await watch.until(120 * second);
    expect(watch.changes).toMatchObject([
      { ms: 5_000, from: "healthy", to: "unresponsive" },
      { ms: 65_000, to: "unresponsive", lost: "it has not answered for 65 s although its server does" },
    ]);
    await watch.stop();
  });
});

describe("a share that can be written to", () => {
  const unwritable: Look = { kind: "answers", isWritable: false };

  test("is read-only when its server says so, whatever the client remembers, and healthy when it says otherwise", async () => {
    const shares = sharesOn("a");
    let said: boolean | undefined = true;
    let seen = healthy;
    const watch = watching({ shares: () => shares, look: () => seen, saysWritable: () => said });
    await watch.until(6 * second);
    said = false;
    await watch.until(11 * second);
    expect(watch.changes).toMatchObject([{ to: "read-only" }]);
    seen = unwritable;
    said = true;
    await watch.until(16 * second);
    expect(watch.changes.at(-1)).toMatchObject({ to: "healthy" });
    // Where the server says nothing the client's word has to do.
    said = undefined;
    await watch.until(21 * second);
    expect(watch.changes.at(-1)).toMatchObject({ to: "read-only" });
    await watch.stop();
  });

  test("is read-only where the mount itself has become so, whatever its server says", async () => {
    const shares = sharesOn("a");
    let options = ["rw"];
    const watch = watching({
      shares: () => shares,
      mounts: () => [nfsMount("nas:/a", "/mnt/a", { options })],
      look: () => (options.includes("ro") ? unwritable : healthy),
      saysWritable: () => true,
    });
    await watch.until(6 * second);
    options = ["ro"];
    await watch.until(11 * second);
    expect(watch.changes).toMatchObject([{ to: "read-only" }]);
    await watch.stop();
  });
});

describe("a share that does not answer", () => {
  test("is lost on time although its server comes and goes", async () => {
    const shares = sharesOn("a");
    const watch = watching({
      shares: () => shares,
      look: () => silent,
      askServer: () => (Math.floor(clock.nowMs() / second) % 2 === 0 ? "answers" : "silent"),
      intervalMs: second,
      unresponsiveAfterMs: 6 * second,
      serverGoneAfterMs: 6 * second,
    });
    await watch.until(7 * second);
    expect(watch.changes.length).toBeGreaterThan(3);
    expect(watch.changes.filter(({ lost }) => lost !== undefined)).toHaveLength(1);
    await watch.stop();
  });

  test("has its time anew on a fresh mount", async () => {
    const shares = sharesOn("a");
    let mounts = 1;
    const watch = watching({
      shares: () => shares,
      look: () => silent,
      generation: () => mounts,
      unresponsiveAfterMs: 20 * second,
    });
    await watch.until(16 * second);
    mounts = 2;
    await watch.until(36 * second);
    expect(watch.changes.filter(({ lost }) => lost !== undefined)).toEqual([]);
    await watch.until(41 * second);
    expect(watch.changes.at(-1)).toMatchObject({ lost: expect.stringContaining("20 s") as string });
    await watch.stop();
  });

  test("has not been silent while the machine slept", async () => {
    const shares = sharesOn("a");
    let seen: Look = healthy;
    const watch = watching({ shares: () => shares, look: () => seen });
    await watch.until(12 * second);
    watch.suspend(8 * 3_600 * second);
    seen = silent;
    await clock.pass(60 * second);
    expect(watch.changes).toMatchObject([{ to: "unresponsive" }]);
    seen = healthy;
    await clock.pass(10 * second);
    expect(watch.changes.filter(({ lost }) => lost !== undefined)).toEqual([]);
    await watch.stop();
  });
});

describe("a share that may be lost", () => {
  test.each<[string, Pick<Options, "look" | "mounts">, string]>([
    ["stale", { look: () => stale }, "stale"],
    ["missing", { mounts: () => [] }, "missing"],
    [
      "missing, with the guard in its place",
      { mounts: () => [localMount("/mnt/a", { fstype: "tmpfs", source: guardSource })] },
      "missing",
    ],
    ["replaced", { mounts: () => [nfsMount("nas:/a", "/mnt/a"), localMount("/mnt/a")] }, "replaced"],
  ])("is looked at again after one second, and lost then: %s", async (_, seen, state) => {
    const shares = sharesOn("a");
    const watch = watching({ shares: () => shares, ...seen });
    await watch.until(4 * second);
    expect(watch.changes).toMatchObject([
      { ms: 1_000, from: "healthy", to: state, lost: expect.any(String) as string },
    ]);
    await watch.stop();
  });

  test("is not, where the second look finds it well: the next one takes its time again", async () => {
    const shares = sharesOn("a");
    let looks = 0;
    const watch = watching({ shares: () => shares, look: () => (looks++ === 0 ? stale : healthy) });
    await watch.until(7 * second);
    expect(watch.looksAt("/mnt/a")).toEqual([0, 1_000, 6_000]);
    expect(watch.changes).toEqual([]);
    await watch.stop();
  });

  test("is looked at again within the interval where that is shorter than a second", async () => {
    const shares = sharesOn("a");
    const watch = watching({ shares: () => shares, look: () => stale, intervalMs: 500 });
    await watch.until(600);
    expect(watch.looksAt("/mnt/a")).toEqual([0, 500]);
    await watch.stop();
  });

  test("is not stale while its server is silent, as a soft mount says", async () => {
    const shares = sharesOn("a");
    const watch = watching({ shares: () => shares, look: () => stale, askServer: () => "silent" });
    await watch.until(60 * second);
    expect(watch.changes).toMatchObject([{ from: "healthy", to: "server-gone" }]);
    await watch.stop();
  });

  test("is told of once, and once more where it was well in between", async () => {
    const shares = sharesOn("a");
    let look: Look = stale;
    const watch = watching({ shares: () => shares, look: () => look });
    await watch.until(30 * second);
    look = healthy;
    await watch.until(40 * second);
    look = stale;
    await watch.until(60 * second);
    expect(watch.changes.map(({ to, lost }) => [to, lost !== undefined])).toEqual([
      ["stale", true],
      ["healthy", false],
      ["stale", true],
    ]);
    await watch.stop();
  });
});

describe("a server that is gone", () => {
  test("is asked at the pace of a wait, and its share is looked at every six intervals only", async () => {
    const shares = sharesOn("a");
    const watch = watching({ shares: () => shares, look: () => silent, askServer: () => "silent" });
    await watch.until(100 * second);
    expect(watch.looksAt("/mnt/a").length).toBeLessThanOrEqual(1 + 100 / 30);
    expect(Math.min(...gaps(watch.looksAt("/mnt/a")))).toBeGreaterThanOrEqual(30 * second);
    expect(watch.looksAt("/mnt/a").length).toBeGreaterThan(3);
    const quick = gaps(watch.questionsAbout("/mnt/a"));
    expect(Math.min(...quick)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...quick)).toBeLessThanOrEqual(310);
    await watch.until(300 * second);
    const slow = gaps(watch.questionsAbout("/mnt/a").filter((ms) => ms > 130 * second));
    expect(Math.min(...slow)).toBeGreaterThanOrEqual(800);
    expect(Math.max(...slow)).toBeLessThanOrEqual(1_210);
    await watch.stop();
  });

  test("is noticed at once when it is back, and its share looked at", async () => {
    const shares = sharesOn("a");
    let isBack = false;
    const watch = watching({
      shares: () => shares,
      look: () => (isBack ? healthy : silent),
      askServer: () => (isBack ? "answers" : "silent"),
    });
    await watch.until(20 * second);
    isBack = true;
    await watch.until(21 * second);
    expect(watch.changes.at(-1)).toMatchObject({
      from: "server-gone",
      to: "healthy",
      awayMs: expect.any(Number) as number,
    });
    await watch.stop();
  });

  test("is found serving by a look where it does not answer our question", async () => {
    const shares = sharesOn("a");
    let isBack = false;
    const watch = watching({
      shares: () => shares,
      look: () => (isBack ? healthy : silent),
      askServer: () => "silent",
    });
    await watch.until(10 * second);
    isBack = true;
    await watch.until(36 * second);
    expect(watch.changes.at(-1)).toMatchObject({ to: "healthy" });
    await watch.stop();
  });

  test("has its share lost at once where its name leads elsewhere", async () => {
    const shares = sharesOn("a");
    const watch = watching({ shares: () => shares, look: () => silent, askServer: () => "moved" });
    await watch.until(1 * second);
    expect(watch.changes).toMatchObject([
      { to: "server-gone", lost: expect.stringContaining("another address") as string },
    ]);
    await watch.stop();
  });
});

describe("a share below one that is away", () => {
  const both = () => {
    const [above, below] = sharesOn("a", "a/b");
    if (above === undefined || below === undefined) throw new Error("two shares are needed");
    return { above, below };
  };

  test("is not looked at, and nothing is told of it", async () => {
    const { above, below } = both();
    const away = new Set<Share>();
    const watch = watching({
      shares: () => [above, below],
      look: (share) => (away.has(share) || (share === below && away.size > 0) ? silent : healthy),
    });
    await watch.until(6 * second);
    away.add(above);
    await watch.until(12 * second);
    const before = watch.looksAt("/mnt/a/b").length;
    await watch.until(60 * second);
    expect(watch.looksAt("/mnt/a/b")).toHaveLength(before);
    expect(watch.changes.map(({ target, to }) => [target, to])).toEqual([["/mnt/a", "unresponsive"]]);
    away.clear();
    await watch.until(70 * second);
    expect(watch.looksAt("/mnt/a/b").length).toBeGreaterThan(before);
    await watch.stop();
  });

  test("has its clock stand meanwhile", async () => {
    const { above, below } = both();
    const away = new Set<Share>([below]);
    const watch = watching({
      shares: () => [above, below],
      look: (share) => (away.has(share) ? silent : healthy),
      unresponsiveAfterMs: 30 * second,
    });
    // 20 s of its 30 s are over, then the one above goes for a minute and comes back.
    await watch.until(20 * second);
    expect(watch.changes).toMatchObject([{ target: "/mnt/a/b", to: "unresponsive" }]);
    away.add(above);
    await watch.until(46 * second);
    away.delete(above);
    await watch.until(54 * second);
    expect(watch.changes.filter(({ lost }) => lost !== undefined)).toEqual([]);
    await watch.until(62 * second);
    expect(watch.changes.at(-1)).toMatchObject({ target: "/mnt/a/b", lost: expect.stringContaining("30 s") as string });
    await watch.stop();
  });
});

describe("the shares", () => {
  test("may come later: one is looked at within an interval", async () => {
    const [first, second_] = sharesOn("a", "b");
    const now: Share[] = [];
    const watch = watching({ shares: () => now });
    if (first !== undefined) now.push(first);
    await watch.until(6 * second);
    expect(watch.looksAt("/mnt/a")).toHaveLength(1);
    if (second_ !== undefined) now.push(second_);
    await watch.until(11 * second);
    expect(watch.looksAt("/mnt/b").length).toBeGreaterThan(0);
    await watch.stop();
  });

  test("may go: nothing is told of one that has gone while it was looked at", async () => {
    const shares = [...sharesOn("a")];
    const watch = watching({ shares: () => shares, look: () => undefined });
    await watch.until(2 * second);
    shares.pop();
    await watch.until(60 * second);
    expect(watch.changes).toEqual([]);
    expect(watch.looksAt("/mnt/a")).toHaveLength(1);
    await watch.stop();
  });

  test.each([1, 2])(
    "may be mounted afresh: one that is lost again before it was seen well is told of again, threshold %d",
    async (threshold) => {
      const shares = sharesOn("a");
      let generation = 1;
      const watch = watching({ shares: () => shares, look: () => stale, generation: () => generation, threshold });
      await watch.until(10 * second);
      expect(watch.changes).toHaveLength(1);
      generation += 1;
      await watch.until(20 * second);
      expect(watch.changes.map(({ to, lost }) => [to, lost !== undefined])).toEqual([
        ["stale", true],
        ["stale", true],
      ]);
      await watch.stop();
    },
  );

  test("may be mounted afresh: what was seen of the mount before counts for nothing then", async () => {
    const shares = sharesOn("a");
    let generation = 1;
    const watch = watching({ shares: () => shares, look: () => stale, generation: () => generation });
    await watch.until(500);
    generation += 1;
    // The second failure is the first of the fresh mount.
    await watch.until(1_900);
    expect(watch.changes).toEqual([]);
    await watch.until(4 * second);
    expect(watch.changes).toHaveLength(1);
    await watch.stop();
  });
});

test("a round that fails is told of, and the watch goes on", async () => {
  const shares = sharesOn("a");
  let failures = 1;
  const watch = watching({
    shares: () => shares,
    mounts: () => {
      if (failures-- > 0) throw new Error("no more files");
      return [nfsMount("nas:/a", "/mnt/a")];
    },
  });
  await watch.until(12 * second);
  expect(watch.faults).toEqual([new Error("no more files")]);
  expect(watch.looksAt("/mnt/a").length).toBeGreaterThanOrEqual(2);
  await watch.stop();
});

test("the watch ends with its signal, and leaves no timer behind", async () => {
  const shares = sharesOn("a");
  const watch = watching({ shares: () => shares });
  await watch.until(7 * second);
  await watch.stop();
  await watch.until(60 * second);
  expect(watch.looksAt("/mnt/a")).toHaveLength(2);
  expect(clock.pending()).toBe(0);
});
