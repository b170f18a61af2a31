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

const ours = { kind: "mounted", version: "4.2", isOurs: true, attempts: 1, elapsedMs: 5 } as const;
const healthy = { kind: "looked", state: "healthy", lost: undefined, probeMs: 3, space: undefined } as const;
const gone = { kind: "looked", state: "server-gone", lost: undefined, probeMs: 3_000, space: undefined } as const;
const stale = { kind: "looked", state: "stale", lost: "its handle is stale", probeMs: 5, space: undefined } as const;
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
        board.tell({ kind: "away", share, reason: "connection refused" });
        board.tell({ kind: "away", share, reason: "no answer in time" });
      },
      { phase: "waiting", reason: "no answer in time", version: undefined },
    ],
    [
      "is mounted, and has answered",
      ({ board, share }) => {
        board.tell({ kind: "away", share, reason: "connection refused" });
        board.tell({ ...ours, share });
      },
      { phase: "mounted", version: "4.2", isOurs: true, reason: undefined, answeredMs: 1_000_000 },
    ],
    [
      "has the phase, the time and the space of the last look",
      ({ board, share, clock }) => {
        board.tell({ ...ours, share });
        clock.advance(5_000);
        board.tell({ ...healthy, share, space });
      },
      { phase: "healthy", sinceMs: 1_005_000, answeredMs: 1_005_000, probeMs: 3, space },
    ],
    [
      "keeps when its phase began, and the space it had",
      ({ board, share, clock }) => {
        board.tell({ ...healthy, share, space });
        clock.advance(5_000);
        board.tell({ ...healthy, share });
        clock.advance(5_000);
        board.tell({ ...healthy, share });
      },
      { phase: "healthy", sinceMs: 1_000_000, answeredMs: 1_010_000, space },
    ],
    [
      "has not answered while its server is gone",
      ({ board, share, clock }) => {
        board.tell({ ...healthy, share });
        clock.advance(5_000);
        board.tell({ ...gone, share });
      },
      { phase: "server-gone", sinceMs: 1_005_000, answeredMs: 1_000_000, isLost: false },
    ],
    [
      "is lost with the reason",
      ({ board, share }) => {
        board.tell({ ...ours, share });
        board.tell({ ...stale, share });
      },
      { phase: "stale", isLost: true, reason: "its handle is stale" },
    ],
    [
      "is no longer lost when it was mounted afresh",
      ({ board, share, clock }) => {
        board.tell({ ...ours, share });
        board.tell({ ...stale, share });
        board.tell({ kind: "away", share, reason: "its handle is stale" });
        clock.advance(2_000);
        board.tell({ ...ours, share });
        board.tell({ kind: "remounted", share, elapsedMs: 2_000 });
      },
      { phase: "mounted", isLost: false, reason: undefined, remounts: 1, remountedMs: 1_002_000, version: "4.2" },
    ],
    [
      "is what it was when it comes back by itself",
      ({ board, share }) => {
        board.tell({ ...ours, share });
        board.tell({ kind: "away", share, reason: "its handle is stale" });
        board.tell({ kind: "back", share, isOurs: true });
      },
      { phase: "mounted", version: "4.2", isOurs: true },
    ],
    [
      "has no version where another process mounted it",
      ({ board, share }) => {
        board.tell({ ...ours, share });
        board.tell({ kind: "away", share, reason: "it is no longer mounted" });
        board.tell({ kind: "back", share, isOurs: false });
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
    board.tell({ ...ours, share: { ...share, realTarget: "/srv/data" } });
    expect(status()).toMatchObject({ target: "/mnt/data", realTarget: "/srv/data" });
  });

  test("counts starts of the process, and when the last was", () => {
    const { board, clock } = setUp();
    board.tell({ kind: "restarted" });
    clock.advance(1_000);
    board.tell({ kind: "restarted" });
    expect(board.current()).toMatchObject({ restarts: 2, restartedMs: 1_001_000 });
  });

  test("calls a change what somebody who asks is told, and a look all else", () => {
    const { board, share, news } = setUp();
    board.tell({ kind: "away", share, reason: "connection refused" });
    board.tell({ kind: "away", share, reason: "connection refused" });
    board.tell({ ...ours, share });
    board.tell({ ...healthy, share });
    board.tell({ ...healthy, share, probeMs: 9, space });
    board.tell({ ...stale, share });
    board.tell({ ...stale, share });
    board.tell({ kind: "remounted", share, elapsedMs: 2_000 });
    board.tell({ kind: "restarted" });
    expect(news).toEqual(["change", "look", "change", "change", "look", "change", "look", "change", "change"]);
  });
});

test("a reason whose details alone have changed is no change", () => {
  const { board, share, status, news } = setUp();
  board.tell({ kind: "away", share, reason: "port 2049 of 10.0.0.1: connection refused" });
  board.tell({ kind: "away", share, reason: "port 2049 of 10.0.0.2: connection refused" });
  board.tell({ kind: "away", share, reason: "cannot resolve nas: name not known" });
  expect(news).toEqual(["change", "look", "change"]);
  board.tell({ kind: "away", share, reason: "port 2049 of 10.0.0.2: connection refused" });
  expect(status().reason).toBe("port 2049 of 10.0.0.2: connection refused");
});

describe("the time in which a share was not ready", () => {
  test("does not count before its first mount", () => {
    const { board, share, clock, status } = setUp();
    clock.advance(60_000);
    board.tell({ kind: "away", share, reason: "connection refused" });
    expect(notReadyMs(status(), clock.nowMs())).toBe(0);
    board.tell({ ...ours, share });
    expect(notReadyMs(status(), clock.nowMs())).toBe(0);
  });

  test("adds up over phases and absences, with the one that lasts", () => {
    const { board, share, clock, status } = setUp();
    board.tell({ ...ours, share });
    for (const [seen, lastedMs] of [
      [healthy, 50_000],
      [gone, 5_000],
      [{ ...gone, state: "unresponsive" }, 7_000],
      [healthy, 80_000],
      [stale, 1_000],
    ] as const) {
      board.tell({ ...seen, share });
      clock.advance(lastedMs);
    }
    expect(notReadyMs(status(), clock.nowMs())).toBe(13_000);
    board.tell({ kind: "away", share, reason: "its handle is stale" });
    clock.advance(2_000);
    board.tell({ ...ours, share });
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
