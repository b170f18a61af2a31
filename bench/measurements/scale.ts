// How long it takes to mount many shares of a server that is ready, and what nfs-init holds afterwards, on a real kernel's NFS.

import { makeWaiterProgram } from "../stamp.ts";
import type { Lab } from "../../test/support/lab/lab.ts";
import { installProgram, openLabRig, peerFolder } from "../lab-rig.ts";
import type { Competitor, Measurement, Rig, Trial } from "../measurement.ts";

/** From COMMAND's start to the look at the memory. */
const settleSeconds = 3;
const trialLimitMs = 300_000;

const shareCounts = [1, 16, 50, 200] as const;

/** How many times as long as one mount.nfs for each, all at once. */
const limits: Readonly<Record<number, number>> = { 1: 1.2, 16: 1, 50: 1, 200: 1 };

const metrics = {
  time: { title: "from exec to COMMAND", unit: "ms" },
  resident: { title: "resident memory once COMMAND runs", unit: "MB" },
  private: { title: "private dirty memory once COMMAND runs", unit: "MB" },
} as const;

type Metric = keyof typeof metrics;

export const scale: Measurement = {
  name: "scale",
  title: "Many shares",
  question:
    "The server is ready. How soon have so many shares been mounted and does COMMAND run, and what stays behind?",
  method: [
    "The shares are NFS 4.2 mounts of directories of one export, of a server that is up and at rest. The time runs from just before",
    "the exec of the competitor as PID 1 to the first instructions of COMMAND, on the clock of that one kernel. nfs-init has its",
    "defaults: it makes the mount points, puts a guard under each share, writes fstab, asks the server whether it is ready, and",
    "waits until each mount answers. The floor is a shell that makes the mount points, starts one mount.nfs for each share, all at",
    `once, and waits for them; the other shell starts one after the other. Memory is that of nfs-init, ${settleSeconds} s after`,
    "COMMAND, what it shares with its children counted once; a shell is COMMAND by then. On this kernel a fork and exec costs some",
    "30 ms: the figures are upper bounds, to be read beside each other.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 0,
  rounds: 3,
  cases: shareCounts.flatMap((shares) =>
    (Object.keys(metrics) as Metric[]).map((metric) => ({
      name: `${shares}-${metric}`,
      title: `${shares} ${shares === 1 ? "share" : "shares"}: ${metrics[metric].title}`,
      unit: metrics[metric].unit,
    })),
  ),
  targets: shareCounts.map((shares) => ({
    case: `${shares}-time`,
    beside: { competitor: "mount-all", by: "ratio" },
    median: limits[shares] ?? 1,
  })),
  plots: (Object.keys(metrics) as Metric[]).map((metric) => ({
    kind: "lines",
    name: metric,
    title: metrics[metric].title,
    against: "shares",
    points: shareCounts.map((at) => ({ case: `${at}-${metric}`, at })),
  })),
  open,
};

const competitors: readonly Competitor[] = [
  { name: "nfs-init", title: "nfs-init", role: "ours" },
  { name: "mount-each", title: "shell, one mount.nfs after the other", role: "peer" },
  { name: "mount-all", title: "shell, all mount.nfs at once", role: "floor" },
];

const starts: Readonly<Record<string, string>> = {
  "nfs-init": "nfs-init --",
  "mount-each": `${peerFolder}/mount-each.sh`,
  "mount-all": `${peerFolder}/mount-all.sh`,
};

type Figures = Readonly<Record<Metric, number>>;

async function open(rounds: number): Promise<Rig> {
  // One trial gives all figures of its number of shares.
  const known = new Map<string, Figures>();
  return openLabRig({
    competitors,
    lifetimeMs: rounds * shareCounts.length * competitors.length * trialLimitMs,
    prepare: (lab) => installProgram(lab, "/usr/local/bin/waiter", makeWaiterProgram("realtime")),
    run: async (lab, trial) => {
      const [shares = "", metric = ""] = trial.case.split("-");
      const key = `${trial.round} ${shares} ${trial.competitor}`;
      const figures = known.get(key) ?? (await mountShares(lab, trial, Number(shares)));
      known.set(key, figures);
      return figures[metric as Metric];
    },
  });
}

async function mountShares(lab: Lab, { competitor }: Trial, shares: number): Promise<Figures> {
  const numbers = Array.from({ length: shares }, (_, index) => index + 1);
  const sources = numbers.map((number) => `10.77.0.1:/srv/exp/s${number}`);
  const targets = numbers.map((number) => `/shares/${number}`);
  const lines = sources.map((source, index) => `${source} ${targets[index] ?? ""} nfs`);
  const { stdout, stderr, exitCode } = await lab.run(
    `
    . /lab/project/bench/guest/cost.sh
    reset
    rm -f /lab/state/up
    mkfifo /lab/state/up
    in_ srv sh -c 'cd /srv/exp && mkdir $(seq -f s%g ${shares})'
    export NFS_VERSION=4.2 VERSION=4.2 NFS_MOUNTS='${lines.join(";")}' SOURCES='${sources.join(" ")}' TARGETS='${targets.join(" ")}'
    container c1 --name box -- bash -c 'echo $EPOCHREALTIME >/lab/state/from; exec "$@"' from ${starts[competitor] ?? ""} waiter >/lab/state/up &
    head -c 16 /lab/state/up | od -An -td8
    cat /lab/state/from
    pause ${settleSeconds}
    cost $(container_pid box)
    container_exec box grep -c ' nfs4 ' /proc/self/mounts
    container_signal box KILL
    wait $! || :`,
    { timeoutMs: trialLimitMs },
  );
  const [command = [], [fromSeconds] = [], cost = [], [mounted] = []] = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const [commandSeconds, commandNanoseconds] = command;
  const [, residentKib, privateKib] = cost;
  if (
    mounted !== shares ||
    fromSeconds === undefined ||
    commandSeconds === undefined ||
    commandNanoseconds === undefined ||
    residentKib === undefined ||
    privateKib === undefined
  ) {
    throw new Error(`${competitor} has not mounted ${shares} shares (exit code ${exitCode}):\n${stdout}\n${stderr}`);
  }
  return {
    time: (commandSeconds - fromSeconds) * 1000 + commandNanoseconds / 1e6,
    resident: (residentKib * 1024) / 1e6,
    private: (privateKib * 1024) / 1e6,
  };
}
