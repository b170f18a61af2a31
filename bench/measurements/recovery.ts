// How soon a process serves again once the server of its share is back as another one, on a real kernel's NFS.

import { openLabRig } from "../lab-rig.ts";
import { competitorsOf, findRunner } from "../lost-trial.ts";
import type { Measurement, Rig } from "../measurement.ts";
import { spreadMoments } from "../rounds.ts";
import { healers, serveAgain, servingLimitMs } from "../serving-trial.ts";

/** How long COMMAND reads at least before the server goes. */
const settleSeconds = 3;
/** How long the server is away at least: by then everybody has seen it. */
const awaySeconds = 10;
/** It comes back within this time after that: the longest interval of all competitors, so that no phase of it is preferred. */
const spreadSeconds = 5;

const competitors = competitorsOf(healers, "restart");

const floor = "told";

export const recovery: Measurement = {
  name: "recovery",
  title: "A server that comes back as another one",
  question:
    "The server goes away and comes back with its export made anew, so that every handle is stale. How soon does the process serve again?",
  method: [
    "NFS 4.2. COMMAND reads a file of the share every 20 ms. The server's machine goes away and refuses connections from then on; another",
    `one, with its address and its export under another fsid, starts nfsd some ${awaySeconds} to ${awaySeconds + spreadSeconds} s later, at a moment that is the same for`,
    "all competitors of a round. The time runs from the return of the system call that starts nfsd until COMMAND has read what only the new",
    "server has in that file, on the clock of that one kernel. nfs-init has its defaults but for what is named. With NFS_WATCH=exit the container is",
    "made and started again 0.1 s after it has ended, which is Docker's first pause. The shell watchdog runs `timeout 3 stat`, or `stat -f`, on the mount",
    "point every 5 s; when that fails it kills its child, takes the mount away by `umount -l`, mounts, and starts the child again. The floor is a shell that is told when",
    "the server is back, calls `umount -l`, mounts as soon as the mount is gone, and leaves COMMAND running. In all figures is the pause that the kernel's client",
    "makes before it connects again to a server that has refused it: up to 3 s, seen by a statfs that begins as the server returns.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 0,
  rounds: 5,
  cases: [
    { name: "return", title: "From the server's return to the first good read" },
    {
      name: "longer",
      title: "The same: longer than the floor",
      competitors: competitors.map(({ name }) => name).filter((name) => name !== floor),
    },
  ],
  targets: [
    {
      case: "longer",
      median: 1500,
      left: [
        "A share that looks lost is looked at again 1 s later, before COMMAND is ended for it: an export that is being changed is gone for a",
        "moment, too. The server's return is seen within 300 ms; the end of COMMAND, the unmount, the mount and its new start are the rest.",
      ].join(" "),
    },
  ],
  open,
};

async function open(rounds: number): Promise<Rig> {
  const moments = spreadMoments(rounds);
  // Both cases are made of the same trials.
  const known = new Map<string, number>();
  return openLabRig({
    competitors,
    lifetimeMs: rounds * competitors.length * servingLimitMs,
    run: async (lab, { round, case: name, competitor }) => {
      const timeOf = async (who: string): Promise<number> => {
        const key = `${round} ${who}`;
        const trial = { ...findRunner(healers, who), change: replaceServer(moments[round] ?? 0) };
        const time = known.get(key) ?? (await serveAgain(lab, trial));
        known.set(key, time);
        return time;
      };
      return (await timeOf(competitor)) - (name === "longer" ? await timeOf(floor) : 0);
    },
  });
}

/** Replaces the server. `moment` is when the new one is there, from 0 to 1. */
const replaceServer = (moment: number): string => `
    pause ${settleSeconds}
    fresh srv
    srv_export /srv/exp 101
    in_ srv sh -c 'echo back >/srv/exp/hello'
    pause ${(awaySeconds + moment * spreadSeconds).toFixed(3)}
    in_ srv bash -c '
      rpcbind -w
      rpc.mountd --port 20048
      echo 10 >/proc/fs/nfsd/nfsv4leasetime
      echo 10 >/proc/fs/nfsd/nfsv4gracetime
      echo 4 >/proc/fs/nfsd/threads
      echo $EPOCHREALTIME
      echo 1<>/lab/state/told' </dev/null
    echo up >/lab/state/srv`;
