// How soon a container ends once its share has gone stale, on a real kernel's NFS.

import { losses } from "../../support/losses.ts";
import { openLabRig, peerFolder } from "../lab-rig.ts";
import { loseShare, spreadMoments } from "../lost-trial.ts";
import type { Competitor, Measurement, Rig } from "../measurement.ts";

const trialLimitMs = 200_000;

export const lostShare: Measurement = {
  name: "lost-share",
  title: "A share that goes stale",
  question:
    "The export is replaced while COMMAND runs, and every handle goes stale. How soon has the container ended, so that it can start again?",
  method: [
    "The server exports the same directory under another fsid. The time runs from the return of exportfs to the end of the",
    "container's PID 1, on the clock of that one kernel; COMMAND ends at the first signal. The moment is spread evenly over the",
    "5 s between two looks, and is the same for all competitors of a round. nfs-init runs with its defaults (a look every 5 s,",
    "two in a row must find the share stale) and with NFS_WATCH_INTERVAL=1s. The shell watchdog runs `timeout 3 stat` on the",
    "mount point every 5 s and kills its child when that fails: one failure is enough for it, a server that is away for a",
    "moment too, and stat(2) is answered from the client's cache for up to a minute. The floor is a shell that is told.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 0,
  rounds: 8,
  cases: [{ name: "v4.2", title: "NFS 4.2" }],
  open,
};

const competitors: readonly Competitor[] = [
  { name: "nfs-init", title: "nfs-init", role: "ours" },
  { name: "nfs-init-1s", title: "nfs-init, NFS_WATCH_INTERVAL=1s", role: "peer" },
  { name: "watchdog", title: "shell watchdog", role: "peer" },
  { name: "told", title: "shell, told when", role: "floor" },
];

const starts: Readonly<Record<string, { readonly start: string; readonly env: Readonly<Record<string, string>> }>> = {
  "nfs-init": { start: "nfs-init --", env: {} },
  "nfs-init-1s": { start: "nfs-init --", env: { NFS_WATCH_INTERVAL: "1s" } },
  watchdog: { start: `${peerFolder}/watchdog.sh`, env: {} },
  told: { start: `${peerFolder}/told-lost.sh`, env: {} },
};

async function open(rounds: number): Promise<Rig> {
  const moments = spreadMoments(rounds);
  const [loss] = losses;
  if (loss?.name !== "its export gets another fsid")
    throw new Error("the loss to be measured is not the first any more");
  return openLabRig({
    competitors,
    lifetimeMs: rounds * lostShare.cases.length * competitors.length * trialLimitMs,
    run: async (lab, trial) => {
      const competitor = starts[trial.competitor];
      if (competitor === undefined) throw new Error(`there is no competitor ${trial.competitor}`);
      const version = trial.case.slice(1);
      const { exitMs } = await loseShare(lab, { ...competitor, version, loss, moment: moments[trial.round] ?? 0 });
      return exitMs;
    },
  });
}
