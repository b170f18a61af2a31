import { shortened, shown } from "../../../src/text/shown.ts";
import { expect, test } from "vitest";

test.each([
  ["/data", "/data"],
  ["/größe 語", "/größe 語"],
  ["a\nb\u001b[0m", String.raw`a\u000ab\u001b[0m`],
  ["/caf\udce9", String.raw`/caf\xe9`],
  ["\u{1f4a9}\udcff", "\u{1f4a9}\\xff"],
])("%j is shown as %s", (text, as) => {
  expect(shown(text)).toBe(as);
});

test("a long value is shown by its beginning and its end, also where it becomes long by escaping", () => {
  expect(shown(`begin${"x".repeat(100_000)}end`)).toMatch(/^beginx+\.\.\.x+end$/);
  expect(shown("\u0007".repeat(100)).length).toBeLessThanOrEqual(163);
  expect(shown("x".repeat(160))).toBe("x".repeat(160));
});

test("a long message keeps its end, which says what to do", () => {
  const message = `NFS_OPTIONS="${"x".repeat(4_000)}": not understood; accepted: this`;
  expect(shortened(message, 600)).toHaveLength(603);
  expect(shortened(message, 600)).toMatch(/; accepted: this$/);
  expect(shortened("short", 600)).toBe("short");
});
