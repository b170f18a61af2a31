// What a share that has gone stale costs: until the container has ended, and until COMMAND serves again, on a real kernel's NFS.

import type { Lab } from "../../test/support/lab/lab.ts";
import type { Loss } from "../../test/support/losses.ts";
import { openLabRig } from "../lab-rig.ts";
import { competitorsOf, faultAt, findRunner, loseShare, lostLimitMs, nfsInitWith, script } from "../lost-trial.ts";
import type { Runner } from "../lost-trial.ts";
import type { Absence, Measurement, Rig } from "../measurement.ts";
import { spreadMoments } from "../rounds.ts";
import { failToServe, healers, serveAgain, servingLimitMs } from "../serving-trial.ts";

/** How long one that does nothing is observed. */
const nothingSeconds = 30;

/** What ends the container. */
const enders: Readonly<Record<string, Runner>> = {
  exit: nfsInitWith({ NFS_WATCH: "exit" }),
  "exit-1s": nfsInitWith({ NFS_WATCH: "exit", NFS_WATCH_INTERVAL: "1s" }),
  watchdog: script("shell watchdog", "watchdog.sh"),
  "watchdog-f": script("shell watchdog, stat -f", "watchdog.sh", { LOOK: "stat -f" }),
  told: script("shell, told when", "told-lost.sh"),
};

/** Three of them take part in both cases, a shell with a script for each. */
const competitors = competitorsOf({ ...healers, ...enders }, "exit");

export const lostShare: Measurement = {
  name: "lost-share",
  title: "A share that goes stale",
  question:
    "The export is replaced while COMMAND runs, and every handle goes stale. How soon has the container ended, and how soon does COMMAND serve again?",
  method: [
    "NFS 4.2. The server exports another file system in the same place, under another fsid. The time runs from the return of exportfs, on the clock",
    "of that one kernel: in the first case to the end of the container's PID 1, in the second until COMMAND, which reads a file of the",
    "share every 20 ms, has read what only the new export has in it. COMMAND ends at the first signal. The moment is spread evenly over the",
    "5 s between two looks, and is the same for all competitors of a round. nfs-init has its defaults but for what is named (a look every 5 s;",
    "two in a row, the second 1 s after the first, must find the share stale). With NFS_WATCH=exit, the default, the container is, in the",
    "second case, made and started again 0.1 s after it has ended, which is Docker's first pause; an engine takes some tenths of a second more",
    "to make a container, its pauses double, and Kubernetes waits 10 s and more from the second restart on: that has to be added. The shell",
    "watchdog runs `timeout 3 stat` on the mount point every 5 s, or `stat -f`, which asks the server each time, where stat(2) may be answered",
    "from the client's cache for up to a minute. When that fails once it kills its child, and ends, or takes the mount away by `umount -l`,",
    "mounts and starts the child again; it does the same about a server that is away for 3 s. Nobody waits for the end of `umount -l`: where",
    "a client holds a delegation or an open file of the stale share, the call takes 10 s more, and the mount is gone before that. The floor is",
    "a shell that is told when, and then ends COMMAND and itself, or mounts afresh and leaves COMMAND running.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 0,
  rounds: 6,
  cases: [
    { name: "exit", title: "From the new export to the end of the container", competitors: Object.keys(enders) },
    { name: "again", title: "From the new export to the first good read", competitors: Object.keys(healers) },
  ],
  open,
};

/** Another file system, which nobody's handle is good for: what is read of it was read through a new mount. */
const replaceExport = `
    in_ srv sh -c 'mount -t tmpfs new /srv/exp; echo back >/srv/exp/hello'
    srv_stale /srv/exp 101`;

const loss: Loss = { name: "its export is replaced", fault: replaceExport, state: "stale" };

async function open(rounds: number): Promise<Rig> {
  const moments = spreadMoments(rounds);
  return openLabRig({
    competitors,
    lifetimeMs: rounds * competitors.length * (lostLimitMs + servingLimitMs),
    observe: observeNothing,
    run: async (lab, trial) => {
      const moment = moments[trial.round] ?? 0;
      if (trial.case === "again") {
        return serveAgain(lab, { ...findRunner(healers, trial.competitor), change: changeAt(moment) });
      }
      const { exitMs } = await loseShare(lab, {
        ...findRunner(enders, trial.competitor),
        version: "4.2",
        loss,
        moment,
      });
      return exitMs;
    },
  });
}

/** The change of a trial of serving again. */
const changeAt = (moment: number): string => `
    pause ${faultAt(moment)}
    ${replaceExport}
    echo $EPOCHREALTIME
    echo 1<>/lab/state/told`;

/** An init that only runs COMMAND. */
async function observeNothing(lab: Lab): Promise<readonly Absence[]> {
  const name = "no watch (mount, then tini)";
  const trial = { ...script(name, "mount-plain.sh tini --"), change: changeAt(0) };
  const said = await failToServe(lab, trial, nothingSeconds);
  if (!said.includes("Stale file handle")) throw new Error(`${name} fails otherwise than by a stale handle:\n${said}`);
  return [
    { name, reason: `behind which COMMAND still gets nothing but "Stale file handle" after ${nothingSeconds} s` },
  ];
}
