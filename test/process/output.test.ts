// What a role prints: a text that could not be written whole is no success.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { binary, temporaryDirectory } from "../support/process.ts";
import { leaveState } from "../support/published.ts";

/** Runs a role with stdout as `redirection` has it; its exit code and stderr. */
async function runTo(redirection: string, words: string, before = "") {
  const stateDir = leaveState(temporaryDirectory());
  const env = {
    PATH: process.env["PATH"] ?? "",
    NFS_HOST: "nas",
    NFS_MOUNT_POINT: "/mnt/data",
    NFS_STATE_DIR: stateDir,
  };
  const command = `${before} "${binary}" ${words} ${redirection}; echo "code \${PIPESTATUS[0]}" >&2`;
  const { stderr } = await promisify(execFile)("bash", ["-c", command], { env });
  const said = /code (\d+)\n$/.exec(stderr)?.[1];
  return { exitCode: Number(said), stderr };
}

const roles = ["fstab", "--help", "--version", "check --help", "status --json"];

describe("stdout", () => {
  it.each(roles)("that is full fails %s with what failed", async (words) => {
    const { exitCode, stderr } = await runTo(">/dev/full", words);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("cannot write to stdout: ENOSPC");
  });

  it.each(roles.slice(0, 4))("that nobody reads fails %s with what failed", async (words) => {
    // The reader is gone before the role has been started.
    const { exitCode, stderr } = await runTo(">&3", words, "exec 3> >(exec true); wait $!;");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("cannot write to stdout: EPIPE");
  });

  it("that is full leaves the answer of check as it is", async () => {
    expect((await runTo(">/dev/full", "check")).exitCode).toBe(0);
  });
});
