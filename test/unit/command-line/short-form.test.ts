import { describe, expect, test } from "vitest";
import { parseCommandLine } from "../../../src/command-line/parser.ts";
import { readShortForm } from "../../../src/command-line/short-form.ts";
import { AppError } from "../../../src/errors.ts";
import { roles, texts, type Role } from "../../../src/roles/roles.ts";

describe("the short form of run", () => {
  test.each([
    [
      ["--", "sh", "-c", "exit 3"],
      ["sh", "-c", "exit 3"],
    ],
    [["run", "--", "sh"], ["sh"]],
    [
      ["run", "sh", "-c", "x"],
      ["sh", "-c", "x"],
    ],
    [["sh"], ["sh"]],
    [
      ["nginx", "-g", "daemon off;"],
      ["nginx", "-g", "daemon off;"],
    ],
    [
      ["/docker-entrypoint.sh", "--", "x"],
      ["/docker-entrypoint.sh", "--", "x"],
    ],
    [["--", "wait"], ["wait"]],
    [["--", "--help"], ["--help"]],
    [
      ["--", "--", "x"],
      ["--", "x"],
    ],
    [["run", "--", "fstab"], ["fstab"]],
    [["run", "wait"], ["wait"]],
    [["--", ""], [""]],
  ])("%j runs %j", (args, command) => {
    expect(readShortForm(args)).toMatchObject({ kind: "role", role: { name: "run" }, command });
  });

  test.each(texts)("is none where %s is asked for", (name) => {
    expect(readShortForm([name, "x"])).toBeUndefined();
  });

  test.each([
    [[]],
    [["--"]],
    [["run"]],
    [["run", "--"]],
    [["--help"]],
    [["--host", "nas", "--", "sh"]],
    [["run", "--host", "nas"]],
  ])("is none of %j", (args) => {
    expect(readShortForm(args)).toBeUndefined();
  });
});

describe("the short form of a role without COMMAND", () => {
  test.each<[readonly string[], readonly string[]]>([
    [["wait"], []],
    [["check"], []],
    [["check", "--ready"], ["ready"]],
    [
      ["check", "--since-start", "--ready"],
      ["since-start", "ready"],
    ],
    [
      ["status", "--json", "--watch"],
      ["json", "watch"],
    ],
    [["doctor", "--json"], ["json"]],
  ])("%j is read", (args, switches) => {
    const role = roles.find(({ name }) => name === args[0]);
    expect(readShortForm(args)).toMatchObject({ role, switches: new Set(switches), command: [] });
  });

  test.each([[["check", "--state-dir", "/state"]], [["check", "--help"]], [["wait", "sh"]], [["status", "--ready"]]])(
    "is none of %j",
    (args) => {
      expect(readShortForm(args)).toBeUndefined();
    },
  );
});

/** Every list of up to `most` of these words. */
function listsOf(words: readonly string[], most: number): readonly (readonly string[])[] {
  const shorter = most === 1 ? [[]] : listsOf(words, most - 1);
  const longest = shorter.filter((list) => list.length === most - 1);
  return [...shorter, ...longest.flatMap((list) => words.map((word) => [...list, word]))];
}

describe.each(roles)("whatever is written for $name", ({ name, switches }: Role) => {
  const own = Object.keys(switches).map((one) => `--${one}`);
  const words = ["--", "-", "-x", "--json", "--host", "--host=nas", "--help", "sh", "", name, "help", "serve", ...own];
  const lists = listsOf([...new Set(words)], 3);

  /** As the parser reads it, or undefined where that refuses it or has a text to print. */
  const parsed = (args: readonly string[]) => {
    try {
      const line = parseCommandLine(args, "1.0.0");
      return line.kind === "text" ? undefined : line;
    } catch (error) {
      if (error instanceof AppError) return undefined;
      throw error;
    }
  };

  test("the short form reads it as the parser does, or leaves it to the parser", () => {
    const read = lists
      .flatMap((list) => [list, [name, ...list]])
      .map((args) => ({ args, short: readShortForm(args) }))
      .filter(({ short }) => short !== undefined);
    expect(read.length).toBeGreaterThan(0);
    for (const { args, short } of read) expect({ args, line: parsed(args) }).toEqual({ args, line: short });
  });
});
