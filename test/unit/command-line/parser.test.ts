import { describe, expect, test } from "vitest";
import { helpText, variablesOf } from "../../../src/command-line/options.ts";
import { parseCommandLine } from "../../../src/command-line/parser.ts";
import { flagName, variableRows } from "../../../src/config/variables.ts";
import { AppError } from "../../../src/errors.ts";
import { roleNamed, roles, type Invocation } from "../../../src/roles/roles.ts";

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
    expect(parse(...args)).toMatchObject({ role: { name: "run" }, command });
  });

  test.each([[[]], [["--"]], [["run"]], [["run", "--"]], [["--host", "nas"]]])("is missing in %j", (args) => {
    const { exitCode, message, hint } = errorOf(...args);
    expect(exitCode).toBe(64);
    expect(message).toContain("no COMMAND");
    expect(hint).toContain("nfs-init -- COMMAND");
  });

  test("is not for fstab", () => {
    expect(errorOf("fstab", "sh")).toMatchObject({ exitCode: 64, message: expect.stringContaining('"sh"') as string });
    expect(parse("fstab")).toMatchObject({ role: { name: "fstab" }, command: [] });
  });
});

const otherRoles: Readonly<Record<string, string>> = {
  Exports: "serve",
  "The server": "serve",
  "Docker volumes": "plugin",
};
const otherRows = variableRows
  .map((row) => ({ ...row, role: otherRoles[row.group] ?? "run" }))
  .filter(({ role }) => role !== "run");
const runRows = variableRows.filter(({ group }) => otherRoles[group] === undefined);

describe("a flag", () => {
  test.each(otherRows)("of $name gives its value to $role, and is not one of run", ({ role, ...variable }) => {
    const flag = `--${flagName(variable)}`;
    expect(parse(role, flag, "some value").flags.values).toEqual(new Map([[variable.key, "some value"]]));
    expect(errorOf(flag, "x", "--", "sh")).toMatchObject({ exitCode: 64 });
  });

  test.each(runRows.filter(({ key }) => key !== "mounts"))("of $name gives its value", (variable) => {
    const flag = `--${flagName(variable)}`;
    expect(parse(flag, "some value", "--", "sh").flags.values).toEqual(new Map([[variable.key, "some value"]]));
    expect(parse(`${flag}=x`, "--", "sh").flags.values.get(variable.key)).toBe("x");
    expect(parse("fstab", flag, "x").flags.values.get(variable.key)).toBe("x");
  });

  test("of NFS_VERSION is --nfs-version", () => {
    expect(parse("--nfs-version", "4.1", "sh").flags.values.get("version")).toBe("4.1");
  });

  test.each(runRows.filter(({ format }) => format.accepts.startsWith("on ")))(
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

describe("a switch of a role", () => {
  test.each([
    ["check", [], []],
    ["check", ["--ready"], ["ready"]],
    ["check", ["--since-start", "--ready", "--ready"], ["since-start", "ready"]],
    ["status", ["--json", "--state-dir=/state", "--watch"], ["json", "watch"]],
    ["doctor", ["--host", "nas", "--json"], ["json"]],
    ["fstab", ["--host", "nas"], []],
  ])("%s %j is read", (name, args, switches) => {
    expect(parse(name, ...args)).toMatchObject({ role: { name }, switches: new Set(switches) });
  });

  test("stands beside the options of the role", () => {
    expect(parse("check", "--state-dir", "/state").flags.values).toEqual(new Map([["stateDir", "/state"]]));
    expect(parse("status", "--state-dir=/state").flags.values).toEqual(new Map([["stateDir", "/state"]]));
  });

  test.each([
    ["check", ["--json"], "'--json'"],
    ["check", ["-r"], "'-r'"],
    ["check", ["toString"], '"toString"'],
    ["check", ["--toString"], "'--toString'"],
    ["check", ["--host", "nas"], "'--host'"],
    ["status", ["--ready"], "'--ready'"],
    ["status", ["--watch", "exit"], '"exit"'],
    ["check", ["--state-dir"], "--state-dir"],
    ["fstab", ["--json"], "'--json'"],
    ["run", ["--json", "sh"], "'--json'"],
  ])("is no use of another: %s %j", (name, args, says) => {
    const { exitCode, message, hint } = errorOf(name, ...args);
    expect(exitCode).toBe(64);
    expect(message).toContain(says);
    expect(hint).toBe(`see nfs-init ${name} --help`);
  });

  test("is called as no option of the role is", () => {
    for (const role of roles) {
      const options = variablesOf(role).map(flagName);
      expect(options.filter((name) => Object.hasOwn(role.switches, name))).toEqual([]);
    }
  });
});

describe("--help", () => {
  test.each([[["--help"]], [["-h"]], [["help"]], [["run", "--help"]], [["help", "run"]], [["help", "nothing"]]])(
    "is printed by %j",
    (args) => {
      expect(parseCommandLine(args, "1.2.3")).toEqual({ kind: "text", text: helpText() });
    },
  );

  test("names every flag of run and its variable, and every role", () => {
    const text = helpText();
    for (const variable of runRows) {
      expect(text).toContain(variable.key === "mounts" ? "--mount <line>" : `--${flagName(variable)} `);
      expect(text.replaceAll(/\s+/g, " ")).toContain(`[${variable.name}]`);
    }
    for (const { name, summary } of roles) {
      const line = text.split("\n").find((one) => one.startsWith(`  ${name} `));
      expect(line?.slice(2 + name.length).trim()).toBe(summary);
    }
  });

  test.each(roles)("of $name names what it takes, whichever way it is asked for", (role) => {
    const { name } = role;
    const text = helpText(role);
    for (const args of [
      [name, "--help"],
      [name, "-h"],
      ["help", name],
    ]) {
      expect(parseCommandLine(args, "1.2.3")).toEqual({ kind: "text", text });
    }
    for (const flag of [...Object.keys(role.switches), ...variablesOf(role).map(flagName)]) {
      expect(text).toContain(flag === "mounts" ? "--mount " : `--${flag}`);
    }
  });

  test("of those that read a state has nothing of shares", () => {
    for (const name of ["check", "status"]) {
      const text = helpText(roleNamed(name));
      expect(text).toContain(`Usage: nfs-init ${name} [--`);
      expect(text).not.toContain("NFS_HOST");
    }
  });
});

test.each([[["--version"]], [["version"]], [["run", "--version"]]])("%j prints the version", (args) => {
  expect(parseCommandLine(args, "1.2.3")).toEqual({ kind: "text", text: "1.2.3\n" });
});
