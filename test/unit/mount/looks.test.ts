import { beforeEach, describe, expect, test } from "vitest";
import { batchedLooks, type Looker } from "../../../src/mount/looks.ts";
import type { Look } from "../../../src/mount/ports.ts";
import { handClock, type HandClock } from "../fakes/clock.ts";

let clock: HandClock;
beforeEach(() => {
  clock = handClock();
});

const answers = {
  kind: "answers",
  isWritable: true,
  space: { totalBytes: 1, freeBytes: 1, availableBytes: 1 },
} as const satisfies Look;

interface Started extends Looker {
  readonly paths: readonly string[];
  isStopped: boolean;
  /** As a signal from outside does. */
  readonly kill: () => void;
}

/** Children that look at one path after another, each for the time that its path names: `/150` 150 ms, `/hangs` for ever. */
function children() {
  const started: Started[] = [];
  const look = batchedLooks(clock, (requests) => {
    const seen: (typeof answers)[] = [];
    const waiting: ((value: typeof answers | undefined) => void)[] = [];
    let isOver = false;
    const end = () => {
      isOver = true;
      for (const settle of waiting.splice(0)) settle(undefined);
    };
    const tell = () => {
      if (isOver) return;
      const settle = waiting.shift();
      if (settle === undefined) seen.push(answers);
      else settle(answers);
    };
    let afterMs = 0;
    for (const { path } of requests) {
      if (path === "/hangs") break;
      afterMs += Number(path.slice(1));
      clock.later(afterMs, tell);
    }
    const child: Started = {
      paths: requests.map(({ path }) => path),
      isStopped: false,
      next: () =>
        new Promise((resolve) => {
          if (seen.length > 0) resolve(seen.shift());
          else if (isOver) resolve(undefined);
          else waiting.push(resolve);
        }),
      stop: () => {
        child.isStopped = true;
        end();
      },
      kill: end,
    };
    started.push(child);
    return child;
  });
  return { look, started };
}

/** Looks at all paths in one turn; when each was answered, in milliseconds. */
async function times({ look }: ReturnType<typeof children>, paths: readonly string[], timeoutMs = 5_000) {
  const beganMs = clock.nowMs();
  const all = paths.map(async (path) => {
    const { kind } = await look({ path, write: false }, timeoutMs);
    return { kind, ms: clock.nowMs() - beganMs };
  });
  await clock.pass(20_000);
  return Promise.all(all);
}

describe("looks that are asked for together", () => {
  test("are made by one child, which is ended when it is through", async () => {
    const pool = children();
    const seen = await times(pool, ["/5", "/5", "/5"]);
    expect(seen.map(({ ms }) => ms)).toEqual([5, 10, 15]);
    expect(pool.started.map(({ paths }) => paths)).toEqual([["/5", "/5", "/5"]]);
    expect(pool.started[0]?.isStopped).toBe(true);
  });

  test("do not wait for one that hangs: it keeps its child until its time is over, and that is stopped", async () => {
    const pool = children();
    const [before, hangs, behind] = await times(pool, ["/5", "/hangs", "/5"]);
    expect(before).toEqual({ kind: "answers", ms: 5 });
    // Its time begins with its turn.
    expect(hangs).toEqual({ kind: "no-answer", ms: 5 + 5_000 });
    expect(behind?.kind).toBe("answers");
    expect(behind?.ms).toBeLessThan(300);
    expect(pool.started.map(({ paths }) => paths)).toEqual([["/5", "/hangs", "/5"], ["/5"]]);
    expect(pool.started.every(({ isStopped }) => isStopped)).toBe(true);
  });

  test("go on in another child where one was killed", async () => {
    const pool = children();
    const seen = Promise.all(["/50", "/50", "/50"].map((path) => pool.look({ path, write: false }, 5_000)));
    await clock.pass(60);
    pool.started[0]?.kill();
    await clock.pass(100);
    expect((await seen).map(({ kind }) => kind)).toEqual(["answers", "no-answer", "answers"]);
    expect(pool.started).toHaveLength(2);
  });

  test("end at their own time", async () => {
    const pool = children();
    const [only] = await times(pool, ["/hangs"], 700);
    expect(only).toEqual({ kind: "no-answer", ms: 700 });
  });

  test("are spread over children whose answers fit into a pipe", async () => {
    const pool = children();
    const seen = await times(
      pool,
      Array.from({ length: 250 }, () => "/1"),
    );
    expect(seen.every(({ kind }) => kind === "answers")).toBe(true);
    expect(pool.started.map(({ paths }) => paths.length)).toEqual([100, 100, 50]);
  });
});

test("where no child can be started every look fails with the reason, which says nothing of the shares, and the next tries again", async () => {
  let isPossible = false;
  const { look: works } = children();
  const look = batchedLooks(clock, (requests) => {
    if (!isPossible) throw new Error("EAGAIN: no more processes are allowed, fork");
    return {
      next: () => works(requests[0] ?? { path: "/1", write: false }, 5_000).then(() => answers),
      stop: () => {},
    };
  });
  const failing = await Promise.allSettled(["/5", "/6"].map((path) => look({ path, write: false }, 5_000)));
  const reason = "no process can be started to look at the shares: EAGAIN: no more processes are allowed, fork";
  expect(failing).toEqual([1, 2].map(() => ({ status: "rejected", reason: new Error(reason) })));
  isPossible = true;
  const again = look({ path: "/1", write: false }, 5_000);
  await clock.pass(10);
  expect(await again).toEqual(answers);
});
