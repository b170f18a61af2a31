import { expect, test } from "vitest";
import { backoffPauseMs, probePauseMs } from "../../../src/wait/pace.ts";

test.each([
  ["at once", 0, 250],
  ["within two minutes", 119_999, 250],
  ["after two minutes", 120_000, 1_000],
  ["after a day", 86_400_000, 1_000],
])("a server is asked every so often %s", (_, elapsedMs, pauseMs) => {
  expect(probePauseMs(elapsedMs, 0.5)).toBe(pauseMs);
});

test("pauses of clients that started together drift apart by a fifth", () => {
  expect(probePauseMs(0, 0)).toBeCloseTo(200);
  expect(probePauseMs(0, 1)).toBeCloseTo(300);
  expect(probePauseMs(200_000, 0)).toBeCloseTo(800);
  expect(probePauseMs(200_000, 1)).toBeCloseTo(1_200);
});

test.each([
  [1, 0, 125],
  [1, 1, 250],
  [2, 0, 250],
  [3, 0.5, 750],
  [20, 0, 5_000],
  [20, 1, 4_000],
  [5_000, 0.5, 4_500],
])(
  "the pause after %i failures is drawn from around 250 ms, doubled each time, up to 5 s (random %f)",
  (failures, random, pauseMs) => {
    expect(backoffPauseMs(failures, { minMs: 250, maxMs: 5_000 }, random)).toBeCloseTo(pauseMs);
  },
);
