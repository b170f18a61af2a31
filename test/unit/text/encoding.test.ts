import { decodeEnvironment, decodeText, encodingProblem } from "../../../src/text/encoding.ts";
import { describe, expect, test } from "vitest";
import { random } from "../fakes/random.ts";

const encoder = new TextEncoder();

describe("bytes", () => {
  test.each(["", "/mnt/café", "語 \u{1f4a9}", "\ufeffnas", "a\u0000b", "\ufffd"])("of %j are that text", (text) => {
    expect(decodeText(encoder.encode(text))).toBe(text);
    expect(encodingProblem(text)).toBe(text.includes("\0") ? "it holds a NUL character" : undefined);
  });

  test.each([
    [[0x2f, 0xe9], "/\udce9"],
    [[0xe9, 0x2f], "\udce9/"],
    [[0xc3, 0xa9, 0xe9], "é\udce9"],
    // Cut off, overlong, a surrogate, beyond Unicode, no lead byte.
    [[0xe2, 0x82], "\udce2\udc82"],
    [[0xc0, 0xaf], "\udcc0\udcaf"],
    [[0xe0, 0x80, 0xaf], "\udce0\udc80\udcaf"],
    [[0xed, 0xa0, 0x80], "\udced\udca0\udc80"],
    [[0xf4, 0x90, 0x80, 0x80], "\udcf4\udc90\udc80\udc80"],
    [[0xff, 0x41], "\udcffA"],
    [[0xf0, 0x9f, 0x92, 0x41], "\udcf0\udc9f\udc92A"],
  ])("%j that are no UTF-8 stay apart", (bytes, text) => {
    expect(decodeText(Uint8Array.from(bytes))).toBe(text);
    expect(encodingProblem(text)).toMatch(/UTF-8/);
  });

  test("decode as the platform's decoder has it wherever that takes them", () => {
    const { below } = random(7);
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    for (let count = 0; count < 20_000; count++) {
      const bytes = Uint8Array.from({ length: below(6) }, () => (below(2) === 0 ? below(256) : 0x80 + below(64)));
      let expected: string | undefined;
      try {
        expected = strict.decode(bytes);
      } catch {
        expected = undefined;
      }
      const text = decodeText(bytes);
      expect(text.isWellFormed() ? text : undefined).toBe(expected);
    }
  });

  test("of a megabyte that is no UTF-8 are read in one pass", () => {
    expect(decodeText(new Uint8Array(1_048_576).fill(0xe9))).toHaveLength(1_048_576);
  });
});

test("an environment has the first value of a name, and nothing without one", () => {
  const entries = ["A=1", "A=2", "B=", "=x", "nothing", "C=a=b", "__proto__=x"].map((entry) => encoder.encode(entry));
  expect(Object.entries(decodeEnvironment(entries))).toEqual([
    ["A", "1"],
    ["B", ""],
    ["C", "a=b"],
    ["__proto__", "x"],
  ]);
});
