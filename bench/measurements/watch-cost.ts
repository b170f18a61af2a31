// What watching healthy shares costs: CPU time, wake-ups and memory, on a real kernel's NFS.

import type { Lab } from "../../test/support/lab/lab.ts";
import { openLabRig, peerFolder } from "../lab-rig.ts";
import type { Competitor, Measurement, Rig, Trial } from "../measurement.ts";

const windowSeconds = 60;
/** From COMMAND's start to the window. */
const settleSeconds = 10;
const trialLimitMs = 300_000;

const metrics = {
  cpu: { title: "CPU time", unit: "s per hour" },
  wakeups: { title: "wake-ups", unit: "per hour" },
  resident: { title: "resident memory", unit: "MB" },
  private: { title: "private dirty memory", unit: "MB" },
} as const;

type Metric = keyof typeof metrics;

const metricNames = Object.keys(metrics) as Metric[];

const shareCounts = [1, 16, 200] as const;

/** Those whose wake-ups can be counted. */
const counted = ["nfs-init", "off"];

export const watchCost: Measurement = {
  name: "watch-cost",
  title: "The cost of watching",
  question: "All shares are healthy. What does it cost to look at each of them every 5 s?",
  method: [
    "The shares are NFS 4.2 mounts of directories of one export. Counted are nfs-init and its workers, or the watchdog and all",
    `it starts, over ${windowSeconds} s that begin ${settleSeconds} s after COMMAND, and given for an hour:`,
    " CPU time in user and kernel mode, of processes that have ended too; wake-ups, which are voluntary context switches, of all",
    "threads that are there at the end (not given for the watchdog: its are in short-lived children, which nobody can count afterwards); at the",
    "end resident and private dirty memory, of which what a process shares with its children counts once. The shell watchdog runs",
    "`timeout 3 stat` on each mount point every 5 s. What watching costs is what nfs-init takes beyond NFS_WATCH=off. On this kernel a",
    "system call is several times as dear as on a plain one, and a fork and exec, of which the watchdog makes two for each look, dearer",
    "still (30 ms): all figures are upper bounds, and the watchdog's CPU time is further above the truth than nfs-init's. With 200 shares",
    "its round takes longer than 5 s.",
  ].join(" "),
  unit: "s per hour",
  where: "lab",
  warmUpRounds: 0,
  rounds: 3,
  cases: shareCounts.flatMap((shares) =>
    metricNames.map((metric) => ({
      name: `${shares}-${metric}`,
      title: `${shares} ${shares === 1 ? "share" : "shares"}: ${metrics[metric].title}`,
      unit: metrics[metric].unit,
      ...(metric === "wakeups" ? { competitors: counted } : {}),
    })),
  ),
  targets: [
    { case: "1-private", median: 5 },
    { case: "200-private", median: 7 },
  ],
  plots: metricNames.map((metric) => ({
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
  { name: "watchdog", title: "shell watchdog", role: "peer" },
  { name: "off", title: "nfs-init, NFS_WATCH=off", role: "floor" },
];

const starts: Readonly<Record<string, string>> = {
  "nfs-init": "nfs-init --",
  watchdog: `${peerFolder}/watchdog.sh`,
  off: "env NFS_WATCH=off nfs-init --",
};

type Cost = Readonly<Record<Metric, number>>;

async function open(rounds: number): Promise<Rig> {
  // One trial gives all figures of its number of shares.
  const costs = new Map<string, Cost>();
  return openLabRig({
    competitors,
    lifetimeMs: rounds * shareCounts.length * competitors.length * trialLimitMs,
    run: async (lab, trial) => {
      const [shares = "", metric = ""] = trial.case.split("-");
      const key = `${trial.round} ${shares} ${trial.competitor}`;
      const cost = costs.get(key) ?? (await measureCost(lab, trial, Number(shares)));
      costs.set(key, cost);
      return cost[metric as Metric];
    },
  });
}

async function measureCost(lab: Lab, { competitor }: Trial, shares: number): Promise<Cost> {
  const targets = Array.from({ length: shares }, (_, index) => `/shares/${index + 1}`);
  const lines = targets.map((target, index) => `10.77.0.1:/srv/exp/s${index + 1} ${target} nfs4`);
  // By mount(2) itself: a helper each would take a minute.
  const setup = `for i in $(seq ${shares}); do
    mkdir -p /shares/$i
    /usr/bin/mount -i -t nfs -o vers=4.2,addr=10.77.0.1,hard 10.77.0.1:/srv/exp/s$i /shares/$i || exit
  done`;
  const { stdout, stderr, exitCode } = await lab.run(
    `
    . /lab/project/bench/guest/cost.sh
    reset
    rm -f /lab/state/up
    mkfifo /lab/state/up
    in_ srv sh -c 'cd /srv/exp && mkdir $(seq -f s%g ${shares})'
    NFS_MOUNTS='${lines.join(";")}' TARGETS='${targets.join(" ")}' NFS_FSTAB=none \\
      container c1 --name box --setup '${setup}' -- ${starts[competitor] ?? ""} sh -c 'echo >/lab/state/up; exec sleep 1000' &
    # Not for ever: what could not be started never says so.
    read -r -t 200 _ <>/lab/state/up || exit
    pid=$(container_pid box)
    pause ${settleSeconds}
    cost $pid
    from=$EPOCHREALTIME
    pause ${windowSeconds}
    cost $pid
    echo "$from $EPOCHREALTIME $(getconf CLK_TCK) $(in_ srv cat /proc/net/rpc/nfsd | sed -n 's/^rpc //p')"
    container_exec box grep -c ' nfs4 ' /proc/self/mounts
    container_signal box KILL
    wait $! || :`,
    { timeoutMs: trialLimitMs },
  );
  const said = stdout.trim().split("\n");
  const [before, after] = [parseCost(said[0]), parseCost(said[1])];
  const [clock = [], [mounted] = []] = said.slice(2).map((line) => line.split(" ").map(Number));
  const [from = Number.NaN, to = Number.NaN, ticksPerSecond = Number.NaN] = clock;
  if (mounted !== shares || Number.isNaN(ticksPerSecond)) {
    throw new Error(`${competitor} has not watched ${shares} shares (exit code ${exitCode}):\n${stdout}\n${stderr}`);
  }
  const hours = (to - from) / 3600;
  return {
    cpu: (after.ticks - before.ticks) / ticksPerSecond / hours,
    wakeups: countWakeups(before, after) / hours,
    resident: (after.residentKib * 1024) / 1e6,
    private: (after.privateKib * 1024) / 1e6,
  };
}

/** A line of cost.sh. */
function parseCost(line = "") {
  const [ticks = Number.NaN, residentKib = Number.NaN, privateKib = Number.NaN, ...threads] = line.split(" ");
  const switches = threads.map((thread) => thread.split(":") as [thread: string, count: string]);
  return {
    ticks: Number(ticks),
    residentKib: Number(residentKib),
    privateKib: Number(privateKib),
    switches: new Map(switches),
  };
}

type Costs = ReturnType<typeof parseCost>;

/** Of the threads that are there at the end: what one that has ended had counted is gone with it. */
function countWakeups(before: Costs, after: Costs): number {
  let sum = 0;
  for (const [thread, count] of after.switches) sum += Number(count) - Number(before.switches.get(thread) ?? 0);
  return sum;
}
