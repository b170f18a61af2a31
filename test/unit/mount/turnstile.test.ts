import { beforeEach, describe, expect, test } from "vitest";
import { turnstile, type Turn } from "../../../src/mount/turnstile.ts";
import { handClock, type HandClock } from "../fakes/clock.ts";

let clock: HandClock;
beforeEach(() => {
  clock = handClock();
});

const atOnce = 3;

/** As many requests as asked for, and the turns of those that have begun. */
function request(count: number) {
  const enter = turnstile(clock, atOnce);
  const begun: Turn[] = [];
  for (let index = 0; index < count; index++) void enter().then((turn) => begun.push(turn));
  return begun;
}

const settle = () => clock.pass(0);

describe("the turnstile", () => {
  test("lets a few begin, and the next for each that leaves", async () => {
    const begun = request(10);
    await settle();
    expect(begun).toHaveLength(atOnce);
    begun[1]?.leave();
    await settle();
    expect(begun).toHaveLength(atOnce + 1);
  });

  test("lets one more begin after a time beside one that has not left", async () => {
    const begun = request(10);
    await settle();
    begun[0]?.leaveAfter(250);
    await clock.pass(249);
    expect(begun).toHaveLength(atOnce);
    await clock.pass(1);
    expect(begun).toHaveLength(atOnce + 1);
  });

  test("counts the time of the last that was asked for", async () => {
    const begun = request(10);
    await settle();
    begun[0]?.leaveAfter(250);
    begun[0]?.leaveAfter(5_000);
    await clock.pass(4_999);
    expect(begun).toHaveLength(atOnce);
    await clock.pass(1);
    expect(begun).toHaveLength(atOnce + 1);
  });

  test("counts each once, however often it leaves", async () => {
    const begun = request(20);
    await settle();
    begun[0]?.leaveAfter(250);
    begun[0]?.leave();
    begun[0]?.leave();
    begun[0]?.leaveAfter(1);
    await clock.pass(1_000);
    expect(begun).toHaveLength(atOnce + 1);
  });

  test("lets as many begin again once all have left", async () => {
    const enter = turnstile(clock, atOnce);
    for (let round = 0; round < 3; round++) {
      const turns = await Promise.all(Array.from({ length: atOnce }, () => enter()));
      for (const turn of turns) turn.leave();
    }
    const begun: Turn[] = [];
    for (let index = 0; index < atOnce + 5; index++) void enter().then((turn) => begun.push(turn));
    await settle();
    expect(begun).toHaveLength(atOnce);
  });
});
