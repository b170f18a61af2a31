// What becomes of losses with NFS_WATCH=remount: in which order shares are mounted afresh, and who is told.
import type { Share } from "../../../src/shares/share.ts";
import { describe, expect, test } from "vitest";
import { AppError, exitCodes } from "../../../src/errors.ts";
import type { LogLevel } from "../../../src/report/log.ts";
import { remounter } from "../../../src/lifecycle/remounter.ts";
import type { Remounted } from "../../../src/lifecycle/remounting.ts";
import { logLinesOf } from "../../../src/report/log-lines.ts";
import { leapingClock } from "../fakes/clock.ts";
import { planOf } from "../fakes/shares.ts";

/** Three shares: /mnt/a, /mnt/a/b below it, and /mnt/c beside them. */
function threeShares() {
  const { shares } = planOf({ NFS_MOUNTS: "nas:/a /mnt/a; nas:/b /mnt/a/b; nas:/c /mnt/c" });
  const [above, below, beside] = ["/mnt/a", "/mnt/a/b", "/mnt/c"].map((target) =>
    shares.find((share) => share.target === target),
  );
  if (above === undefined || below === undefined || beside === undefined) throw new Error("three shares are needed");
  return { above, below, beside };
}

/** A remounter whose mounting ends when the test says so. */
function remounting(shares: readonly Share[]) {
  const mounted = new Set(shares);
  const clock = leapingClock();
  const over = new AbortController();
  const lines: { readonly level: LogLevel; readonly message: string; readonly reason: unknown }[] = [];
  const remounts: string[] = [];
  const events: string[] = [];
  const running = new Map<Share, { resolve: (how: Remounted) => void; reject: (error: unknown) => void }>();
  const lose = remounter(
    clock,
    {
      isMounted: (share) => mounted.has(share),
      tell: (event) => {
        for (const { level, message, fields } of logLinesOf(event, 0))
          lines.push({ level, message, reason: fields.reason });
        if (event.kind === "remounted") events.push(`board ${event.share.target}`);
      },
      remount: (share, reason) => {
        remounts.push(`${share.target}: ${reason}`);
        // What lies below it goes with it.
        for (const one of shares) if (one === share || one.parent === share) mounted.delete(one);
        return new Promise((resolve, reject) => running.set(share, { resolve, reject }));
      },
    },
    over.signal,
    {
      onRemounted: ({ target }) => events.push(`remounted ${target}`),
      onFailed: ({ target }, { message }) => events.push(`failed ${target}: ${message}`),
    },
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    mounted,
    remounts,
    events,
    lines,
    over,
    lose: async (share: Share, lost = "it is stale") => {
      lose({ kind: "changed", share, from: "healthy", to: "stale", lost });
      await settle();
    },
    /** The mounting of a share ends. */
    end: async (share: Share, how: Remounted | Error) => {
      const { resolve, reject } = running.get(share) ?? {};
      if (how instanceof Error) reject?.(how);
      else {
        mounted.add(share);
        resolve?.(how);
      }
      await settle();
    },
  };
}

describe("a lost share", () => {
  test("is mounted afresh with the reason of its loss, and everybody is told", async () => {
    const { above } = threeShares();
    const { lose, end, remounts, events, lines } = remounting([above]);
    await lose(above, "its handle is stale");
    expect({ remounts, events }).toEqual({ remounts: ["/mnt/a: its handle is stale"], events: [] });
    await end(above, "remounted");
    expect(events).toEqual(["board /mnt/a", "remounted /mnt/a"]);
    expect(lines).toMatchObject([
      { level: "warn", message: "the share was mounted afresh, files that were open on it stay stale" },
    ]);
  });

  test("that answers again is no fresh mount: nobody's files are stale", async () => {
    const { above } = threeShares();
    const { lose, end, events, lines } = remounting([above]);
    await lose(above);
    await end(above, "recovered");
    expect({ events, lines }).toEqual({ events: [], lines: [] });
  });

  test("may be lost again later", async () => {
    const { above } = threeShares();
    const { lose, end, remounts } = remounting([above]);
    for (let count = 0; count < 3; count++) {
      await lose(above);
      await end(above, "remounted");
    }
    expect(remounts).toHaveLength(3);
  });

  test("that is told of twice is mounted afresh once", async () => {
    const { above } = threeShares();
    const { lose, end, remounts, mounted } = remounting([above]);
    await lose(above);
    await lose(above);
    // It is on its way: what was told of it meanwhile is of the mount before.
    mounted.delete(above);
    await end(above, new Error("worker gone"));
    expect(remounts).toHaveLength(1);
  });

  test("that cannot be mounted any more is told of as failed", async () => {
    const { above } = threeShares();
    const { lose, end, events, lines } = remounting([above]);
    await lose(above);
    await end(above, new AppError("cannot mount nas:/a: wrong option", exitCodes.mountFailed));
    expect({ events, lines }).toEqual({ events: ["failed /mnt/a: cannot mount nas:/a: wrong option"], lines: [] });
  });

  test("that an unforeseen fault keeps away is logged as an error, and ends nothing", async () => {
    const { above } = threeShares();
    const { lose, end, events, lines } = remounting([above]);
    await lose(above);
    await end(above, new Error("too many open files"));
    expect(events).toEqual([]);
    expect(lines).toEqual([
      { level: "error", message: "a share could not be mounted afresh", reason: "too many open files" },
    ]);
  });
});

describe("shares that are lost together", () => {
  test("are healed together where the one above was lost first: the one below is taken along", async () => {
    const { above, below } = threeShares();
    const { lose, end, remounts, events } = remounting([above, below]);
    await lose(above);
    await lose(below);
    expect(remounts).toHaveLength(1);
    await end(above, "remounted");
    expect(remounts).toEqual(["/mnt/a: it is stale"]);
    expect(events).toEqual(["board /mnt/a", "remounted /mnt/a"]);
  });

  test("do not wait for one another: the one below, lost first, may wait long for its server, and is taken along", async () => {
    const { above, below } = threeShares();
    const { lose, end, remounts, events, lines } = remounting([above, below]);
    await lose(below);
    await lose(above);
    expect(remounts).toEqual(["/mnt/a/b: it is stale", "/mnt/a: it is stale"]);
    await end(below, "overtaken");
    expect({ events, lines }).toEqual({ events: [], lines: [] });
    await end(above, "remounted");
    expect(events).toEqual(["board /mnt/a", "remounted /mnt/a"]);
  });

  test("do not wait for one another in different trees", async () => {
    const { above, beside } = threeShares();
    const { lose, remounts } = remounting([above, beside]);
    await lose(above);
    await lose(beside);
    expect(remounts).toHaveLength(2);
  });

  test.each([
    ["cannot be mounted any more", new AppError("wrong option", exitCodes.mountFailed)],
    ["failed for an unforeseen fault", new Error("too many open files")],
  ])("are healed although the one before %s", async (_, error) => {
    const { above, below } = threeShares();
    const { lose, end, remounts } = remounting([above, below]);
    await lose(below);
    await lose(above);
    await end(below, error);
    expect(remounts).toHaveLength(2);
  });
});

describe("once nfs-init ends", () => {
  test("nothing is mounted afresh any more", async () => {
    const { above } = threeShares();
    const { lose, over, remounts } = remounting([above]);
    over.abort();
    await lose(above);
    expect(remounts).toEqual([]);
  });

  test.each([
    ["an abort", new Error("nfs-init ends")],
    ["a failure", new AppError("wrong option", exitCodes.mountFailed)],
  ])("%s under way is nobody's business", async (_, error) => {
    const { above } = threeShares();
    const { lose, end, over, events, lines } = remounting([above]);
    await lose(above);
    over.abort();
    await end(above, error);
    expect({ events, lines }).toEqual({ events: [], lines: [] });
  });
});
