// How soon a server answers, what it holds, and how long its clients pause when it is killed and started, on a real kernel's NFS.

import type { Lab } from "../../test/support/lab/lab.ts";
import { quote } from "../../test/support/quote.ts";
import { openLabRig, peerFolder } from "../lab-rig.ts";
import type { Competitor, Measurement, Rig, Trial } from "../measurement.ts";

const trialLimitMs = 120_000;

const cases = {
  answer: { title: "From exec to the first file that a client has read", unit: "ms" },
  pause: { title: "SIGKILL and start: the longest pause of a client that writes", unit: "ms" },
  resident: { title: "Resident memory of all processes", unit: "MB" },
  private: { title: "Private dirty memory of all processes", unit: "MB" },
} as const;

type Case = keyof typeof cases;

const caseNames = Object.keys(cases) as Case[];

export const serverLife: Measurement = {
  name: "server-life",
  title: "A server",
  question:
    "A container exports a directory. How soon is it served, by how much memory, and what does a client see when it is killed and started?",
  method: [
    "NFS 4.2, one client, a directory in memory. The time to the first file runs from just before the exec of the competitor as PID 1 until a client",
    "that tries the port every 20 ms, then mounts by mount.nfs, has read a file. Then the client appends numbered records with a lock held, each",
    "synced; the container gets SIGKILL and is started again at once, with what the competitor keeps on a volume, and the pause is the longest time",
    "between two records. All records and the lock have to be there afterwards. Nothing else in the network namespace has the kernel's server open, so that it",
    "ends with the container: the client is refused, and tries again every 3 s, which is most of the pause. Memory is that of all processes in the",
    "container while the client writes. nfs-init serve has its defaults, versions 3 to 4.2. The script mounts what nfsd needs, starts rpcbind,",
    "nfsdcld, rpc.mountd and rpc.nfsd, and serves the same versions without a status monitor. On this kernel a fork and exec costs some 30 ms: the",
    "figures are upper bounds, to be read beside each other.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 0,
  rounds: 5,
  cases: caseNames.map((name) => ({ name, ...cases[name] })),
  targets: [
    { case: "answer", beside: { competitor: "nfs-utils", by: "ratio" }, median: 1 },
    {
      case: "pause",
      median: 5_000,
      left: "The client's kernel waits 3 s before it connects again to a server that has refused it.",
    },
    { case: "resident", beside: { competitor: "nfs-utils", by: "ratio" }, median: 1 },
  ],
  open,
};

const competitors: readonly Competitor[] = [
  { name: "nfs-init", title: "nfs-init serve", role: "ours" },
  { name: "nfs-utils", title: "shell: rpcbind, nfsdcld, rpc.mountd, rpc.nfsd", role: "peer" },
];

const starts: Readonly<Record<string, string>> = {
  "nfs-init": "env NFS_EXPORT=/data NFS_EXPORT_CLIENTS=* NFS_SERVER_STATE=/lab/state/kept nfs-init serve",
  "nfs-utils": `env STATE=/lab/state/kept ${peerFolder}/nfs-utils-server.sh`,
};

async function open(rounds: number): Promise<Rig> {
  // One trial gives all figures.
  const known = new Map<string, Readonly<Record<Case, number>>>();
  return openLabRig({
    competitors,
    lifetimeMs: rounds * competitors.length * trialLimitMs,
    run: async (lab, trial) => {
      const key = `${trial.round} ${trial.competitor}`;
      const figures = known.get(key) ?? (await live(lab, trial));
      known.set(key, figures);
      return figures[trial.case as Case];
    },
  });
}

const setUp = `umount -l /proc/fs/nfsd; mount -t tmpfs disk /lab/state/disk
mkdir -m 777 /lab/state/disk/data; echo hello >/lab/state/disk/data/hello`;

/** What a client mounts. */
const paths: Readonly<Record<string, string>> = { "nfs-init": "/data", "nfs-utils": "/" };

/** Says when it has read the file, then the number and the time of each record. */
const client = (path: string) => `pause() { local REPLY; read -r -t "$1" <>/lab/state/never || :; }
until (exec 3<>/dev/tcp/10.77.0.1/2049) 2>/dev/null; do pause 0.02; done
until mount -t nfs -o vers=4.2 10.77.0.1:${path} /mnt 2>/dev/null; do pause 0.02; done
read -r hello </mnt/hello; echo $hello $EPOCHREALTIME
exec 9>>/mnt/log; flock 9
for ((n = 1; ; n++)); do
  echo $n | dd conv=fsync status=none >&9 || exit
  echo $n $EPOCHREALTIME
  [ ! -e /lab/state/enough ] || break
done
umount -l /mnt`;

async function live(lab: Lab, { competitor }: Trial): Promise<Readonly<Record<Case, number>>> {
  const { stdout, stderr } = await lab.run(
    `
    . /lab/project/bench/guest/cost.sh
    records() { local lines=(); mapfile -t lines </lab/state/said; count=\${#lines[@]}; }
    until_records() { local wanted=$1; for ((tries = 0; tries < 600; tries++)); do records; [ $count -lt $wanted ] || return 0; pause 0.1; done; return 1; }
    start() {
      container srv --name box --setup 'mkdir -p /data; mount --bind /lab/state/disk/data /data' -- \
        bash -c 'echo $EPOCHREALTIME >/lab/state/from; exec "$@"' from ${starts[competitor] ?? ""} &
    }
    reset
    srv_down; read -r nfsdcld </lab/state/nfsdcld; kill $nfsdcld
    rm -rf /lab/state/kept /lab/state/enough; : >/lab/state/said; mkdir -p /lab/state/disk /lab/state/kept
    in_ srv bash -c ${quote(setUp)}
    in_ c1 bash -c ${quote(client(paths[competitor] ?? ""))} >/lab/state/said &
    client=$!
    start
    until_records 20 || exit
    cat /lab/state/from
    cost $(container_pid box)
    container_signal box KILL
    wait $!
    start
    records
    until_records $((count + 20)) || exit
    echo yes >/lab/state/enough
    wait $client
    tail -n +2 /lab/state/said | cut -d ' ' -f 1 | busybox cmp - <(in_ srv cat /lab/state/disk/data/log) && cat /lab/state/said
    container_signal box KILL
    wait $! || :`,
    { timeoutMs: trialLimitMs },
  );
  const [from = "", cost = "", first = "", ...records] = stdout.trim().split("\n");
  const [, residentKib = Number.NaN, privateKib = Number.NaN] = cost.split(" ").map(Number);
  const times = records.map((line) => Number(line.split(" ")[1]) * 1000);
  const pauses = times.slice(1).map((ms, index) => ms - (times[index] ?? Number.NaN));
  const figures = {
    answer: Number(first.replace("hello ", "")) * 1000 - Number(from) * 1000,
    pause: Math.max(...pauses),
    resident: (residentKib * 1024) / 1e6,
    private: (privateKib * 1024) / 1e6,
  };
  if (times.length < 20 || Object.values(figures).some((figure) => Number.isNaN(figure))) {
    throw new Error(`${competitor} has not served:\n${stdout}\n${stderr}`);
  }
  return figures;
}
