import { describe, expect, test } from "vitest";
import { helpText, parseCommandLine } from "../../../src/command-line/parser.ts";
import { flagName, variableRows } from "../../../src/config/variables.ts";
import { AppError } from "../../../src/errors.ts";
import { laterRoles, type Invocation } from "../../../src/command-line/invocation.ts";

function parse(...args: readonly string[]): Invocation {
  const parsed = parseCommandLine(args, "1.2.3");
  if (parsed.kind === "text") throw new Error(parsed.text);
  return parsed;
}

/** The error of a command line that is no use of nfs-init. */
function errorOf(...args: readonly string[]): AppError {
  try {
    parseCommandLine(args, "1.2.3");
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("was understood");
}

describe("COMMAND", () => {
  test.each([
    [
      ["--host", "nas", "--", "sh", "-c", "x"],
      ["sh", "-c", "x"],
    ],
    [["run", "--host", "nas", "--", "sh"], ["sh"]],
    [
      ["--host", "nas", "sh", "-c", "x"],
      ["sh", "-c", "x"],
    ],
    [
      ["--host=nas", "sh", "--host", "other"],
      ["sh", "--host", "other"],
    ],
    [
      ["--host", "nas", "sh", "--", "x"],
      ["sh", "--", "x"],
    ],
    [
      ["--host", "nas", "--", "--", "x"],
      ["--", "x"],
    ],
    [["--host", "nas", "--", "--help"], ["--help"]],
    [["--host", "nas", "--", "wait"], ["wait"]],
  ])("of %j is %j", (args, command) => {
    expect(parse(...args)).toMatchObject({ role: "run", command });
  });

  test.each([[[]], [["--"]], [["run"]], [["run", "--"]], [["--host", "nas"]]])("is missing in %j", (args) => {
    const { exitCode, message, hint } = errorOf(...args);
    expect(exitCode).toBe(64);
    expect(message).toContain("no COMMAND");
    expect(hint).toContain("nfs-init -- COMMAND");
  });

  test("is not for fstab", () => {
    expect(errorOf("fstab", "sh")).toMatchObject({ exitCode: 64, message: expect.stringContaining('"sh"') as string });
    expect(parse("fstab")).toMatchObject({ role: "fstab", command: [] });
  });
});

describe("a flag", () => {
  test.each(variableRows.filter(({ key }) => key !== "mounts"))("of $name gives its value", (variable) => {
    const flag = `--${flagName(variable)}`;
    expect(parse(flag, "some value", "--", "sh").flags.values).toEqual(new Map([[variable.key, "some value"]]));
    expect(parse(`${flag}=x`, "--", "sh").flags.values.get(variable.key)).toBe("x");
    expect(parse("fstab", flag, "x").flags.values.get(variable.key)).toBe("x");
  });

  test("of NFS_VERSION is --nfs-version", () => {
    expect(parse("--nfs-version", "4.1", "sh").flags.values.get("version")).toBe("4.1");
  });

  test.each(variableRows.filter(({ format }) => format.accepts.startsWith("on ")))(
    "of $name means on where it stands alone",
    (variable) => {
      const { flags, command } = parse(`--${flagName(variable)}`, "--", "sh");
      expect(flags.values.get(variable.key)).toBe("on");
      expect(command).toEqual(["sh"]);
    },
  );

  test("that is given twice counts the last time", () => {
    expect(parse("--host", "one", "--host", "two", "sh").flags.values.get("host")).toBe("two");
  });

  test("may be empty", () => {
    expect(parse("--host", "", "sh").flags.values.get("host")).toBe("");
  });

  test("of a further share may be repeated, in order", () => {
    const { flags } = parse("--mount", "nas:/b /b", "--mount=nas:/a /a nfs4", "--", "sh");
    expect(flags.mounts).toEqual(["nas:/b /b", "nas:/a /a nfs4"]);
    expect(parse("--host", "nas", "sh").flags.mounts).toEqual([]);
  });

  test("of a numbered share there is none", () => {
    expect(errorOf("--2-host", "nas", "--", "sh").exitCode).toBe(64);
  });

  test.each([[["--bogus", "--", "sh"]], [["--hosts", "nas", "sh"]], [["-x", "sh"]], [["fstab", "--bogus"]]])(
    "that is not known is no use: %j",
    (args) => {
      const { exitCode, message, hint } = errorOf(...args);
      expect(exitCode).toBe(64);
      expect(message).toMatch(/^unknown option '-/);
      expect(hint).toContain("--help");
    },
  );

  test("that is misspelt is named with the one that is meant, on one line", () => {
    expect(errorOf("--hots", "nas", "--", "sh").message).toBe("unknown option '--hots' (did you mean --host?)");
  });

  test("without its value is no use", () => {
    expect(errorOf("--host")).toMatchObject({ exitCode: 64, message: expect.stringContaining("--host") as string });
  });
});

describe("a name that is kept for later", () => {
  test.each(laterRoles)("%s is refused plainly, with the way to run a program of that name", (name) => {
    const { exitCode, message, hint } = errorOf(name);
    expect(exitCode).toBe(64);
    expect(message).toContain(`nfs-init ${name} is not supported`);
    expect(hint).toContain(`nfs-init -- ${name}`);
  });

  test("is absent from --help", () => {
    const commands = helpText().split("Options:")[0] ?? "";
    for (const name of laterRoles) expect(commands).not.toMatch(new RegExp(`^ +${name} `, "m"));
  });
});

describe("--help", () => {
  test.each([[["--help"]], [["-h"]], [["help"]], [["run", "--help"]], [["fstab", "--help"]]])(
    "is printed by %j",
    (args) => {
      expect(parseCommandLine(args, "1.2.3")).toEqual({
        kind: "text",
        text: expect.stringContaining("--mount-point") as string,
      });
    },
  );

  test("names every flag and its variable, and both roles", () => {
    const text = helpText();
    for (const variable of variableRows) {
      expect(text).toContain(variable.key === "mounts" ? "--mount <line>" : `--${flagName(variable)} `);
      expect(text.replaceAll(/\s+/g, " ")).toContain(`[${variable.name}]`);
    }
    expect(text).toMatch(/^ +run /m);
    expect(text).toMatch(/^ +fstab /m);
  });
});

test.each([[["--version"]], [["version"]], [["run", "--version"]]])("%j prints the version", (args) => {
  expect(parseCommandLine(args, "1.2.3")).toEqual({ kind: "text", text: "1.2.3\n" });
});
