// The board: what the stages say of the shares, as the status that others are told.
import type { Share } from "../../../src/shares/share.ts";
import { describe, expect, test } from "vitest";
import { createBoard, isReady, notReadyMs, type Board, type BoardNews } from "../../../src/report/board.ts";
import type { ShareStatus } from "../../../src/watch/status.ts";
import { leapingClock, type LeapingClock } from "../fakes/clock.ts";
import { planOf, shareOf } from "../fakes/shares.ts";
import { shareStatus } from "./statuses.ts";

const facts = { program: "1.2.3", role: "run", bootId: "boot", startedMs: 999_000, staleAfterMs: 20_000 };

interface SetUp {
  readonly board: Board;
  readonly clock: LeapingClock;
  readonly share: Share;
  readonly status: () => ShareStatus;
  readonly news: BoardNews[];
}

function setUp(): SetUp {
  const clock = leapingClock();
  const share = shareOf();
  const board = createBoard(clock.nowMs, facts, [share]);
  const news: BoardNews[] = [];
  board.subscribe((one) => news.push(one));
  const status = () => {
    const [first, ...others] = board.current().shares;
    if (first === undefined || others.length > 0) throw new Error("not one share");
    return first;
  };
  return { board, clock, share, status, news };
}

const ours = { version: "4.2", isOurs: true } as const;
const healthy = { state: "healthy", lost: undefined, probeMs: 3 } as const;
const gone = { state: "server-gone", lost: undefined, probeMs: 3_000 } as const;
const stale = { state: "stale", lost: "its handle is stale", probeMs: 5 } as const;
const space = { totalBytes: 10, freeBytes: 5, availableBytes: 4 };

describe("a board", () => {
  test("has every configured share waiting from the start on, before the plan is known", () => {
    const clock = leapingClock();
    const { shares } = planOf({ NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/a", NFS_2_MOUNT_POINT: "/b" });
    const current = createBoard(clock.nowMs, facts, shares).current();
    expect(current).toMatchObject({ ...facts, updatedMs: 1_000_000, restarts: 0 });
    expect(current.shares).toMatchObject([
      { source: "nas:/a", target: "/a", phase: "waiting", sinceMs: 1_000_000 },
      { source: "nas:/b", target: "/b", phase: "waiting", sinceMs: 1_000_000 },
    ]);
  });

  test.each<[string, (set: SetUp) => void, Partial<ShareStatus>]>([
    [
      "waits with the last reason",
      ({ board, share }) => {
        board.waiting(share, "connection refused");
        board.waiting(share, "no answer in time");
      },
      { phase: "waiting", reason: "no answer in time", version: undefined },
    ],
    [
      "is mounted, and has answered",
      ({ board, share }) => {
        board.waiting(share, "connection refused");
        board.mounted(share, ours);
      },
      { phase: "mounted", version: "4.2", isOurs: true, reason: undefined, answeredMs: 1_000_000 },
    ],
    [
      "has the phase, the time and the space of the last look",
      ({ board, share, clock }) => {
        board.mounted(share, ours);
        clock.advance(5_000);
        board.looked(share, { ...healthy, space });
      },
      { phase: "healthy", sinceMs: 1_005_000, answeredMs: 1_005_000, probeMs: 3, space },
    ],
    [
      "keeps when its phase began, and the space it had",
      ({ board, share, clock }) => {
        board.looked(share, { ...healthy, space });
        clock.advance(5_000);
        board.looked(share, healthy);
        clock.advance(5_000);
        board.looked(share, healthy);
      },
      { phase: "healthy", sinceMs: 1_000_000, answeredMs: 1_010_000, space },
    ],
    [
      "has not answered while its server is gone",
      ({ board, share, clock }) => {
        board.looked(share, healthy);
        clock.advance(5_000);
        board.looked(share, gone);
      },
      { phase: "server-gone", sinceMs: 1_005_000, answeredMs: 1_000_000, isLost: false },
    ],
    [
      "is lost with the reason",
      ({ board, share }) => {
        board.mounted(share, ours);
        board.looked(share, stale);
      },
      { phase: "stale", isLost: true, reason: "its handle is stale" },
    ],
    [
      "is no longer lost when it was mounted afresh",
      ({ board, share, clock }) => {
        board.mounted(share, ours);
        board.looked(share, stale);
        board.waiting(share, "its handle is stale");
        clock.advance(2_000);
        board.mounted(share, ours);
        board.remounted(share);
      },
      { phase: "mounted", isLost: false, reason: undefined, remounts: 1, remountedMs: 1_002_000, version: "4.2" },
    ],
    [
      "is what it was when it comes back by itself",
      ({ board, share }) => {
        board.mounted(share, ours);
        board.waiting(share, "its handle is stale");
        board.mounted(share, { version: undefined, isOurs: true });
      },
      { phase: "mounted", version: "4.2", isOurs: true },
    ],
    [
      "has no version where another process mounted it",
      ({ board, share }) => {
        board.mounted(share, ours);
        board.waiting(share, "it is no longer mounted");
        board.mounted(share, { version: undefined, isOurs: false });
      },
      { version: undefined, isOurs: false },
    ],
  ])("tells that a share %s", (_, tell, expected) => {
    const set = setUp();
    tell(set);
    expect(set.status()).toMatchObject(expected);
  });

  test("knows the resolved target from the plan", () => {
    const { board, share, status } = setUp();
    board.mounted({ ...share, realTarget: "/srv/data" }, ours);
    expect(status()).toMatchObject({ target: "/mnt/data", realTarget: "/srv/data" });
  });

  test("counts starts of the process, and when the last was", () => {
    const { board, clock } = setUp();
    board.restarted();
    clock.advance(1_000);
    board.restarted();
    expect(board.current()).toMatchObject({ restarts: 2, restartedMs: 1_001_000 });
  });

  test("calls a change what somebody who asks is told, and a look all else", () => {
    const { board, share, news } = setUp();
    board.waiting(share, "connection refused");
    board.waiting(share, "connection refused");
    board.mounted(share, ours);
    board.looked(share, healthy);
    board.looked(share, { ...healthy, probeMs: 9, space });
    board.looked(share, stale);
    board.looked(share, stale);
    board.remounted(share);
    board.restarted();
    expect(news).toEqual(["change", "look", "change", "change", "look", "change", "look", "change", "change"]);
  });
});

test("a reason whose details alone have changed is no change", () => {
  const { board, share, status, news } = setUp();
  board.waiting(share, "port 2049 of 10.0.0.1: connection refused");
  board.waiting(share, "port 2049 of 10.0.0.2: connection refused");
  board.waiting(share, "cannot resolve nas: name not known");
  expect(news).toEqual(["change", "look", "change"]);
  board.waiting(share, "port 2049 of 10.0.0.2: connection refused");
  expect(status().reason).toBe("port 2049 of 10.0.0.2: connection refused");
});

describe("the time in which a share was not ready", () => {
  test("does not count before its first mount", () => {
    const { board, share, clock, status } = setUp();
    clock.advance(60_000);
    board.waiting(share, "connection refused");
    expect(notReadyMs(status(), clock.nowMs())).toBe(0);
    board.mounted(share, ours);
    expect(notReadyMs(status(), clock.nowMs())).toBe(0);
  });

  test("adds up over phases and absences, with the one that lasts", () => {
    const { board, share, clock, status } = setUp();
    board.mounted(share, ours);
    for (const [seen, lastedMs] of [
      [healthy, 50_000],
      [gone, 5_000],
      [{ ...gone, state: "unresponsive" }, 7_000],
      [healthy, 80_000],
      [stale, 1_000],
    ] as const) {
      board.looked(share, seen);
      clock.advance(lastedMs);
    }
    expect(notReadyMs(status(), clock.nowMs())).toBe(13_000);
    board.waiting(share, "its handle is stale");
    clock.advance(2_000);
    board.mounted(share, ours);
    clock.advance(500_000);
    expect(status().awayMs).toBe(15_000);
    expect(notReadyMs(status(), clock.nowMs())).toBe(15_000);
  });

  test.each([
    ["waiting", false],
    ["mounted", true],
    ["healthy", true],
    ["read-only", false],
    ["unresponsive", false],
    ["server-gone", false],
    ["stale", false],
    ["missing", false],
    ["replaced", false],
  ] as const)("counts while it is %s: not %s", (phase, ready) => {
    expect(isReady({ phase })).toBe(ready);
    expect(notReadyMs(shareStatus({ phase, sinceMs: 90_000 }), 100_000)).toBe(ready ? 0 : 10_000);
  });
});
