// How soon each kind of loss is noticed: from the fault to the line of the log that says so, on a real kernel's NFS.

import { losses, undoFaults } from "../../test/support/losses.ts";
import { openLabRig } from "../lab-rig.ts";
import { loseShare, lostLimitMs, nfsInitWith } from "../lost-trial.ts";
import type { Competitor, Measurement, Rig } from "../measurement.ts";
import { spreadMoments } from "../rounds.ts";

/** The tests' budgets are shorter than anyone's would be. */
const budgets = { NFS_SERVER_GONE_AFTER: "10s", NFS_UNRESPONSIVE_AFTER: "10s" };

export const lossNoticed: Measurement = {
  name: "loss-noticed",
  title: "Each way to lose a share",
  question: "A share is lost in one way or another while COMMAND runs. How soon does nfs-init's log say so?",
  method: [
    "NFS 4.2. The time runs from the fault to the time in the line `a share is lost`, both of that one kernel's clock; the",
    "moment of the fault is spread evenly over 5 s, and is the same for both. nfs-init has its defaults but for",
    "NFS_SERVER_GONE_AFTER=10s (it is never by default) and NFS_UNRESPONSIVE_AFTER=10s (3 min by default): these two are in the",
    "figures, and so is the time-out of 5 s after which a look counts as unanswered.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 0,
  rounds: 4,
  cases: losses.map(({ name }, index) => ({ name: `loss-${index + 1}`, title: `Lost when ${name}` })),
  plots: [
    {
      kind: "strip",
      title: "From the fault to the line of the log",
      cases: losses.map((_, index) => `loss-${index + 1}`),
    },
  ],
  open,
};

const intervals: Readonly<Record<string, string>> = { "nfs-init": "5s", "nfs-init-1s": "1s" };

const competitors: readonly Competitor[] = [
  { name: "nfs-init", title: "nfs-init", role: "ours" },
  { name: "nfs-init-1s", title: "nfs-init, NFS_WATCH_INTERVAL=1s", role: "peer" },
];

async function open(rounds: number): Promise<Rig> {
  const moments = spreadMoments(rounds);
  return openLabRig({
    competitors,
    lifetimeMs: rounds * losses.length * competitors.length * lostLimitMs,
    run: async (lab, trial) => {
      const loss = losses[Number(trial.case.replace("loss-", "")) - 1];
      if (loss === undefined) throw new Error(`there is no case ${trial.case}`);
      const { noticedMs } = await loseShare(lab, {
        ...nfsInitWith({ NFS_WATCH_INTERVAL: intervals[trial.competitor] ?? "", ...budgets }),
        version: "4.2",
        loss,
        moment: moments[trial.round] ?? 0,
      });
      await lab.sh(undoFaults);
      if (noticedMs === undefined) throw new Error(`the log does not say that a share is lost when ${loss.name}`);
      return noticedMs;
    },
  });
}
