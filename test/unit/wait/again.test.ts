import { describe, expect, test } from "vitest";
import { again, done, untilDone } from "../../../src/wait/again.ts";
import { leapingClock } from "../fakes/clock.ts";

/** Attempts of which so many are in vain, each taking a while. */
function waiting({ inVain = 0, attemptMs = 0, signal = new AbortController().signal } = {}) {
  const clock = leapingClock();
  const numbers: number[] = [];
  const pauses: (readonly [number, number])[] = [];
  const value = untilDone(
    clock,
    async (number) => {
      numbers.push(number);
      clock.advance(attemptMs);
      return number > inVain ? done(`by attempt ${number}`) : again;
    },
    (attempts, elapsedMs) => {
      pauses.push([attempts, elapsedMs]);
      return 10;
    },
    signal,
  );
  return { clock, numbers, pauses, value };
}

describe("an attempt", () => {
  test("that is done gives its value, without a pause", async () => {
    const { value, clock } = waiting();
    expect(await value).toBe("by attempt 1");
    expect(clock.pausesMs).toEqual([]);
  });

  test("in vain is made again after a pause, which is told how many there were and since when", async () => {
    const { value, clock, numbers, pauses } = waiting({ inVain: 2, attemptMs: 100 });
    expect(await value).toBe("by attempt 3");
    expect(numbers).toEqual([1, 2, 3]);
    expect(clock.pausesMs).toEqual([10, 10]);
    expect(pauses).toEqual([
      [1, 100],
      [2, 210],
    ]);
  });

  test("is not made once the signal has aborted", async () => {
    const { value, numbers } = waiting({ signal: AbortSignal.abort(new Error("stopped")) });
    await expect(value).rejects.toThrow("stopped");
    expect(numbers).toEqual([]);
  });

  test.each<[string, () => Promise<ReturnType<typeof done<string>>>]>([
    ["is done", () => Promise.resolve(done("too late"))],
    ["fails", () => Promise.reject(new Error("because of that"))],
  ])("during which the signal aborts gives its reason, even where it %s", async (_, end) => {
    const abort = new AbortController();
    const attempt = () => {
      abort.abort(new Error("stopped"));
      return end();
    };
    await expect(untilDone(leapingClock(), attempt, () => 0, abort.signal)).rejects.toThrow("stopped");
  });

  test("that throws is not made again", async () => {
    let attempts = 0;
    const attempt = async () => {
      attempts += 1;
      throw new TypeError("a fault");
    };
    await expect(untilDone(leapingClock(), attempt, () => 0, new AbortController().signal)).rejects.toThrow("a fault");
    expect(attempts).toBe(1);
  });
});
