import { describe, expect, test } from "vitest";
import { decodeField, escapeField, unescapeField } from "../../../src/shares/escape.ts";
import fixture from "../../fixtures/mountinfo.json" with { type: "json" };
import { random } from "../fakes/random.ts";

test.each([
  ["/mnt/my dir", String.raw`/mnt/my\040dir`],
  ["/mnt/a\tb", String.raw`/mnt/a\011b`],
  ["/mnt/a\nb", String.raw`/mnt/a\012b`],
  [String.raw`/mnt/a\b`, String.raw`/mnt/a\134b`],
  [String.raw`/mnt/a\040b`, String.raw`/mnt/a\134040b`],
  ["#nas:/x", String.raw`\043nas:/x`],
  ["/mnt/a#b", "/mnt/a#b"],
  ["/mnt/größe", "/mnt/größe"],
  ["  ", String.raw`\040\040`],
])("%j is written as %j", (plain, escaped) => {
  expect(escapeField(plain)).toBe(escaped);
});

test("an escaped field has no character that ends a column or a line", () => {
  expect(escapeField("a b\tc\nd\re\\f")).not.toMatch(/[ \t\n\r]/);
});

test.each(fixture.unescape)("$escaped stands for $plain", ({ escaped, plain }) => {
  expect(unescapeField(escaped)).toBe(plain);
});

test("what is not an octal byte of ASCII stays as it is", () => {
  expect(unescapeField(String.raw`\400 \222 \8 \09`)).toBe(String.raw`\400 \222 \8 \09`);
});

test.each([
  [String.raw`/caf\303\251`, "/café"],
  [String.raw`/é\303\251\040x`, "/éé x"],
  [String.raw`/my\040data`, "/my data"],
  [String.raw`/a\134b\8`, String.raw`/a\b\8`],
  // What is no UTF-8 is neither dropped nor taken for a backslash.
  [String.raw`/caf\351`, "/caf\udce9"],
])("%s in a line that somebody wrote is %j", (field, text) => {
  expect(decodeField(field)).toBe(text);
});

describe("escaping and back", () => {
  const alphabet = [
    "\\",
    " ",
    "\t",
    "\n",
    "\r",
    "#",
    "0",
    "1",
    "4",
    "7",
    "a",
    "/",
    ",",
    "ß",
    "語",
    "\u{1f4a9}",
    "\v",
    "\u00a0",
  ];

  test("gives every text again", () => {
    const { text } = random(42);
    for (let count = 0; count < 5_000; count++) {
      const field = text(alphabet, 12);
      expect(unescapeField(escapeField(field))).toBe(field);
    }
  });
});
