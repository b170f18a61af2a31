// What nfs-init makes has the mode that is promised, and COMMAND has the umask that was inherited.
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { statusOf } from "../support/process-table.ts";
import { describePlaces, nofailShare, settled, start, temporaryDirectory } from "../support/process.ts";
import { eventually } from "../support/eventually.ts";
import { published } from "../support/published.ts";

describePlaces((place) => {
  it.each(["000", "022", "027", "077"])("directories are 0755 with the umask %s, which is COMMAND's", async (umask) => {
    const directory = temporaryDirectory();
    const target = join(directory, "new", "data");
    const env = { ...nofailShare(directory), NFS_MOUNT_POINT: target, NFS_GUARD: "off" };
    const running = start({ args: ["--", "cat"], place, env, ownMounts: true, prelude: `umask ${umask}` });
    expect(statusOf(await settled(await running.commandPid()), "Umask")).toBe(`0${umask}`);
    await published(directory);
    const directories = ["new", "new/data", "state", "state/targets"].map((name) => join(directory, name));
    const modes = await eventually("what it makes", () => {
      try {
        return directories.map((path) => statSync(path).mode & 0o7777);
      } catch {
        return undefined;
      }
    });
    expect(modes).toEqual(directories.map(() => 0o755));
    expect(statSync(join(directory, "fstab")).mode & 0o7777).toBe(0o644);
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });

  it("is COMMAND's with NFS_USER and NFS_EXEC too", async () => {
    const env = { ...nofailShare(temporaryDirectory()), NFS_USER: "1000:1000", NFS_EXEC: "on" };
    const launch = { args: ["--", "sh", "-c", "umask"], place, env, ownMounts: true, prelude: "umask 037" };
    expect((await start(launch).ended).stdout).toBe("0037\n");
  });
}, "mounting");
