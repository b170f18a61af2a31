// What is kept of the servers' word on whether their shares can be written to.
import { beforeEach, expect, test } from "vitest";
import { watchWritability } from "../../../src/watch/writability.ts";
import { planOf } from "../fakes/shares.ts";
import { handClock, type HandClock } from "../fakes/clock.ts";

let clock: HandClock;
beforeEach(() => {
  clock = handClock();
});

const intervalMs = 30_000;

/** Asks about one share; `answers` are given one after another, the last again and again. */
function asking(answers: readonly (boolean | undefined)[], generation = () => 1) {
  const [share] = planOf({ NFS_MOUNTS: "nas:/a /mnt/a" }).shares;
  if (share === undefined) throw new Error("no share");
  const over = new AbortController();
  let asked = 0;
  const ask = () => Promise.resolve(answers[Math.min(asked++, answers.length - 1)]);
  const known = watchWritability({ clock, ask, generation }, () => [share], intervalMs, over.signal);
  return {
    known: () => known(share),
    asked: () => asked,
    /** Lets so many intervals go by. */
    after: async (intervals: number) => clock.pass(intervals * intervalMs),
    stop: () => over.abort(),
  };
}

test("nothing is known before the first answer, and what it says after it", async () => {
  const one = asking([true]);
  expect(one.known()).toBeUndefined();
  await one.after(0.1);
  expect(one.known()).toBe(true);
  await one.after(1);
  expect(one.asked()).toBe(2);
  one.stop();
  await one.after(3);
  expect(one.asked()).toBe(2);
});

test("a refusal counts when it is repeated a second later", async () => {
  const one = asking([true, false, true, true, false]);
  await one.after(1.5);
  expect(one.known()).toBe(true);
  await one.after(2);
  expect(one.known()).toBe(false);
  one.stop();
});

test("a server that lets again is believed at once", async () => {
  const one = asking([true, false, false, true]);
  await one.after(1.5);
  expect(one.known()).toBe(false);
  await one.after(1);
  expect(one.known()).toBe(true);
  one.stop();
});

test("who was never let is not said to be refused", async () => {
  const one = asking([false]);
  await one.after(10);
  expect(one.known()).toBeUndefined();
  one.stop();
});

test("what was said is kept over two unanswered questions, and forgotten with the third", async () => {
  const one = asking([true, undefined, undefined, undefined]);
  await one.after(2.5);
  expect(one.known()).toBe(true);
  await one.after(1);
  expect(one.known()).toBeUndefined();
  one.stop();
});

test("a fresh mount is asked about anew", async () => {
  let generation = 1;
  const one = asking([true, false], () => generation);
  await one.after(0.1);
  generation = 2;
  expect(one.known()).toBeUndefined();
  await one.after(5);
  expect(one.known()).toBeUndefined();
  one.stop();
});
