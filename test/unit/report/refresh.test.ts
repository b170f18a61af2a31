// When the published state is written.
import { expect, test } from "vitest";
import { refresher, staleAfterMs } from "../../../src/report/refresh.ts";

const intervalMs = 5_000;

function setUp() {
  let nowMs = 1_000_000;
  let due: { readonly atMs: number; readonly call: () => void } | undefined;
  const writtenMs: number[] = [];
  const { news, stop } = refresher(
    {
      nowMs: () => nowMs,
      later: (ms, call) => {
        const mine = { atMs: nowMs + ms, call };
        due = mine;
        return () => {
          if (due === mine) due = undefined;
        };
      },
      write: () => writtenMs.push(nowMs - 1_000_000),
    },
    intervalMs,
  );
  let wakeUps = 0;
  /** Time goes by, and the timer calls. */
  const pass = (ms: number) => {
    const untilMs = nowMs + ms;
    while (due !== undefined && due.atMs <= untilMs) {
      const { atMs, call } = due;
      due = undefined;
      nowMs = atMs;
      wakeUps += 1;
      call();
    }
    nowMs = untilMs;
  };
  return { news, stop, pass, writtenMs, wakeUps: () => wakeUps };
}

test("the state is written at once, and after every change", () => {
  const { news, pass, writtenMs } = setUp();
  pass(10);
  news("change");
  pass(20);
  news("change");
  expect(writtenMs).toEqual([0, 10, 30]);
});

test("looks have it written once an interval, however many there are, and nobody is woken for it", () => {
  const { news, pass, writtenMs, wakeUps } = setUp();
  for (let round = 0; round < 100; round++) {
    // Rounds jitter; three shares are looked at in each.
    pass(intervalMs + (round % 2 === 0 ? 40 : -40) - 20);
    news("look");
    for (const _ of ["second", "third"]) {
      pass(10);
      news("look");
    }
  }
  expect(writtenMs).toHaveLength(101);
  expect(wakeUps()).toBe(0);
});

test("without news it is written before anybody may doubt it", () => {
  const { pass, writtenMs } = setUp();
  pass(60_000);
  expect(writtenMs).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  expect(staleAfterMs(intervalMs, 5_000)).toBe(20_000);
});

test("it is written no more once that is stopped", () => {
  const { pass, stop, writtenMs } = setUp();
  stop();
  pass(60_000);
  expect(writtenMs).toEqual([0]);
});
