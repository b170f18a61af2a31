import { describe, expect, test } from "vitest";
import {
  blockLines,
  foreignText,
  formatFstabLine,
  mergeLines,
  parseFstab,
  withBlock,
  type FstabEntry,
} from "../../../src/shares/fstab.ts";
import fixture from "../../fixtures/fstab.json" with { type: "json" };
import { random } from "../fakes/random.ts";

interface Case {
  readonly name: string;
  readonly text: string;
  /** Absent where the reference parsers differ. */
  readonly expected?: readonly FstabEntry[];
}
const cases = fixture.cases as readonly Case[];

describe("the text of an fstab", () => {
  test.each(cases.filter(({ expected }) => expected !== undefined))(
    "is read as others read it: $name",
    ({ text, expected }) => {
      expect(parseFstab(text)).toEqual(expected);
    },
  );

  test.each(cases.filter(({ expected }) => expected === undefined))("is read somehow: $name", ({ text }) => {
    expect(() => parseFstab(text)).not.toThrow();
  });
});

describe("a line", () => {
  test("is written with every field escaped", () => {
    const entry = { source: "nas:/my share", target: "/mnt/a\tb", fstype: "nfs", options: "hard", freq: 0, passno: 0 };
    expect(formatFstabLine(entry)).toBe(String.raw`nas:/my\040share /mnt/a\011b nfs hard 0 0`);
  });

  test("that is written is read as the same entry", () => {
    const { text, below } = random(7);
    const alphabet = ["\\", " ", "\t", "\n", "#", "0", "4", "1", "/", "a", "é", "語"];
    // A column must not be empty, and the first may begin with anything but the blanks around it.
    const column = () => `x${text(alphabet, 10)}`;
    for (let count = 0; count < 3_000; count++) {
      const entry: FstabEntry = {
        source: text(alphabet, 6) || "#",
        target: column(),
        fstype: "nfs",
        options: column(),
        freq: below(10),
        passno: below(10),
      };
      expect(parseFstab(`${formatFstabLine(entry)}\n`)).toEqual([entry]);
    }
  });
});

const line = "nas:/data /mnt/data nfs hard,nolock 0 0";
const block = `# nfs-init begin\n${line}\n# nfs-init end\n`;

describe("our block", () => {
  test.each([
    ["an empty file", "", block],
    ["a file without one", "/dev/sda1 / ext4 rw 0 1\n", `/dev/sda1 / ext4 rw 0 1\n${block}`],
    ["a file without a newline at its end", "/dev/sda1 / ext4 rw 0 1", `/dev/sda1 / ext4 rw 0 1\n${block}`],
    ["a file of blank lines", "\n\n", `\n\n${block}`],
    ["a file with CRLF", "# a\r\n/dev/sda1 / ext4 rw 0 1\r\n", `# a\r\n/dev/sda1 / ext4 rw 0 1\r\n${block}`],
    ["bytes that are not UTF-8", "# caf\xe9 \xff\xfe\x80\x85\n", `# caf\xe9 \xff\xfe\x80\x85\n${block}`],
    ["a file with a NUL", "# a\0b\n", `# a\0b\n${block}`],
    ["an old block", "a\n# nfs-init begin\nold\n# nfs-init end\nb\n", `a\n${block}b\n`],
    ["an old block in the middle of CRLF", "a\r\n# nfs-init begin\nold\n# nfs-init end\nb\r\n", `a\r\n${block}b\r\n`],
    ["an old block at the end without a newline", "a\n# nfs-init begin\nold\n# nfs-init end", `a\n${block}`],
    ["an empty block", "a\n# nfs-init begin\n# nfs-init end\nb", `a\n${block}b`],
    ["nothing but an old block", "# nfs-init begin\nold\nolder\n# nfs-init end\n", block],
    [
      "two blocks",
      "a\n# nfs-init begin\n1\n# nfs-init end\nb\n# nfs-init begin\n2\n# nfs-init end\nc\n",
      `a\n${block}b\nc\n`,
    ],
    ["a begin without an end", "# nfs-init begin\nmine\n", `# nfs-init begin\nmine\n${block}`],
    ["an end without a begin", "mine\n# nfs-init end\nmore\n", `mine\n# nfs-init end\nmore\n${block}`],
    ["an end before the block", "# nfs-init end\n# nfs-init begin\nold\n# nfs-init end\n", `# nfs-init end\n${block}`],
    [
      "a begin in what looks like a block",
      "# nfs-init begin\nmine\n# nfs-init begin\nold\n# nfs-init end\n",
      `# nfs-init begin\nmine\n${block}`,
    ],
    ["a begin at the very end", "mine\n# nfs-init begin", `mine\n# nfs-init begin\n${block}`],
    [
      "a comment that only resembles a marker",
      "# nfs-init beginning\nx\n# nfs-init end\n",
      `# nfs-init beginning\nx\n# nfs-init end\n${block}`,
    ],
    [
      "a marker behind other text",
      "x # nfs-init begin\ny\n# nfs-init end\n",
      `x # nfs-init begin\ny\n# nfs-init end\n${block}`,
    ],
    [
      // An editor that was told to write CRLF must not make us add a second block.
      "an old block that an editor turned to CRLF",
      "a\r\n# nfs-init begin\r\nold\r\n# nfs-init end\r\nb\r\n",
      `a\r\n${block}b\r\n`,
    ],
  ])("goes into %s and leaves the rest as it is", (_, text, expected) => {
    const written = withBlock(text, [line]);
    expect(written).toBe(expected);
    expect(withBlock(written, [line])).toBe(written);
    expect(foreignText(written)).toBe(foreignText(expected));
  });

  test.each([
    ["of an empty file", ""],
    ["at the end", "/dev/sda1 / ext4 rw 0 1\n"],
    ["of a file with CRLF", "# a\r\n/dev/sda1 / ext4 rw 0 1\r\n"],
    ["of a file with a torn block", "# nfs-init begin\nmine\n"],
    ["of a file with bytes that are not UTF-8", "# caf\xe9\n"],
  ])("that is removed leaves the file as it was (%s)", (_, text) => {
    expect(withBlock(withBlock(text, [line]), [])).toBe(text);
    expect(withBlock(text, [])).toBe(text);
  });

  test("is replaced where it stands", () => {
    const text = `before\n${block}after`;
    expect(withBlock(text, ["one", "two"])).toBe("before\n# nfs-init begin\none\ntwo\n# nfs-init end\nafter");
    expect(withBlock(text, [])).toBe("before\nafter");
  });

  test("never takes a foreign line with it, whatever is in the file", () => {
    const { pick, below } = random(3);
    const pieces = ["# nfs-init begin\n", "# nfs-init end\n", "# nfs-init begin", "\n", "foreign\r\n", "\r", "# x\n"];
    for (let count = 0; count < 3_000; count++) {
      // What stands before the first begin and after the last end can only be foreign.
      const text = `first\n${Array.from({ length: below(8) }, () => pick(pieces)).join("")}last`;
      const written = withBlock(text, [line]);
      expect(written.startsWith("first\n")).toBe(true);
      expect(written).toContain("last");
      expect(written).toContain(block);
      expect(withBlock(written, [line])).toBe(written);
    }
  });
});

describe("the lines of our block", () => {
  test.each([
    ["none", "a\nb\n", []],
    ["one block", `a\n${block}b\n`, [line]],
    ["two blocks", `${withBlock("", ["1", "2"])}b\n${withBlock("", ["3"])}`, ["1", "2", "3"]],
    ["a block at the end without a newline", "# nfs-init begin\nx\n# nfs-init end", ["x"]],
    ["an empty block", "# nfs-init begin\n# nfs-init end\n", []],
    ["a begin without an end", "# nfs-init begin\nmine\n", []],
  ])("are found in a file with %s", (_, text, lines) => {
    expect(blockLines(text)).toEqual(lines);
  });

  const of = (name: string) => `nas:/${name} /${name} nfs hard 0 0`;
  const merge = (old: readonly string[], own: readonly string[], kept: readonly string[]) =>
    mergeLines(
      old.map(of),
      own.map(of),
      ({ target }) => own.map((name) => `/${name}`).includes(target),
      ({ target }) => kept.map((name) => `/${name}`).includes(target),
    );

  test.each([
    ["come behind those of others", "ab", "xy", "ab", "abxy"],
    ["stand where they stood", "axb", "x", "ab", "axb"],
    ["stand together in their own order", "yaxb", "xy", "ab", "xyab"],
    ["take the place of old ones that nobody keeps", "abc", "x", "b", "bx"],
    ["go, and leave those of others", "abq", "", "ab", "ab"],
  ])("%s", (_, old, own, kept, expected) => {
    const [names, ownNames, keptNames, left] = [old, own, kept, expected].map((text) => text.split(""));
    expect(merge(names ?? [], ownNames ?? [], keptNames ?? [])).toEqual(left?.map(of));
  });

  test("are left out where they are no entry", () => {
    expect(
      mergeLines(
        ["# note", "", "x"],
        [],
        () => false,
        () => true,
      ),
    ).toEqual([]);
  });
});
