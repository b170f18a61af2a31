import { expect, test } from "vitest";
import { fromLatin1, toLatin1 } from "../../../src/shares/latin1.ts";
import { random } from "../fakes/random.ts";

test.each(["", "nas:/export /mnt nfs", "/mnt/größe", "日本語", "\u{1F600}", "a\0b\n", "\u00ff\u0100"])(
  "%j is the bytes of its UTF-8, and comes back from them",
  (text) => {
    const latin1 = toLatin1(text);
    expect(latin1).toBe(Buffer.from(text, "utf8").toString("latin1"));
    expect(fromLatin1(latin1)).toBe(text);
  },
);

test("half of a pair is what UTF-8 has for it", () => {
  expect(toLatin1("\ud800")).toBe("\u00ef\u00bf\u00bd");
});

test("bytes that are not UTF-8 are U+FFFD, as everywhere", () => {
  const { bytes: some } = random(11);
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(some(12));
    // A byte order mark is the only thing that is left out.
    const expected = bytes.toString("utf8").replace(/^\uFEFF/, "");
    expect(fromLatin1(bytes.toString("latin1"))).toBe(expected);
  }
});
