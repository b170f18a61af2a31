// No process can be started any more, for COMMAND has filled the control group, say: the watch goes on, and looks when it can,
// and the way out needs none.
import { beforeEach, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { nothingLeft, startWatched } from "../support/watched.ts";

const { lab, box } = kernelSuite();

const group = "/lab/state/crowd";
beforeEach(async () => {
  await lab().sh(`[ -d ${group} ] || {
    mkdir ${group}
    mount -t cgroup2 none ${group}
    echo +pids >${group}/cgroup.subtree_control
    mkdir ${group}/crowd
  }
  echo max >${group}/crowd/pids.max`);
});

/** Takes nfs-init and all that comes from it into a group of which it is said how many processes it may have. */
const enter = `init=$(pidof nfs-init); command=$(cat /proc/$init/task/$init/children)
  for pid in $init $command; do echo $pid >${group}/crowd/cgroup.procs; done`;
const allow = (count: number | "max") => `echo ${count} >${group}/crowd/pids.max`;

/** Needs no process itself. */
const command = `trap 'exit 5' TERM; echo ready; exec sleep 1000`;

it("says once that it cannot look, takes no share for lost, and looks again when it can", async () => {
  const watched = startWatched(lab(), { mountPoint: box().mountPoint(), command });
  await watched.started();
  await lab().sh(`${enter}; ${allow(1)}`);
  const message = "a share could not be looked at, the watch goes on";
  expect(await watched.logged(message)).toMatchObject({
    level: "error",
    reason: expect.stringMatching(/^no process can be started to look at the shares: EAGAIN/) as string,
  });
  await lab().sh("srv_stale /srv/exp 101");
  const staleMs = Date.now();
  await eventually("six intervals have passed", () => Date.now() > staleMs + 3_000);
  expect(watched.lines(message)).toHaveLength(1);
  expect(watched.lines("a share is lost")).toEqual([]);
  await lab().sh(allow("max"));
  await watched.logged("the shares are looked at again");
  const { exitCode, left } = await watched.ended();
  expect({ exitCode, left }).toEqual({ exitCode: 75, left: nothingLeft });
});

it("unmounts although no process can be started for that to the end", async () => {
  const watched = startWatched(lab(), { mountPoint: box().mountPoint(), command });
  await watched.started();
  await lab().sh(`${enter}; ${allow(1)}; kill -TERM $init`);
  const { exitCode, left, lines } = await watched.ended();
  expect({ exitCode, left }).toEqual({ exitCode: 128 + 15, left: nothingLeft });
  expect(lines.map(({ msg }) => msg)).toContain("unmounted");
});
