import { describe, expect, test } from "vitest";
import { restartBudget } from "../../../src/lifecycle/restart-budget.ts";

const minute = 60_000;

describe("starting again", () => {
  test.each<[string, readonly number[], readonly boolean[]]>([
    ["is allowed five times in a row", [0, 0, 0, 0, 0, 0], [true, true, true, true, true, false]],
    [
      "is allowed again once the first is ten minutes ago",
      [0, 1, 2, 3, 4, 9.99, 10, 10],
      [true, true, true, true, true, false, true, false],
    ],
    [
      "is allowed for ever at one in two minutes",
      [0, 2, 4, 6, 8, 10, 12, 14, 16],
      Array.from({ length: 9 }, () => true),
    ],
    [
      "is not put off by what was refused",
      [0, 0, 0, 0, 0, 5, 9, 10, 10, 10, 10, 10, 10],
      [true, true, true, true, true, false, false, true, true, true, true, true, false],
    ],
  ])("%s", (_, minutes, allowed) => {
    const budget = restartBudget();
    expect(minutes.map((at) => budget.take(1_000_000 + at * minute))).toEqual(allowed);
  });

  test("is counted for each run alone", () => {
    const spent = restartBudget();
    for (let count = 0; count < spent.most; count++) spent.take(0);
    expect(spent.take(0)).toBe(false);
    expect(restartBudget().take(0)).toBe(true);
  });

  test("tells its limits as they are said in the log", () => {
    const { most, perMs } = restartBudget();
    expect({ most, perMs }).toEqual({ most: 5, perMs: 10 * minute });
  });
});
