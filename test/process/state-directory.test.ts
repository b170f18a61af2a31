// The state directory: locks that nobody else can hold, and notes that are believed only where root alone can have left them.
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { logLines } from "../support/process-log.ts";
import { describePlaces, run, start, temporaryDirectory, unreachableShare } from "../support/process.ts";

/** Modes of the files that an instance has left or holds in the state directory, by what they are for. */
function locksIn(directory: string): readonly (readonly [string, number])[] {
  return ["targets", "fstab", "."].flatMap((below) =>
    readdirSync(join(directory, "state", below))
      .filter((name) => name.endsWith(".lock"))
      .map((name) => [below, statSync(join(directory, "state", below, name)).mode & 0o7777] as const),
  );
}

describePlaces((place) => {
  it.each(["000", "022", "077"])("has locks that only root can open, with the umask %s", async (umask) => {
    const directory = temporaryDirectory();
    const env = unreachableShare(directory);
    const running = start({ args: ["--", "true"], place, env, ownMounts: true, prelude: `umask ${umask}` });
    await eventually("it waits", () => running.stderr().includes("waiting for the server"));
    await eventually("all locks", () => locksIn(directory).length === 3);
    expect(locksIn(directory)).toEqual([
      ["targets", 0o600],
      ["fstab", 0o600],
      [".", 0o600],
    ]);
    await running.send("SIGTERM");
    await running.ended;
  });

  it("takes an older lock from those who could open it", async () => {
    const directory = temporaryDirectory();
    const env = unreachableShare(directory);
    const { NFS_MOUNT_POINT: target = "" } = env;
    const lock = join(directory, "state", "targets", `${target.replaceAll("/", "+")}.lock`);
    mkdirSync(join(directory, "state", "targets"), { recursive: true });
    for (const path of [directory, join(directory, "state"), join(directory, "state", "targets")])
      chmodSync(path, 0o755);
    writeFileSync(lock, "");
    chmodSync(lock, 0o644);
    const running = start({ args: ["--", "true"], place, env, ownMounts: true });
    await eventually("it waits", () => running.stderr().includes("waiting for the server"));
    expect(statSync(lock).mode & 0o7777).toBe(0o600);
    await running.send("SIGTERM");
    await running.ended;
    // What runs as somebody else afterwards, a leftover of COMMAND say, cannot hold it.
    const holder = spawn("setpriv", ["--reuid=1000", "--regid=1000", "--clear-groups", "flock", lock, "sleep", "60"]);
    onTestFinished(() => {
      holder.kill("SIGKILL");
    });
    const exitCode = await new Promise((resolve) => holder.once("exit", resolve));
    expect(exitCode).not.toBe(0);
  });

  it.each<{ title: string; plant: (stateDir: string) => void }>([
    {
      title: "in a directory of somebody else",
      plant: (stateDir) => chownSync(stateDir, 1234, 1234),
    },
    {
      title: "in a directory that others can write to",
      plant: (stateDir) => chmodSync(join(stateDir, "targets"), 0o777),
    },
    {
      title: "that is a link to a device which never ends",
      plant: (stateDir) => symlinkSync("/dev/zero", join(stateDir, "targets", "x.note")),
    },
    {
      title: "that is a pipe",
      plant: (stateDir) => execFileSync("mkfifo", ["-m", "644", join(stateDir, "targets", "x.note")]),
    },
    {
      title: "that is longer than any",
      plant: (stateDir) => execFileSync("truncate", ["-s", "600M", join(stateDir, "targets", "x.note")]),
    },
    {
      title: "that others can write to",
      plant: (stateDir) => {
        writeFileSync(join(stateDir, "targets", "x.note"), "{}");
        chmodSync(join(stateDir, "targets", "x.note"), 0o666);
      },
    },
    {
      title: "of somebody else",
      plant: (stateDir) => {
        writeFileSync(join(stateDir, "targets", "x.note"), "{}");
        chownSync(join(stateDir, "targets", "x.note"), 1234, 1234);
      },
    },
  ])("does not believe a note $title, and says so", async ({ plant }) => {
    const directory = temporaryDirectory();
    const env = unreachableShare(directory);
    const stateDir = env["NFS_STATE_DIR"] ?? "";
    mkdirSync(join(stateDir, "targets"), { recursive: true });
    for (const path of [stateDir, join(stateDir, "targets")]) chmodSync(path, 0o755);
    plant(stateDir);
    const { exitCode, stderr } = await run({ args: ["unmount"], place, env, ownMounts: true });
    expect(exitCode).toBe(0);
    expect(logLines(stderr)).toMatchObject([{ level: "warn", msg: "what earlier instances noted is not believed" }]);
  });
}, "mounting");
