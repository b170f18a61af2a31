import { expect, test } from "vitest";
import { probePauseMs } from "../../../src/wait/pace.ts";

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
