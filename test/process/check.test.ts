// check: an answer from the published state alone; and the state file, which nothing that goes wrong with it may disturb.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { logLines } from "../support/process-log.ts";
import { descriptorsOf } from "../support/process-table.ts";
import {
  describePlaces,
  isSanitized,
  needRoot,
  nofailShare,
  ordinary,
  places,
  run,
  settled,
  start,
  temporaryDirectory,
  unreachableShare,
  type End,
  type Launch,
} from "../support/process.ts";
import {
  bootTimeMs,
  leaveState,
  ownPidNamespace,
  published,
  readState,
  startPublishing,
  statePath,
} from "../support/published.ts";

/** check on what is published in a test's directory. */
function check(directory: string, args: readonly string[] = [], launch: Partial<Launch> = {}): Promise<End> {
  return run({ args: ["check", "--state-dir", join(directory, "state"), ...args], ...launch });
}

describePlaces((place) => {
  it("answers for shares that are waited for: healthy, not ready", async () => {
    const directory = temporaryDirectory();
    const running = startPublishing(place, directory);
    await published(directory, ({ shares }) => shares[0]?.reason !== undefined);
    expect(await check(directory)).toEqual({ exitCode: 0, stdout: "ok: 1 share waiting\n", stderr: "" });
    const source = `127.0.0.1:${directory}/share on ${directory}/share`;
    expect(await check(directory, ["--ready"])).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: `not ready: ${source}: waiting, port 1 of 127.0.0.1: connection refused\n`,
    });
    expect(await check(directory, ["--since-start"])).toMatchObject({ exitCode: 0 });
    running.stdin.end();
    await running.ended;
    expect(readdirSync(join(directory, "state")).toSorted()).toEqual(["fstab", "state.lock", "targets"]);
    expect(await check(directory)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^ok: no shares/) as string,
    });
  });

  it("has a state from before the wait on, and goes on having it", async () => {
    const directory = temporaryDirectory();
    const running = start({
      args: ["--", "true"],
      place,
      env: { ...unreachableShare(directory), NFS_WATCH_INTERVAL: "100ms", NFS_WATCH_TIMEOUT: "100ms" },
      ownMounts: true,
    });
    const first = await published(directory);
    expect(first).toMatchObject({ schemaVersion: 1, role: "run", shares: [{ phase: "waiting" }], staleAfterMs: 400 });
    await published(directory, ({ updatedMs }) => updatedMs > first.updatedMs + 1_000);
    await running.send("SIGTERM");
    await running.ended;
    expect(existsSync(statePath(directory))).toBe(false);
  });

  it("does not believe what a killed instance left", async () => {
    const directory = temporaryDirectory();
    const running = startPublishing(place, directory);
    await running.says("started");
    const { pid, pidNamespace } = await published(directory);
    expect(pidNamespace === ownPidNamespace()).toBe(!place.isPid1);
    expect(pid).toBe(place.isPid1 ? 1 : await running.initPid());
    await running.send("SIGKILL");
    const { stderr } = await eventually("an answer of 1", async () => {
      const answer = await check(directory);
      return answer.exitCode === 1 && answer;
    });
    expect(stderr).toMatch(
      place.isPid1 ? /^the published state is \d.* old/ : /^the nfs-init that published .* is gone/,
    );
  });

  it("replaces what an earlier instance left first of all", async () => {
    const directory = temporaryDirectory();
    leaveState(directory);
    expect(await check(directory, ["--ready"])).toMatchObject({ exitCode: 0 });
    const running = startPublishing(place, directory);
    await published(directory, ({ program }) => program !== "0.0.0");
    expect(await check(directory, ["--ready"])).toMatchObject({ exitCode: 1 });
    running.stdin.end();
    await running.ended;
  });

  it("leaves COMMAND no descriptor of the state or the server", async () => {
    const directory = temporaryDirectory();
    const plain = start({ args: ["--", "cat"], place });
    const expected = [...descriptorsOf(await settled(await plain.commandPid())).keys()];
    const running = startPublishing(place, directory, { NFS_LISTEN: join(directory, "socket") });
    await running.says("started");
    await published(directory);
    await eventually("the socket", () => existsSync(join(directory, "socket")));
    expect([...descriptorsOf(await settled(await running.commandPid())).keys()]).toEqual(expected);
  });
}, "mounting");

describe("the state file", () => {
  needRoot("mounting");

  const fillings = [
    { title: "lies on a disk that is read-only", prelude: (path: string) => `mount -t tmpfs -o ro none ${path}` },
    { title: "lies on a disk that is full", prelude: (path: string) => `mount -t tmpfs -o nr_inodes=1 none ${path}` },
    { title: "is in a directory that others can write to", prelude: (path: string) => `chmod 1777 ${path}` },
    { title: "is in another user's directory", prelude: (path: string) => `chown 1234 ${path}` },
    {
      title: "is in a directory that is a symbolic link",
      prelude: (path: string) => `mv ${path} ${path}.real; ln -s ${path}.real ${path}`,
    },
    { title: "is in a directory that is a file", prelude: (path: string) => `rmdir ${path}; echo >${path}` },
    { title: "has a directory in its place", prelude: (path: string) => `mkdir ${path}/state.json` },
    { title: "has a directory in place of its lock", prelude: (path: string) => `mkdir ${path}/state.lock` },
  ];
  it.each(fillings)("that $title is one warning, and the process runs", async ({ prelude }) => {
    const directory = temporaryDirectory();
    const stateDir = join(directory, "state");
    mkdirSync(stateDir);
    const running = startPublishing(ordinary, directory, {}, `(${prelude(stateDir)}) || exit 9`);
    await running.says("started");
    const warned = () =>
      logLines(running.stderr()).filter(({ msg }) => msg.startsWith("the state cannot be published"));
    await eventually("the warning", () => warned().length > 0);
    // Several further writes are tried while this goes on being the last word.
    const sinceMs = bootTimeMs();
    await eventually("some time", () => bootTimeMs() > sinceMs + 1_500);
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
    expect(warned()).toMatchObject([{ level: "warn", path: stateDir, reason: expect.stringMatching(/./) as string }]);
  });

  it("is there once the directory can be written to again", async () => {
    const directory = temporaryDirectory();
    const stateDir = join(directory, "state");
    mkdirSync(stateDir);
    chmodSync(stateDir, 0o1777);
    const running = startPublishing(ordinary, directory);
    await eventually("the warning", () => running.stderr().includes("the state cannot be published"));
    chmodSync(stateDir, 0o755);
    await published(directory);
  });

  it.each([
    { title: "an emptyDir", mode: 0o777, becomes: 0o755 },
    { title: "an emptyDir with fsGroup", mode: 0o2777, becomes: 0o2755 },
  ])("lies in $title as the kubelet makes it, which others may no longer write to", async ({ mode, becomes }) => {
    const directory = temporaryDirectory();
    const stateDir = join(directory, "state");
    mkdirSync(stateDir);
    chmodSync(stateDir, mode);
    const running = startPublishing(ordinary, directory);
    await published(directory);
    expect(statSync(stateDir).mode & 0o7777).toBe(becomes);
    expect(await check(directory)).toMatchObject({ exitCode: 0 });
    expect(logLines(running.stderr()).filter(({ level }) => level === "warn")).toEqual([]);
  });

  it("leaves a directory that others have written to as it is", async () => {
    const directory = temporaryDirectory();
    const stateDir = join(directory, "state");
    mkdirSync(stateDir);
    writeFileSync(join(stateDir, "theirs"), "");
    chmodSync(stateDir, 0o777);
    const running = startPublishing(ordinary, directory);
    await eventually("the warning", () => running.stderr().includes("the state cannot be published"));
    expect(statSync(stateDir).mode & 0o7777).toBe(0o777);
  });

  it("can be read by everybody, whatever the umask", async () => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o755);
    startPublishing(ordinary, directory, {}, "umask 077");
    await published(directory);
    expect(statSync(join(directory, "state")).mode & 0o777).toBe(0o755);
    expect(statSync(statePath(directory)).mode & 0o777).toBe(0o644);
    const answer = await check(directory, [], {
      prelude: 'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"',
    });
    expect(answer).toMatchObject({ exitCode: 0 });
  });

  it.each([
    { title: "a file", leave: (path: string) => writeFileSync(path, "half of a st") },
    { title: "a symbolic link", leave: (path: string) => symlinkSync("../theirs", path) },
  ])("is written in place of $title that an instance which was killed while it wrote has left", async ({ leave }) => {
    const directory = temporaryDirectory();
    const theirs = join(directory, "theirs");
    writeFileSync(theirs, "as it was");
    mkdirSync(join(directory, "state"));
    leave(join(directory, "state", ".state.json.new"));
    const running = startPublishing(ordinary, directory);
    await published(directory);
    running.stdin.end();
    await running.ended;
    expect(readFileSync(theirs, "utf8")).toBe("as it was");
    expect(readdirSync(join(directory, "state")).toSorted()).toEqual(["fstab", "state.lock", "targets"]);
  });

  it("is that of the first of two instances", async () => {
    const directory = temporaryDirectory();
    const first = startPublishing(ordinary, directory);
    const { pid } = await published(directory);
    const more = { NFS_MOUNT_POINT: join(directory, "other") };
    const second = startPublishing(ordinary, directory, more);
    await eventually("the warning", () => second.stderr().includes("another nfs-init publishes its state"));
    second.stdin.end();
    expect((await second.ended).exitCode).toBe(0);
    expect(readState(directory)?.pid).toBe(pid);
    first.stdin.end();
    await first.ended;
  });

  it("is not there with NFS_EXEC, nor without shares", async () => {
    const directory = temporaryDirectory();
    const env = { ...nofailShare(directory), NFS_EXEC: "on" };
    expect(await run({ args: ["--", "true"], env, ownMounts: true })).toMatchObject({ exitCode: 0 });
    const skipped = { ...nofailShare(directory), NFS_MOUNT_SKIP: "on" };
    expect(await run({ args: ["--", "true"], env: skipped })).toMatchObject({ exitCode: 0 });
    expect(existsSync(statePath(directory))).toBe(false);
  });
});

describe("without a state", () => {
  const share = { NFS_HOST: "nas", NFS_MOUNT_POINT: "/mnt/data" };
  it.each<[string, Readonly<Record<string, string>>, number, RegExp]>([
    ["and without shares all is well", {}, 0, /^ok: no shares are configured/],
    ["and with empty variables all is well", { NFS_MOUNT_POINT: "", NFS_HOST: "" }, 0, /^ok: no shares/],
    ["shares are not healthy", share, 1, /^no published state: nfs-init does not run here/],
    ["numbered shares are not healthy", { NFS_2_MOUNT_POINT: "/b" }, 1, /^no published state/],
    ["listed shares are not healthy", { NFS_MOUNTS: "nas:/a /a" }, 1, /^no published state/],
    ["with NFS_EXEC it says that nobody watches", { ...share, NFS_EXEC: "on" }, 0, /^ok: with NFS_EXEC nobody/],
    ["NFS_EXEC=off is not meant", { ...share, NFS_EXEC: "off" }, 1, /^no published state/],
    ["where mounting is skipped all is well", { ...share, NFS_MOUNT_SKIP: "on" }, 0, /^ok: NFS_MOUNT_SKIP/],
    ["where mounting is skipped no share need be configured", { NFS_MOUNT_SKIP: "on" }, 0, /^ok: NFS_MOUNT_SKIP/],
    ["TEST skips mounting too", { ...share, TEST: "yes" }, 0, /^ok: NFS_MOUNT_SKIP/],
    ["TEST=off does not", { ...share, TEST: "off" }, 1, /^no published state/],
  ])("%s", async (_, env, exitCode, line) => {
    const directory = temporaryDirectory();
    for (const launch of [{ env }, { env: { ...env, NFS_STATE_DIR: `${directory}/state/` }, args: ["check"] }]) {
      const end = await check(directory, [], launch);
      expect(end.exitCode).toBe(exitCode);
      expect(exitCode === 0 ? end.stdout : end.stderr).toMatch(line);
      expect(`${end.stdout}${end.stderr}`.match(/\n/g)).toHaveLength(1);
    }
  });

  it("a wrong use ends with 64, a wrong directory with 78, --help with 0", async () => {
    expect(await run({ args: ["check", "--redy"] })).toMatchObject({ exitCode: 64, stdout: "" });
    expect(await run({ args: ["check"], env: { NFS_STATE_DIR: "run" } })).toMatchObject({ exitCode: 78, stdout: "" });
    expect(await run({ args: ["check", "--help"] })).toMatchObject({ exitCode: 0, stderr: "" });
  });
});

describe("a state that is there", () => {
  it("is taken with what is known under the same schema", async () => {
    const directory = temporaryDirectory();
    leaveState(directory);
    expect(await check(directory, ["--ready"])).toEqual({ exitCode: 0, stdout: "ok: 1 share healthy\n", stderr: "" });
  });

  it.each([
    ["of another boot", { bootId: "another" }, /before the machine was started/],
    ["that is too old", { staleAfterMs: 0, updatedMs: 1_000 }, / s old/],
    ["of a process that is gone", { pid: 4_194_304, pidNamespace: ownPidNamespace() }, /is gone/],
    [
      "of a process number that another has by now",
      { pid: process.pid, pidNamespace: ownPidNamespace(), startedMs: 0 },
      /is gone/,
    ],
    ["of another schema", { schemaVersion: 2 as 1 }, /another version/],
    [
      "with a lost share",
      { shares: [{ source: "nas:/a", target: "/a", phase: "stale", isLost: true }] as never },
      /^lost: nas:\/a on \/a: stale/,
    ],
  ])("%s is a failure", async (_, change, line) => {
    const directory = temporaryDirectory();
    leaveState(directory, change);
    const end = await check(directory);
    expect(end).toMatchObject({ exitCode: 1, stdout: "" });
    expect(end.stderr).toMatch(line);
  });

  it.each<[string, (stateDir: string, path: string) => void]>([
    [
      "is a symbolic link",
      (stateDir, path) => execFileSync("sh", ["-c", `mv ${path} ${stateDir}/x && ln -s x ${path}`]),
    ],
    ["can be written to by others", (_, path) => chmodSync(path, 0o666)],
    ["belongs to another user", (_, path) => chownSync(path, 1234, 1234)],
    ["is in a directory that others can write to", (stateDir) => chmodSync(stateDir, 0o777)],
    ["is in another user's directory", (stateDir) => chownSync(stateDir, 1234, 1234)],
    [
      "is in a directory that is a symbolic link",
      (stateDir) => execFileSync("sh", ["-c", `mv ${stateDir} ${stateDir}.real && ln -s ${stateDir}.real ${stateDir}`]),
    ],
    ["is a pipe that nobody writes to", (_, path) => execFileSync("sh", ["-c", `rm ${path} && mkfifo -m 644 ${path}`])],
    ["is a directory", (_, path) => execFileSync("sh", ["-c", `rm ${path} && mkdir ${path}`])],
    ["is half of one", (_, path) => writeFileSync(path, '{"schemaVersion":1,')],
    ["is endless", (_, path) => execFileSync("truncate", ["-s", "1T", path])],
  ])("and %s is not believed", async (_, spoil) => {
    const directory = temporaryDirectory();
    const stateDir = leaveState(directory);
    spoil(stateDir, statePath(directory));
    const end = await check(directory);
    expect(end).toMatchObject({ exitCode: 1, stdout: "" });
    expect(end.stderr).toMatch(/^no state to go by: .*\n$/);
  });

  it("in a directory that is reached by a symbolic link above it is believed", async () => {
    const directory = temporaryDirectory();
    leaveState(directory);
    symlinkSync(directory, join(directory, "link"));
    expect(await run({ args: ["check", "--state-dir", join(directory, "link", "state")] })).toMatchObject({
      exitCode: 0,
    });
  });
});

describe.each(places)("--since-start $name", (place) => {
  if (place.isPid1) needRoot("a PID namespace");

  it.each([
    { title: "counts a fresh mount that came later", laterMs: 60_000, exitCode: 1 },
    { title: "does not count one that came before", laterMs: -Number.POSITIVE_INFINITY, exitCode: 0 },
  ])("$title", async ({ laterMs, exitCode }) => {
    const directory = temporaryDirectory();
    leaveState(directory);
    const state = await published(directory);
    const shares = state.shares.map((share) => ({
      ...share,
      remounts: 1,
      remountedMs: Math.max(1, bootTimeMs() + laterMs),
    }));
    leaveState(directory, { shares });
    // As PID 1 the caller's container has just begun.
    const startedLong = place.isPid1 ? exitCode : 1;
    const end = await check(directory, ["--since-start"], { place });
    expect(end.exitCode).toBe(laterMs > 0 ? startedLong : 0);
    expect(await check(directory, [], { place })).toMatchObject({ exitCode: 0 });
  });
});

it.skipIf(isSanitized)("takes less than 30 ms", async () => {
  const directory = temporaryDirectory();
  leaveState(directory);
  let fastestMs = Infinity;
  // The fastest: what the others take longer is the machine's, which may be busy for a while.
  for (let round = 0; round < 300 && fastestMs >= 30; round++) {
    const startedMs = performance.now();
    const end = await check(directory);
    fastestMs = Math.min(fastestMs, performance.now() - startedMs);
    expect(end.exitCode).toBe(0);
  }
  expect(fastestMs).toBeLessThan(30);
});
