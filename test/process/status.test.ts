// status: a table for people and a document for programs, from the published state.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { binary, describePlaces, run, start, temporaryDirectory, type End, type Launch } from "../support/process.ts";
import { leaveState, published, readState, startPublishing } from "../support/published.ts";

function status(directory: string, args: readonly string[] = [], launch: Partial<Launch> = {}): Promise<End> {
  return run({ args: ["status", ...args], env: { NFS_STATE_DIR: join(directory, "state") }, ...launch });
}

describePlaces((place) => {
  it("shows a share that is waited for, and why", async () => {
    const directory = temporaryDirectory();
    const running = startPublishing(place, directory);
    await published(directory, ({ shares }) => shares[0]?.reason !== undefined);
    const { exitCode, stdout, stderr } = await status(directory);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(
      /^nfs-init \d+\.\d+\.\d+ run, up \d+s\n\nSHARE +MOUNT POINT .*\n127\.0\.0\.1:.*\/share +- +waiting .*\n {2}port 1 of .* refused\n$/,
    );
    running.stdin.end();
    await running.ended;
  });

  it("gives the same as JSON", async () => {
    const directory = temporaryDirectory();
    const running = startPublishing(place, directory);
    await published(directory);
    const { exitCode, stdout } = await status(directory, ["--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      role: "run",
      shares: [{ target: join(directory, "share"), state: "waiting", isReady: false, nofail: true, space: null }],
    });
    running.stdin.end();
    await running.ended;
  });
}, "mounting");

describe("status", () => {
  it.each([
    ["no state", {}, 1, /^no shares are configured/],
    ["no state of shares", { NFS_MOUNTS: "nas:/a /a" }, 1, /^no published state/],
  ])("fails with %s", async (_, env, exitCode, line) => {
    const end = await status(temporaryDirectory(), [], { env: { NFS_STATE_DIR: "/nowhere", ...env } });
    expect(end).toMatchObject({ exitCode, stdout: "" });
    expect(end.stderr).toMatch(line);
  });

  it("shows a state that is not to be believed, says so, and fails", async () => {
    const directory = temporaryDirectory();
    leaveState(directory, { staleAfterMs: 0, updatedMs: 1_000 });
    const end = await status(directory);
    expect(end).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("nas:/export") as string });
    expect(end.stderr).toMatch(/^the published state is .* old/);
  });

  it("ends with 64 for a wrong use", async () => {
    expect(await run({ args: ["status", "--ready"] })).toMatchObject({ exitCode: 64, stdout: "" });
  });

  it("--watch --json gives a document a line until it is interrupted", async () => {
    const directory = temporaryDirectory();
    leaveState(directory);
    const running = start({ args: ["status", "--watch", "--json"], env: { NFS_STATE_DIR: join(directory, "state") } });
    await eventually("two lines", () => running.stdout().split("\n").length > 2);
    running.child.kill("SIGINT");
    expect((await running.ended).exitCode).toBe(130);
    for (const line of running.stdout().trim().split("\n"))
      expect(JSON.parse(line)).toMatchObject({ schemaVersion: 1 });
  });

  it("--watch ends when nobody reads on", async () => {
    const directory = temporaryDirectory();
    const stateDir = leaveState(directory);
    const command = `"${binary}" status --watch --state-dir "${stateDir}" | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout } = await promisify(execFile)("bash", ["-c", command]);
    expect(stdout).toMatch(/^nfs-init .*\n(?:0|141)\n$/);
  });

  it.each([
    { title: "has no colours off a terminal", terminal: false, env: {}, isColoured: false },
    { title: "has colours on a terminal", terminal: true, env: {}, isColoured: true },
    { title: "has none with NO_COLOR", terminal: true, env: { NO_COLOR: "1" }, isColoured: false },
    { title: "has none on a dumb terminal", terminal: true, env: { TERM: "dumb" }, isColoured: false },
    { title: "has them with an empty NO_COLOR", terminal: true, env: { NO_COLOR: "" }, isColoured: true },
  ])("$title", async ({ terminal, env, isColoured }) => {
    const stateDir = leaveState(temporaryDirectory());
    const args = ["status", "--state-dir", stateDir];
    const environment = { TERM: "xterm", ...env };
    const { stdout, exitCode } = terminal
      ? await run({
          program: "/usr/bin/script",
          args: ["--quiet", "--return", "--command", [binary, ...args].join(" "), "/dev/null"],
          env: { SHELL: "/bin/sh", ...environment },
        })
      : await run({ args, env: environment });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("healthy");
    expect(stdout.includes("\u001b[32m")).toBe(isColoured);
  });

  it("touches nothing", async () => {
    const directory = temporaryDirectory();
    leaveState(directory);
    const before = readState(directory);
    await status(directory);
    expect(readState(directory)).toEqual(before);
  });
});
