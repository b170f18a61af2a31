// Locks of version 3 with our status monitor in place of rpc.statd; nfsd and lockd are the lab's.
import { describe, expect, it } from "vitest";
import type { MonitorRecords } from "../../src/export/v3/monitor-records.ts";
import { eventually } from "../support/eventually.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { mountVersion3 as mount, version3Suite } from "../support/version3.ts";

const { lab } = kernelSuite();
const { serve } = version3Suite(lab, "locks");

/** Takes a lock on a file of the share and holds it; the id of its process goes to a file. */
const hold = `in_ c1 sh -c 'exec 9>>/mnt/locked; echo $$ >/lab/state/holder; flock -x 9; echo locked; exec sleep 1000'`;
const letGo = "kill -KILL $(cat /lab/state/holder)";
const tryLock = "in_ c2 flock -n /mnt/locked true && echo free || echo held";
const records = async () =>
  JSON.parse(await lab().sh("in_ srv cat /var/lib/nfs/status-monitor.json")) as MonitorRecords;

/** Both clients have mounted the share with locks, and the first one holds one. */
async function locked(work: () => Promise<void>): Promise<void> {
  await lab().sh(`statd c1 c2; in_ c1 ${mount("lock")}; in_ c2 ${mount("lock")}`);
  try {
    const holder = lab().start(hold);
    await eventually("the lock", () => holder.stdout().includes("locked"), { timeoutMs: 40_000 });
    await work();
  } finally {
    // Before its status monitor ends with the host: the kernel would wait for it for ever, with a mutex that all hosts share.
    await lab().run(`${letGo}; in_ c1 umount /mnt; in_ c2 umount /mnt`);
  }
}

describe("locks of version 3", () => {
  it("keep another client out, and are free when their owner lets go", async () => {
    await serve();
    await locked(async () => {
      expect((await records()).monitored.map(({ name }) => name)).toEqual(["10.77.0.11"]);
      expect(await lab().sh(tryLock)).toBe("held");
      await lab().sh(letGo);
      await eventually("the lock is free", async () => (await lab().sh(tryLock)) === "free", { timeoutMs: 20_000 });
    });
  });
});
