import { describe, expect, test } from "vitest";
import { parseCommandLine } from "../../../src/command-line/parser.ts";
import { laterRoles, readPlainInvocation, roles } from "../../../src/command-line/invocation.ts";

describe("a plain invocation", () => {
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
    expect(readPlainInvocation(args)).toMatchObject({ kind: "role", role: "run", command });
  });

  test.each([...roles, ...laterRoles, "help", "version"])("is none where %s is asked for", (name) => {
    expect(readPlainInvocation([name, "x"].slice(0, name === "run" ? 1 : 2))).toBeUndefined();
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
    expect(readPlainInvocation(args)).toBeUndefined();
  });

  test.each([
    [["--", "sh", "-c", "exit 3"]],
    [["run", "--", "sh"]],
    [["run", "sh", "-c", "x"]],
    [["sh", "--help"]],
    [["sh", "--", "x"]],
    [["run", "sh", "--", "x"]],
    [["--", "wait"]],
    [["--", "--", "x"]],
    [["run", "--", "--", "x"]],
    [["run", "fstab"]],
    [["--", "--host", "x"]],
    [["--", ""]],
  ])("is read as the whole parser reads it: %j", (args) => {
    const plain = readPlainInvocation(args);
    expect(plain).toBeDefined();
    expect(parseCommandLine(args, "1.0.0")).toEqual(plain);
  });
});
