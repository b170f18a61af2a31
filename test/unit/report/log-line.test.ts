import { describe, expect, test } from "vitest";
import { jsonOf, shortenFields, textOf } from "../../../src/report/log-line.ts";

const time = "2026-01-02T07:01:02.345Z";

describe("a line for people", () => {
  test("begins with the time of day, the level and the stage, and names its fields", () => {
    expect(textOf({ time, level: "info", stage: "mount", source: "nas:/export", attempt: 2, msg: "mounted" })).toBe(
      "07:01:02.345 info  mount: mounted source=nas:/export attempt=2\n",
    );
  });

  test.each([
    { what: "a blank", value: "two words", shown: '"two words"' },
    { what: "an equals sign", value: "a=b", shown: '"a=b"' },
    { what: "a quote", value: 'a"b', shown: '"a\\"b"' },
    { what: "nothing", value: "", shown: '""' },
    { what: "what steers a terminal", value: "a\u009bb", shown: '"a\\u009bb"' },
  ])("quotes a field that holds $what", ({ value, shown }) => {
    expect(textOf({ time, level: "warn", stage: "wait", reason: value, msg: "m" })).toBe(
      `07:01:02.345 warn  wait: m reason=${shown}\n`,
    );
  });
});

describe("a line of JSON", () => {
  test("is one line that means the same, without what steers a terminal", () => {
    const line = { level: "info", reason: "a\nb\u009bc\u202e", msg: "m" };
    const text = jsonOf(line);
    expect(text).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(text)).toEqual(line);
  });
});

test("a field is cut that is longer than a line can hold, and numbers stay", () => {
  const { reason, attempt } = shortenFields({ reason: "x".repeat(5_000), attempt: 3 });
  expect(String(reason).length).toBeLessThanOrEqual(620);
  expect(attempt).toBe(3);
});
