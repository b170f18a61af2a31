// Where no process can be started to look at a share: what is said of that, and that it says nothing of the shares.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { logLines } from "../support/process-log.ts";
import { eventually } from "../support/eventually.ts";
import { needRoot, nofailShare, run, start, temporaryDirectory, unreachableShare } from "../support/process.ts";

const wants = [{ title: "descriptors", prelude: "ulimit -n 6", reason: /EMFILE/ }];

describe("no process of its own", () => {
  needRoot("mounting");

  it.each(wants)(
    "for want of $title holds up no COMMAND that starts on no share, and what failed is said",
    async ({ prelude, reason }) => {
      const directory = temporaryDirectory();
      const env = { ...nofailShare(directory), NFS_FSTAB: "none", NFS_ATTEMPT_TIMEOUT: "1s" };
      const end = await run({
        args: ["--", "sh", "-c", "exit 7"],
        env,
        ownMounts: true,
        prelude,
      });
      expect(end.exitCode).toBe(7);
      expect(end.stderr).not.toContain("does not answer");
      const failed = logLines(end.stderr).find(({ msg }) => msg === "mount attempt failed, trying again");
      expect(failed?.["reason"]).toMatch(/no process can be started/);
      expect(failed?.["reason"]).toMatch(reason);
    },
  );

  it("needs /dev/null", async () => {
    const env = { ...nofailShare(temporaryDirectory()), NFS_FSTAB: "none", NFS_ATTEMPT_TIMEOUT: "1s" };
    const prelude = "mount -t tmpfs -o ro none /dev";
    const { exitCode, stderr } = await run({ args: ["--", "sh", "-c", "exit 7"], env, ownMounts: true, prelude });
    expect(exitCode).toBe(7);
    expect(logLines(stderr).map(({ msg }) => msg)).toContain("waiting for the server");
    expect(stderr).not.toContain("no process can be started");
  });

  it("is told once for a share that COMMAND waits for, and a stop is heard", async () => {
    const directory = temporaryDirectory();
    const env = { ...unreachableShare(directory), NFS_FSTAB: "none", NFS_STATE_DIR: join(directory, "state") };
    const running = start({ args: ["--", "true"], env, ownMounts: true, prelude: "ulimit -n 6" });
    await eventually("the reason", () => running.stderr().includes("no process can be started"));
    await running.send("SIGTERM");
    const { exitCode, stderr } = await running.ended;
    expect(exitCode).toBe(143);
    expect(stderr.match(/no process can be started/g)).toHaveLength(1);
    expect(stderr).not.toContain("does not answer");
  });
});
