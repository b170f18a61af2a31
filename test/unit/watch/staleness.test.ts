// The state of a share as a function of what it was and what was seen.
import { describe, expect, test } from "vitest";
import { judge, mountedCondition, type Judgement, type Observation } from "../../../src/watch/staleness.ts";

const budgets = { threshold: 2, unresponsiveAfterMs: 180_000, serverGoneAfterMs: 0, longestGapMs: 20_000 };
const answers: Observation = { mount: "present", look: { kind: "answers", isWritable: true }, server: undefined };
const refusesWrites: Observation = {
  mount: "present",
  look: { kind: "answers", isWritable: false },
  server: undefined,
};
const tellsNothing: Observation = {
  mount: "present",
  look: { kind: "answers", isWritable: undefined },
  server: undefined,
};
const stale: Observation = { mount: "present", look: { kind: "stale" }, server: "answers" };
const falselyStale: Observation = { mount: "present", look: { kind: "stale" }, server: "silent" };
const hangs: Observation = { mount: "present", look: { kind: "no-answer" }, server: "answers" };
const gone: Observation = { mount: "present", look: { kind: "no-answer" }, server: "silent" };
const moved: Observation = { mount: "present", look: { kind: "no-answer" }, server: "moved" };
const missing: Observation = { mount: "missing", look: undefined, server: undefined };
const replaced: Observation = { mount: "replaced", look: undefined, server: undefined };

/** Judges one observation every 5 s, the first at 5 s, and gives every judgement. */
function watch(seen: readonly Observation[], overrides: Partial<typeof budgets> = {}, wasWritable = true) {
  let condition = mountedCondition(0, wasWritable);
  return seen.map((observation, index): Judgement => {
    const judgement = judge(condition, observation, { ...budgets, ...overrides }, (index + 1) * 5_000);
    ({ condition } = judgement);
    return judgement;
  });
}

const states = (judgements: readonly Judgement[]) => judgements.map(({ condition }) => condition.state);
const isLost = (judgements: readonly Judgement[]) => judgements.map(({ lost }) => lost !== undefined);

describe("a share", () => {
  test.each<[string, readonly Observation[], readonly string[], readonly boolean[]]>([
    ["that answers is healthy", [answers, answers], ["healthy", "healthy"], [false, false]],
    ["is stale at the second ESTALE in a row", [stale, stale], ["healthy", "stale"], [false, true]],
    ["is missing at the second look in a row", [missing, missing], ["healthy", "missing"], [false, true]],
    ["is replaced at the second look in a row", [replaced, replaced], ["healthy", "replaced"], [false, true]],
    [
      "is not lost for failures that do not follow one another",
      [stale, answers, stale, answers],
      ["healthy", "healthy", "healthy", "healthy"],
      [false, false, false, false],
    ],
    [
      "is not lost for failures of different kinds",
      [stale, missing, replaced, stale],
      ["healthy", "healthy", "healthy", "healthy"],
      [false, false, false, false],
    ],
    [
      "is not stale while its server is silent",
      [falselyStale, falselyStale, falselyStale],
      ["server-gone", "server-gone", "server-gone"],
      [false, false, false],
    ],
    [
      "without its server is never lost by default",
      Array.from({ length: 1_000 }, () => gone),
      Array.from({ length: 1_000 }, () => "server-gone"),
      Array.from({ length: 1_000 }, () => false),
    ],
    ["is lost at once when its server has moved", [moved], ["server-gone"], [true]],
    [
      "that refuses writes is read-only and never lost",
      [refusesWrites, refusesWrites, refusesWrites],
      ["read-only", "read-only", "read-only"],
      [false, false, false],
    ],
    [
      "that is read-only stays so while its answers tell nothing of that",
      [refusesWrites, tellsNothing, refusesWrites, answers],
      ["read-only", "read-only", "read-only", "healthy"],
      [false, false, false, false],
    ],
    ["is healthy again when it takes writes again", [refusesWrites, answers], ["read-only", "healthy"], [false, false]],
    [
      "that recovers from a suspicion starts to count anew",
      [stale, answers, stale, stale],
      ["healthy", "healthy", "healthy", "stale"],
      [false, false, false, true],
    ],
    [
      "that hangs is unresponsive, and server-gone when its server goes too",
      [hangs, gone, hangs],
      ["unresponsive", "server-gone", "unresponsive"],
      [false, false, false],
    ],
  ])("%s", (_, seen, expectedStates, expectedLost) => {
    const judgements = watch(seen);
    expect(states(judgements)).toEqual(expectedStates);
    expect(isLost(judgements)).toEqual(expectedLost);
  });

  test("that was never writable is not read-only", () => {
    expect(states(watch([refusesWrites, tellsNothing, refusesWrites], {}, false))).toEqual([
      "healthy",
      "healthy",
      "healthy",
    ]);
  });

  test("that has become writable since it was mounted is read-only when it no longer is", () => {
    expect(states(watch([refusesWrites, answers, refusesWrites], {}, false))).toEqual([
      "healthy",
      "healthy",
      "read-only",
    ]);
  });

  test("that hangs is lost when its budget is over, not before", () => {
    const judgements = watch(Array.from({ length: 40 }, () => hangs));
    expect(isLost(judgements).indexOf(true)).toBe(35);
    expect(judgements[35]?.lost).toBe("it has not answered for 180 s although its server does");
  });

  test("has no budget anew when its server was away in between", () => {
    const seen = [...Array.from({ length: 30 }, () => hangs), gone, ...Array.from({ length: 30 }, () => hangs)];
    expect(isLost(watch(seen)).indexOf(true)).toBe(36);
    expect(watch(seen)[36]?.lost).toBe("it has not answered for 185 s although its server does");
  });

  test("has its whole budget anew after one answer", () => {
    const seen = [...Array.from({ length: 35 }, () => hangs), answers, ...Array.from({ length: 35 }, () => hangs)];
    expect(isLost(watch(seen))).not.toContain(true);
  });

  test("is left its time to go on when its server comes back, however long that was away", () => {
    const seen = [...Array.from({ length: 1_000 }, () => gone), ...Array.from({ length: 40 }, () => hangs)];
    expect(isLost(watch(seen)).indexOf(true)).toBe(1_000 + 35);
    const limited = isLost(watch(seen, { serverGoneAfterMs: 6_000_000 }));
    expect(limited.indexOf(true)).toBe(1_000 + 35);
  });

  test.each([
    { name: "the same", unresponsiveAfterMs: 30_000, serverGoneAfterMs: 30_000, lostAt: 5 },
    { name: "a longer one for the server", unresponsiveAfterMs: 20_000, serverGoneAfterMs: 60_000, lostAt: 6 },
    { name: "a longer one for the mount", unresponsiveAfterMs: 60_000, serverGoneAfterMs: 20_000, lostAt: 7 },
    { name: "none for the server", unresponsiveAfterMs: 30_000, serverGoneAfterMs: 0, lostAt: 10 },
    { name: "none for the mount", unresponsiveAfterMs: 0, serverGoneAfterMs: 30_000, lostAt: 11 },
  ])("that flips between the two is lost all the same: $name", ({ lostAt, unresponsiveAfterMs, serverGoneAfterMs }) => {
    const seen = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? hangs : gone));
    expect(isLost(watch(seen, { unresponsiveAfterMs, serverGoneAfterMs })).indexOf(true)).toBe(lostAt);
  });

  test("that is taken for stale now and then is lost once its time is over", () => {
    const seen = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? hangs : stale));
    expect(isLost(watch(seen)).indexOf(true)).toBe(36);
  });

  test("without its server is lost when NFS_SERVER_GONE_AFTER is over", () => {
    const judgements = watch([gone, gone, gone], { serverGoneAfterMs: 10_000 });
    expect(isLost(judgements)).toEqual([false, true, true]);
    expect(judgements[1]?.lost).toBe("its server has not answered for 10 s");
  });

  test("with budgets of 0 is never lost for not answering", () => {
    expect(
      isLost(
        watch(
          Array.from({ length: 1_000 }, () => hangs),
          { unresponsiveAfterMs: 0 },
        ),
      ),
    ).not.toContain(true);
  });

  test("with a threshold of 1 is lost at the first failure", () => {
    expect(isLost(watch([stale], { threshold: 1 }))).toEqual([true]);
  });

  test("that answers again tells once how long it did not", () => {
    expect(watch([answers, gone, hangs, answers, answers]).map(({ awayMs }) => awayMs)).toEqual([
      undefined,
      undefined,
      undefined,
      15_000,
      undefined,
    ]);
  });
});
