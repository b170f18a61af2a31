// What finding the NFS version costs: from exec to COMMAND on servers that speak some versions only, on a real kernel's NFS.

import { openLabRig, peerFolder } from "../lab-rig.ts";
import type { Competitor, Measurement, Rig } from "../measurement.ts";
import { installPrograms, server, sources, startOnShares, targets } from "../ready-trial.ts";
import type { ReadyTrial, Speaks } from "../ready-trial.ts";

const trialLimitMs = 120_000;

interface Situation {
  readonly title: string;
  /** The best version that both sides have. */
  readonly version: string;
}

const situations: Readonly<Record<Speaks, Situation>> = {
  "3": { title: "The server speaks NFS 3 only", version: "3" },
  "4": { title: "The server speaks NFS 4.0 to 4.2 only", version: "4.2" },
  all: { title: "The server speaks NFS 3 to 4.2", version: "4.2" },
};

export const versionWalk: Measurement = {
  name: "version-walk",
  title: "Finding the version",
  question: "Nobody has said which NFS version the server speaks. How soon does COMMAND run on the share?",
  method: [
    "The server is up. The time runs from just before the exec of the competitor as PID 1 to the first instructions of COMMAND, on the",
    "clock of that one kernel; each trial has a client that knows nothing of its server yet. nfs-init has its defaults (NFS_VERSION=auto),",
    "and a second row in which it is told the version. Beside it a shell calls `mount -t nfs` with no options and executes COMMAND. On the",
    "server of version 3 its rpc.statd runs already: without it that mount fails after 11 s. The floor is the same shell, told the version",
    "and, for version 3, nolock.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 0,
  rounds: 8,
  cases: Object.entries(situations).map(([name, { title }]) => ({ name, title })),
  open,
};

const competitors: readonly Competitor[] = [
  { name: "nfs-init", title: "nfs-init", role: "ours" },
  { name: "nfs-init-told", title: "nfs-init, NFS_VERSION given", role: "peer" },
  { name: "mount", title: "shell, mount with no options", role: "peer" },
  { name: "mount-told", title: "shell, mount told the version", role: "floor" },
];

async function open(rounds: number): Promise<Rig> {
  const trials = rounds * versionWalk.cases.length * competitors.length;
  return openLabRig({
    competitors,
    lifetimeMs: trials * trialLimitMs,
    prepare: installPrograms,
    run: async (lab, trial) => {
      const speaks = trial.case as Speaks;
      const { version } = situations[speaks];
      const before = speaks === "3" ? "statd c1" : "";
      return startOnShares(lab, { ...startOf(trial.competitor, version), speaks, shares: 1, version, before });
    },
  });
}

/** How a competitor is started: the words before COMMAND, and what it finds. */
function startOf(competitor: string, version: string): Pick<ReadyTrial, "start" | "env"> {
  const [source = "", target = ""] = [sources(1)[0], targets(1)[0]];
  const configured = { NFS_HOST: server, NFS_HOST_MOUNT: "/srv/exp/s1", NFS_MOUNT_POINT: target };
  const typed = { start: `${peerFolder}/mount-plain.sh`, env: { SOURCE: source, TARGET: target } };
  switch (competitor) {
    case "nfs-init":
      return { start: "nfs-init --", env: configured };
    case "nfs-init-told":
      return { start: "nfs-init --", env: { ...configured, NFS_VERSION: version } };
    case "mount":
      return typed;
    case "mount-told":
      return { ...typed, env: { ...typed.env, OPTIONS: version === "3" ? "vers=3,nolock" : `vers=${version}` } };
    default:
      throw new Error(`there is no competitor ${competitor}`);
  }
}
