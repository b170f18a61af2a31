// The arguments of check and status.
import { describe, expect, test } from "vitest";
import { AppError, exitCodes } from "../../../src/errors.ts";
import { reportRoles } from "../../../src/command-line/invocation.ts";
import { readReportArguments, reportUsages, type ReportRole } from "../../../src/report/arguments.ts";

test("are known of every role that reports", () => {
  expect(Object.keys(reportUsages)).toEqual(reportRoles);
});

test.each<[ReportRole, readonly string[], readonly string[], string | undefined]>([
  ["check", [], [], undefined],
  ["check", ["--ready"], ["--ready"], undefined],
  ["check", ["--since-start", "--ready", "--ready"], ["--since-start", "--ready"], undefined],
  ["check", ["--state-dir", "/state"], [], "/state"],
  ["status", ["--json", "--state-dir=/state", "--watch"], ["--json", "--watch"], "/state"],
])("of %s are read: %j", (role, args, switches, stateDir) => {
  expect(readReportArguments(role, args)).toEqual({ switches: new Set(switches), stateDir });
});

describe("that are no use", () => {
  test.each<[ReportRole, readonly string[], string]>([
    ["check", ["--json"], '"--json"'],
    ["check", ["-r"], '"-r"'],
    ["check", ["--"], '"--"'],
    ["check", ["toString"], '"toString"'],
    ["status", ["--ready"], '"--ready"'],
    ["status", ["--watch", "exit"], '"exit"'],
    ["check", ["--state-dir"], "needs a directory"],
    ["status", ["--state-dir="], "needs a directory"],
  ])("of %s are refused: %j", (role, args, says) => {
    expect.assertions(3);
    try {
      readReportArguments(role, args);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      expect(error.exitCode).toBe(exitCodes.usage);
      expect(error.message).toContain(says);
      expect(error.hint).toContain(`nfs-init ${role} `);
    }
  });
});

test.each(reportRoles)("--help of %s names every switch", (role) => {
  const text = readReportArguments(role, ["--help"]);
  for (const name of ["--state-dir", ...Object.keys(reportUsages[role].switches)]) expect(text).toContain(name);
  expect(readReportArguments(role, ["-h"])).toBe(text);
});
