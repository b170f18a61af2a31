import { describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import { variables, type VariableKey } from "../../../src/config/variables.ts";
import { isReserved, roleNamed, roles, texts } from "../../../src/roles/roles.ts";

test("every word of nfs-init's own has one meaning, and is none of COMMAND's", () => {
  const words = [...roles.map(({ name }) => name), ...texts];
  expect(new Set(words).size).toBe(words.length);
  expect(words.every(isReserved)).toBe(true);
  for (const word of ["", "sh", "Run", "constructor", "--"]) expect(isReserved(word)).toBe(false);
});

test("the roles are those that are promised, and what they take", () => {
  const promised = [
    "run",
    "wait",
    "mount",
    "unmount",
    "sidecar",
    "serve",
    "plugin",
    "doctor",
    "fstab",
    "check",
    "status",
  ];
  expect(roles.map(({ name }) => name)).toEqual(promised);
  expect(roles.filter(({ command }) => command !== "none").map(({ name }) => name)).toEqual(["run", "serve"]);
  expect(roles.filter(({ publishes }) => publishes).map(({ name }) => name)).toEqual([
    "run",
    "sidecar",
    "serve",
    "plugin",
  ]);
});

describe.each(roles)("a default of $name", ({ defaults }) => {
  test("is a value of its variable, and another one than the variable's own", () => {
    for (const [key, text] of Object.entries(defaults)) {
      const { format, default: initial } = variables[key as VariableKey];
      expect(format.parse(text)).toBeDefined();
      expect(text).not.toBe(initial);
    }
  });
});

describe("what is not set", () => {
  test.each([
    ["run", { fstab: "/etc/fstab", watch: "exit", guard: true }],
    ["unmount", { fstab: "/etc/fstab" }],
    ["mount", { fstab: "none", guard: false }],
    ["sidecar", { fstab: "/etc/fstab", watch: "remount", guard: true }],
  ])("is for %s what is promised for it: %j", (name, settings) => {
    const result = readConfig({}, undefined, { defaults: roleNamed(name)?.defaults ?? {} });
    expect(result).toMatchObject({ kind: "config", config: { settings } });
  });
});
