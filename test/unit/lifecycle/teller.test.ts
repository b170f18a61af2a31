import type { MountFailure } from "../../../src/kinds/failure.ts";
import { describe, expect, test } from "vitest";
import type { Log, LogFields, LogLevel } from "../../../src/report/log.ts";
import { manageShares } from "../../../src/lifecycle/managed-share.ts";
import { pendingReasons, teller, tellNotReady } from "../../../src/lifecycle/teller.ts";
import { questionOf } from "../../../src/kinds/nfs/question.ts";
import { createBoard } from "../../../src/report/board.ts";
import { leapingClock } from "../fakes/clock.ts";
import { planOf } from "../fakes/shares.ts";

/** A board that nobody reads. */
const silent = { tell: () => {} };

interface Line extends LogFields {
  readonly level: LogLevel;
  readonly msg: string;
}

const environment = {
  NFS_HOST: "nas",
  NFS_1_MOUNT_POINT: "/one",
  NFS_2_MOUNT_POINT: "/two",
  NFS_MOUNTS: "other:/x /three",
};

function setUp() {
  const plan = planOf(environment);
  const [one, two, three] = plan.shares;
  if (one === undefined || two === undefined || three === undefined) throw new Error("no shares");
  const lines: Line[] = [];
  const clock = leapingClock();
  const shares = manageShares(plan.shares);
  const log: Log = (level, msg, fields) => lines.push({ level, msg, ...fields });
  const tell = teller({ log, board: silent, clock }, shares);
  const notReady = tellNotReady(tell, shares);
  return { tell, notReady, pending: () => pendingReasons(shares), lines, clock, one, two, three };
}

const refused: MountFailure = { prospect: "transient", reason: "Connection refused", unreachable: true };
const denied: MountFailure = { prospect: "ambiguous", reason: "access denied by server", hint: "check the exports" };
const mounted = { kind: "mounted", version: "4.2", isOurs: true, attempts: 1, elapsedMs: 812.7 } as const;

test("a mount call that does not end is said, and every half minute, with advice for every version", () => {
  const { tell, pending, lines, clock, one } = setUp();
  for (let forMs = 15_000; forMs <= 60_000; forMs += 15_000) {
    clock.advance(15_000);
    tell({ kind: "pending", share: one, version: forMs < 40_000 ? "4.2" : "3", forMs });
  }
  expect(lines).toMatchObject([
    {
      level: "warn",
      msg: "the mount call does not end",
      stage: "mount",
      target: "/one",
      version: "4.2",
      elapsedMs: 15_000,
      reason: "the mount call of version 4.2 has not ended after 15 s",
      hint: expect.stringMatching(/rpc\.mountd.*every version/) as string,
    },
    { version: "3", elapsedMs: 45_000 },
  ]);
  expect(lines.map(({ hint }) => hint).join(" ")).not.toContain("use version 4");
  expect(pending()[0]).toContain("has not ended after 60 s");
});

describe("a server that is waited for", () => {
  test("is one line for all its shares, with their number", () => {
    const { notReady, lines, one, three } = setUp();
    notReady(questionOf(one), "connection refused");
    notReady(questionOf(three), "name not known");
    expect(lines).toEqual([
      {
        level: "info",
        msg: "waiting for the server",
        stage: "wait",
        source: "nas:/one",
        target: "/one",
        shares: 2,
        elapsedMs: 0,
        reason: "connection refused",
      },
      {
        level: "info",
        msg: "waiting for the server",
        stage: "wait",
        source: "other:/x",
        target: "/three",
        elapsedMs: 0,
        reason: "name not known",
      },
    ]);
  });

  test("is a line when the reason changes, and a reminder every half minute", () => {
    const { notReady, lines, clock, one } = setUp();
    for (let elapsedMs = 0; elapsedMs < 61_000; elapsedMs += 250) {
      notReady(questionOf(one), elapsedMs < 10_000 ? "name not known" : "connection refused");
      clock.advance(250);
    }
    expect(lines.map(({ reason, elapsedMs }) => [reason, elapsedMs])).toEqual([
      ["name not known", 0],
      ["connection refused", 10_000],
      ["connection refused", 40_000],
    ]);
  });

  test("is no line once its shares are mounted", () => {
    const { tell, notReady, lines, three } = setUp();
    tell({ ...mounted, share: three });
    lines.length = 0;
    notReady(questionOf(three), "connection refused");
    expect(lines).toEqual([]);
  });
});

describe("a failed attempt", () => {
  test("is a line with its reason, what to check, and how far we are", () => {
    const { tell, lines, clock, one } = setUp();
    clock.advance(1_500.4);
    tell({ kind: "attempt-failed", share: one, failure: denied, attempt: 3 });
    expect(lines).toEqual([
      {
        level: "warn",
        msg: "mount attempt failed, trying again",
        stage: "mount",
        source: "nas:/one",
        target: "/one",
        attempt: 3,
        elapsedMs: 1_500,
        reason: "access denied by server",
        hint: "check the exports",
      },
    ]);
  });

  test.each([
    ["transient", "info"],
    ["look", "info"],
    ["ambiguous", "warn"],
    ["unsupported", "warn"],
  ] as const)("that is %s is said at %s", (prospect, level) => {
    const { tell, lines, one } = setUp();
    tell({ kind: "attempt-failed", share: one, failure: { prospect, reason: "x" }, attempt: 1 });
    expect(lines[0]?.level).toBe(level);
  });

  test("is a line when the reason changes, and a reminder every half minute, for each share by itself", () => {
    const { tell, lines, clock, one, two } = setUp();
    tell({ kind: "attempt-failed", share: one, failure: refused, attempt: 1 });
    tell({ kind: "attempt-failed", share: two, failure: refused, attempt: 1 });
    tell({ kind: "attempt-failed", share: one, failure: refused, attempt: 2 });
    tell({ kind: "attempt-failed", share: one, failure: denied, attempt: 3 });
    clock.advance(30_000);
    tell({ kind: "attempt-failed", share: one, failure: denied, attempt: 9 });
    expect(lines.map(({ target, attempt }) => [target, attempt])).toEqual([
      ["/one", 1],
      ["/two", 1],
      ["/one", 3],
      ["/one", 9],
    ]);
  });
});

describe("a mounted share", () => {
  test("is a line with its version, its attempts and its time", () => {
    const { tell, lines, one } = setUp();
    tell({ ...mounted, share: one, attempts: 4 });
    expect(lines).toEqual([
      {
        level: "info",
        msg: "mounted",
        stage: "mount",
        source: "nas:/one",
        target: "/one",
        version: "4.2",
        attempt: 4,
        elapsedMs: 813,
      },
    ]);
  });

  test("that was there is said to be used as it is", () => {
    const { tell, lines, one } = setUp();
    tell({ ...mounted, share: one, version: undefined, isOurs: false });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.msg).toContain("already mounted");
    expect(lines[0]).not.toHaveProperty("version");
  });

  test("that fell back to version 3 is a warning about locks", () => {
    const { tell, lines, one } = setUp();
    tell({ ...mounted, share: one, version: "3" });
    expect(lines.map(({ level }) => level)).toEqual(["info", "warn"]);
    expect(lines[1]?.msg).toMatch(/version 3.*locks are local/);
  });

  test("that was wanted in version 3 is none", () => {
    const { shares } = planOf({ NFS_HOST: "nas", NFS_MOUNT_POINT: "/a", NFS_VERSION: "3" });
    const lines: Line[] = [];
    const log: Log = (level, msg, fields) => lines.push({ level, msg, ...fields });
    const tell = teller({ log, board: silent, clock: leapingClock() }, manageShares(shares));
    for (const share of shares) tell({ ...mounted, share, version: "3" });
    expect(lines.map(({ level }) => level)).toEqual(["info"]);
  });
});

describe("a notice", () => {
  test.each(["not-empty", "no-lock"] as const)("of %s is given once a share", (kind) => {
    const { tell, lines, one, two } = setUp();
    for (const share of [one, one, two, one])
      tell(kind === "no-lock" ? { kind, share, reason: "read-only" } : { kind, share });
    expect(lines.map(({ level, target }) => [level, target])).toEqual([
      ["warn", "/one"],
      ["warn", "/two"],
    ]);
  });

  test("of a mount that was detached is given each time", () => {
    const { tell, lines, one } = setUp();
    tell({ kind: "stale-detached", share: one });
    tell({ kind: "stale-detached", share: one });
    tell({ kind: "replaced-detached", share: one, source: "nas:/old" });
    expect(lines.map(({ level }) => level)).toEqual(["warn", "warn", "warn"]);
    expect(lines[2]?.reason).toContain("nas:/old");
  });
});

test.each([
  ["unmounted", "info"],
  ["detached", "warn"],
  ["left", "error"],
] as const)("a share that was %s is said at %s", (result, level) => {
  const { tell, lines, one } = setUp();
  tell({ kind: "unmounted", share: one, result: result });
  expect(lines).toMatchObject([{ level, stage: "umount", source: "nas:/one", target: "/one" }]);
});

test("a share that was gone already is no line", () => {
  const { tell, lines, one } = setUp();
  tell({ kind: "unmounted", share: one, result: "gone" });
  expect(lines).toEqual([]);
});

describe("what is pending", () => {
  test("is every share that is not mounted, with its last reason", () => {
    const { tell, notReady, pending, one, two, three } = setUp();
    notReady(questionOf(one), "connection refused");
    tell({ kind: "attempt-failed", share: two, failure: denied, attempt: 1 });
    expect(pending()).toEqual([
      "nas:/one on /one: connection refused",
      "nas:/two on /two: access denied by server",
      "other:/x on /three: no answer yet",
    ]);
    tell({ ...mounted, share: two });
    expect(pending()).toHaveLength(2);
    tell({ kind: "given-up", share: three, reason: "cannot mount other:/x" });
    expect(pending()).toEqual(["nas:/one on /one: connection refused"]);
  });

  test("keeps a reason that was not logged again", () => {
    const { tell, pending, one } = setUp();
    tell({ kind: "attempt-failed", share: one, failure: refused, attempt: 1 });
    tell({ kind: "attempt-failed", share: one, failure: denied, attempt: 2 });
    tell({ kind: "attempt-failed", share: one, failure: refused, attempt: 3 });
    tell({ kind: "attempt-failed", share: one, failure: refused, attempt: 4 });
    expect(pending()[0]).toBe("nas:/one on /one: Connection refused");
  });
});

test("a share that is back is published as ours only where it was", () => {
  const plan = planOf(environment);
  const board = createBoard(
    () => 0,
    { program: "1", role: "run", bootId: "boot", startedMs: 0, staleAfterMs: 1 },
    plan.shares,
  );
  const tell = teller({ log: () => {}, board, clock: leapingClock() }, manageShares(plan.shares));
  for (const share of plan.shares) tell({ kind: "away", share, reason: "no answer" });
  for (const share of plan.shares) tell({ kind: "back", share, isOurs: share.target === "/two" });
  const published = board.current().shares.map(({ target, isOurs }) => `${target} ${isOurs}`);
  expect(published).toEqual(["/one false", "/two true", "/three false"]);
});

test("a share that is given up is an error with its reason", () => {
  const { tell, lines, one } = setUp();
  tell({ kind: "given-up", share: one, reason: "cannot mount nas:/one on /one: bad option" });
  expect(lines).toMatchObject([
    { level: "error", stage: "mount", target: "/one", reason: expect.stringContaining("bad option") as string },
  ]);
});
