import { describe, expect, test } from "vitest";
import { withBlock } from "../../../src/shares/fstab.ts";
import { planFinishing, planRewriting, recoverText, type RewriteStep } from "../../../src/shares/rewrite.ts";
import { random } from "../fakes/random.ts";

const line = "nas:/data /mnt/data nfs hard,nolock 0 0";
const long = Array.from({ length: 40 }, (_, index) => `nas:/${index} /mnt/${index} nfs hard 0 0`);

/** A file after a step of which only the first `most` bytes were written. */
function apply(file: string, step: RewriteStep, most = Number.POSITIVE_INFINITY): string {
  switch (step.kind) {
    case "sync":
      return file;
    case "truncate":
      return file.slice(0, step.length);
    case "write": {
      const written = step.latin1.slice(0, most);
      return file.slice(0, step.at).padEnd(step.at, "\0") + written + file.slice(step.at + written.length);
    }
  }
}

/** Every file that a kill can leave behind: after each byte of each step. */
function* killed(before: string, after: string, plan = planRewriting(before, after)): Generator<string> {
  const { prepare, replace } = plan;
  let file = before;
  for (const step of [...prepare, ...replace]) {
    const bytes = step.kind === "write" ? step.latin1.length : 0;
    for (let most = 0; most < bytes; most++) yield apply(file, step, most);
    file = apply(file, step);
    yield file;
  }
}

const texts: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["a file without our block", "/dev/sda1 / ext4 rw 0 1\n"],
  ["a file without a newline at its end", "/dev/sda1 / ext4 rw 0 1"],
  ["a file with a NUL and bytes that are not UTF-8", "# \xff\xfe\0\x80 last line"],
  ["an old block between foreign lines", `a\n${withBlock("", ["old:/x /x nfs hard 0 0"])}b\n`],
  ["an old block that is longer", `a\n${withBlock("", long)}b\n`],
];

describe("a file that is rewritten in place", () => {
  test.each(texts)("has the old text or the new one, wherever it was cut short: %s", (_, before) => {
    for (const lines of [[line], [], long]) {
      const after = withBlock(before, lines);
      const found = new Set([...killed(before, after)].map(recoverText));
      expect([...found].filter((text) => text !== before && text !== after)).toEqual([]);
      const { prepare, replace } = planRewriting(before, after);
      expect([...prepare, ...replace].reduce((file, step) => apply(file, step), before)).toBe(after);
    }
  });

  test("gives the block of the next run its place, wherever it was cut short", () => {
    const before = `# mine\n${withBlock("", ["old:/x /x nfs hard 0 0"])}# also mine\n`;
    const expected = withBlock(before, [line]);
    for (const file of killed(before, withBlock(before, long))) {
      expect(withBlock(recoverText(file), [line])).toBe(expected);
    }
  });

  test("is finished, and has the same text wherever that is cut short", () => {
    const before = `# mine\n${withBlock("", ["old:/x /x nfs hard 0 0"])}# also mine`;
    for (const left of killed(before, withBlock(before, long.slice(0, 3)))) {
      const text = recoverText(left);
      for (const since of ["", "# by another\n"]) {
        const found = since === "" || text === left || left.endsWith("\n") ? left + since : left;
        const finishing = planFinishing(found);
        const states = [...killed(found, "", finishing)];
        expect([...new Set(states.map(recoverText))].filter((one) => one !== recoverText(found))).toEqual([]);
        expect(states.at(-1) ?? found).toBe(recoverText(found));
      }
    }
  });

  test("keeps what others have added behind an unfinished one", () => {
    const files = [...killed("a\n", "b\n")];
    const { prepare } = planRewriting("a\n", "b\n");
    const recorded = prepare.reduce((file, step) => apply(file, step), "a\n");
    expect(files).toContain(recorded);
    expect(recoverText(`${recorded}c\n`)).toBe("b\nc\n");
  });

  test("is what somebody has made of it since, without the words of an unfinished one", () => {
    const { prepare } = planRewriting("a\n", "b\n");
    const recorded = prepare.reduce((file, step) => apply(file, step), "a\n");
    expect(recoverText(`more\n${recorded}c\n`)).toBe("more\na\nc\n");
  });

  test("is anybody's text otherwise", () => {
    const { text } = random(11);
    const alphabet = ["\0", "\n", "#", " ", "# nfs-init rewrites this file: ", "a", "1", "\xff"];
    for (let count = 0; count < 3_000; count++) {
      // What ends in a letter is no text that was cut short.
      const found = `${text(alphabet, 12)}x\n`;
      expect(recoverText(found)).toBe(found);
    }
  });
});
