// COMMAND's start behind a share, which nobody waits for; and one that hangs, as it does where its file lies on a share that dies at that moment. What stands for that here is a
// file under a lease (fcntl(2), F_SETLEASE): whoever opens it waits until the lease is given back, 45 seconds at most.
import { spawn } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { childrenOf, exeOf, statOf } from "../support/process-table.ts";
import { binary, describePlaces, nofailShare, run, start, temporaryDirectory } from "../support/process.ts";

/** Takes a lease (1024 is F_SETLEASE, 1 is F_WRLCK), says so, and keeps it until its stdin ends. */
const lease = `$SIG{IO} = "IGNORE"; $| = 1; open F, "<", $ARGV[0] or die $!; fcntl(F, 1024, 1) or die $!; print "held\\n"; <STDIN>`;

/** A script that nobody can execute before `letGo`. */
async function heldScript(directory: string) {
  const path = join(directory, "server");
  writeFileSync(path, "#!/bin/sh\nexit 7\n");
  chmodSync(path, 0o755);
  const holder = spawn("perl", ["-e", lease, path], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void holder.kill("SIGKILL"));
  await new Promise((resolve) => void holder.stdout.once("data", resolve));
  return { path, letGo: () => holder.stdin.end() };
}

describePlaces((place) => {
  it("hears a stop, undoes what it did, and leaves no process behind", async () => {
    const directory = temporaryDirectory();
    const { path } = await heldScript(directory);
    const env = { ...nofailShare(directory), NFS_FSTAB: "none", NFS_STATE_DIR: join(directory, "state") };
    const running = start({ args: ["--", path], place, env, ownMounts: true });
    await eventually("the start", () => running.stderr().includes("starting the process"));
    const init = await running.initPid();
    const hung = await eventually("a child in a group of its own that does not run yet", () =>
      childrenOf(init).find((child) => exeOf(child) === binary && statOf(child).group === child),
    );
    await running.send("SIGTERM");
    const { exitCode, stderr } = await running.ended;
    expect(exitCode).toBe(143);
    expect(stderr).toContain("stopped before the process was started");
    await eventually("the child is gone", () => exeOf(hung) === undefined);
  });

  it("starts COMMAND when its file can be read again", async () => {
    const directory = temporaryDirectory();
    const { path, letGo } = await heldScript(directory);
    const env = { ...nofailShare(directory), NFS_FSTAB: "none", NFS_STATE_DIR: join(directory, "state") };
    const running = start({ args: ["--", path], place, env, ownMounts: true });
    await eventually("the start", () => running.stderr().includes("starting the process"));
    letGo();
    expect((await running.ended).exitCode).toBe(7);
  });

  it.each([
    { title: "a file that is not there", file: "none", exitCode: 127 },
    { title: "a file that may not be executed", file: "data", exitCode: 126 },
    { title: "a script without its interpreter's name", file: "script", exitCode: 9 },
    { title: "a script that PATH leads to", file: "script", isInPath: true, exitCode: 9 },
  ])("ends for $title with what it ends with where no share is configured", async ({ file, isInPath, exitCode }) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "script"), "exit 9\n", { mode: 0o755 });
    writeFileSync(join(directory, "data"), "", { mode: 0o644 });
    const PATH = `${directory}:${process.env["PATH"]}`;
    const env = { ...nofailShare(directory), NFS_FSTAB: "none", PATH };
    const command = isInPath === true ? file : join(directory, file);
    expect((await run({ args: ["--", command], place, env, ownMounts: true })).exitCode).toBe(exitCode);
    expect((await run({ args: ["--", command], place, env: { PATH } })).exitCode).toBe(exitCode);
  });
}, "mounting");
