// When each of many clients runs COMMAND that have waited together for one late server, on a real kernel's NFS.

import type { Lab } from "../../test/support/lab/lab.ts";
import { installProgram, openLabRig, peerFolder } from "../lab-rig.ts";
import type { Competitor, Measurement, Rig, Trial } from "../measurement.ts";
import { quantile } from "../statistics.ts";
import { makeWaiterProgram, timeAt, timeBytes } from "../stamp.ts";

const clientCounts = [1, 10, 50] as const;

/** From the last client's start to the server's, and as much more for each client: so long this kernel takes to start it. */
const settleSeconds = 20;
const settleSecondsEach = 0.8;
const trialLimitMs = 400_000;

const arrivals = {
  first: { title: "the first client", share: 0 },
  median: { title: "the median of the clients", share: 0.5 },
  last: { title: "the last client", share: 1 },
} as const;

type Arrival = keyof typeof arrivals;

const arrivalNames = Object.keys(arrivals) as Arrival[];

export const arrival: Measurement = {
  name: "arrival",
  title: "Many clients of a late server",
  question:
    "So many clients wait for one server. When it comes, how soon does COMMAND run on the first, on half of them, on the last?",
  method: [
    "Each client is a container with a network namespace, an address and mounts of its own. All are started at once, while their",
    `server refuses every connection; it is started ${settleSeconds} s after the last of them, and ${settleSecondsEach} s later for each,`,
    "because this kernel takes as long to start them, and speaks NFS 3 to 4.2. The time runs from the return of the system call that",
    "starts nfsd to the first instructions of COMMAND, on the clock of that one kernel. nfs-init has its defaults, the loops pause",
    "50 ms, and the floor are shells that are told when the server is up and call mount.nfs once. A refused mount.nfs takes a second.",
    "All clients and the server share the kernel's one core, on which a fork and exec costs some 30 ms, a mount 100 to 300 ms:",
    "what clients do side by side elsewhere they do here one after another.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 0,
  rounds: 3,
  cases: clientCounts.flatMap((clients) =>
    (clients === 1 ? (["last"] as const) : arrivalNames).map((name) => ({
      name: `${clients}-${name}`,
      title: clients === 1 ? "1 client" : `${clients} clients: ${arrivals[name].title}`,
    })),
  ),
  plots: arrivalNames.map((name) => ({
    kind: "lines",
    name,
    title: `until COMMAND runs on ${arrivals[name].title}`,
    against: "clients",
    points: clientCounts.map((at) => ({ case: at === 1 ? "1-last" : `${at}-${name}`, at })),
  })),
  open,
};

const competitors: readonly Competitor[] = [
  { name: "nfs-init", title: "nfs-init", role: "ours" },
  { name: "mount-loop", title: "shell loop over mount.nfs", role: "peer" },
  { name: "told", title: "mount.nfs, told when", role: "floor" },
];

const commands: Readonly<Record<string, string>> = {
  "nfs-init": "nfs-init --",
  "mount-loop": `${peerFolder}/mount-loop.sh`,
  told: `${peerFolder}/told.sh`,
};

async function open(rounds: number): Promise<Rig> {
  // One trial gives all figures of its number of clients.
  const known = new Map<string, readonly number[]>();
  return openLabRig({
    competitors,
    memory: "3G",
    lifetimeMs: rounds * clientCounts.length * competitors.length * trialLimitMs,
    prepare: async (lab) => {
      await installProgram(lab, "/usr/local/bin/waiter", makeWaiterProgram("realtime"));
      await lab.sh(`
        . /lab/project/bench/guest/clients.sh
        clients_up ${Math.max(...clientCounts)}`);
    },
    run: async (lab, trial) => {
      const [clients = "", name = ""] = trial.case.split("-");
      const key = `${trial.round} ${clients} ${trial.competitor}`;
      const timesMs = known.get(key) ?? (await waitTogether(lab, trial, Number(clients)));
      known.set(key, timesMs);
      return quantile(timesMs, arrivals[name as Arrival].share);
    },
  });
}

/** Returns the milliseconds from the server's start to COMMAND on each client. */
async function waitTogether(lab: Lab, { competitor }: Trial, clients: number): Promise<readonly number[]> {
  const { stdout, stderr, exitCode } = await lab.run(
    `
    rm -f /lab/state/told /lab/state/came.* /lab/state/container.k*
    mkfifo /lab/state/told
    export NFS_HOST=$SRV NFS_HOST_MOUNT=/srv/exp NFS_MOUNT_POINT=/mnt/share
    export TOLD=/lab/state/told SOURCE=$SRV:/srv/exp TARGET=/mnt/share VERSION=4.2
    for ((number = 1; number <= ${clients}; number++)); do
      container k$number --name k$number --setup 'mkdir /mnt/share' -- ${commands[competitor] ?? ""} waiter >/lab/state/came.k$number &
    done
    for ((number = 1; number <= ${clients}; number++)); do
      until [ -s /lab/state/container.k$number ]; do pause 0.1; done
    done
    pause ${(settleSeconds + clients * settleSecondsEach).toFixed(3)}
    in_ srv bash -c '
      rpcbind -w
      rpc.mountd --port 20048
      echo 10 >/proc/fs/nfsd/nfsv4leasetime
      echo 10 >/proc/fs/nfsd/nfsv4gracetime
      echo 8 >/proc/fs/nfsd/threads
      echo $EPOCHREALTIME
      ${competitor === "told" ? `printf "\\n%.0s" {1..${clients}} >/lab/state/told` : ""}' </dev/null
    for ((number = 1; number <= ${clients}; number++)); do
      until [ -s /lab/state/came.k$number ]; do pause 0.2; done
    done
    for ((number = 1; number <= ${clients}; number++)); do container_signal k$number KILL; done
    wait
    cat /lab/state/came.k* | base64 -w 0
    srv_down`,
    { timeoutMs: trialLimitMs },
  );
  const [serverSeconds, came = ""] = stdout.trim().split("\n");
  const times = Buffer.from(came, "base64");
  if (exitCode !== 0 || times.length !== clients * timeBytes) {
    throw new Error(`not all of ${clients} clients of ${competitor} have started COMMAND:\n${stdout}\n${stderr}`);
  }
  const timesMs = Array.from(
    { length: clients },
    (_, client) => timeAt(times, client * timeBytes) - Number(serverSeconds) * 1000,
  );
  if (timesMs.some((ms) => ms < 0)) throw new Error(`${competitor} started COMMAND before the server was up`);
  return timesMs;
}
