// What a client that waits for its server puts on the network, on a real kernel's NFS.

import type { Lab } from "../../test/support/lab/lab.ts";
import { openLabRig, peerFolder } from "../lab-rig.ts";
import type { Competitor, Measurement, Rig, Trial } from "../measurement.ts";

/** What a client waits for that is not there yet; each has a client of its own. */
const servers = {
  refusing: { title: "The server refuses every connection", address: "10.77.0.1" },
  rpcbind: { title: "Of the server only rpcbind answers", address: "10.77.0.12" },
  silent: { title: "The server answers nothing", address: "10.77.0.2" },
} as const;

type Server = keyof typeof servers;

const serverNames = Object.keys(servers) as Server[];

/** Seconds from the client's start to the begin and the end of what is counted. */
const windows = {
  early: { title: "in the first 2 minutes", from: 0, to: 120, target: 15 },
  late: { title: "after 2 minutes", from: 125, to: 145, target: 5 },
} as const;

type Window = keyof typeof windows;

const windowNames = Object.keys(windows) as Window[];

/** What the packets are, where they are most. */
const left =
  "Each second has four questions to port 2049, two packets each; rpcbind is asked in every eighth round, which is ten packets or more.";

const trialLimitMs = 250_000;

export const waitTraffic: Measurement = {
  name: "wait-traffic",
  title: "The traffic of waiting",
  question: "A client waits for its server. How many packets does it exchange with it meanwhile?",
  method: [
    "IP packets that the client's network namespace has sent or received (/proc/net/snmp; ARP is not among them), over the first",
    `${windows.early.to} s after its start, and over ${windows.late.to - windows.late.from} s that begin ${windows.late.from} s after it. The server's host`,
    "answers every connection by a reset, or runs rpcbind and nothing else, or drops all that comes. nfs-init has its defaults, which ask",
    "for NFS 4 and, where that does not answer, for NFS 3. The loops ask for NFS 4.2 and pause 50 ms; one call of mount.nfs takes a",
    "second where it is refused, and minutes where nobody answers. On this kernel a fork and exec costs some 30 ms: elsewhere the loop",
    "over rpcinfo comes round more often, and sends more.",
  ].join(" "),
  unit: "packets per s",
  where: "lab",
  warmUpRounds: 0,
  rounds: 2,
  cases: serverNames.flatMap((server) =>
    windowNames.map((name) => ({
      name: `${server}-${name}`,
      title: `${servers[server].title}: ${windows[name].title}`,
    })),
  ),
  targets: serverNames.flatMap((server) =>
    windowNames.map((name) => ({
      case: `${server}-${name}`,
      median: windows[name].target,
      left: server === "rpcbind" && name === "early" ? left : undefined,
    })),
  ),
  plots: serverNames.map((server) => ({
    kind: "strip",
    name: server,
    title: servers[server].title,
    cases: windowNames.map((name) => `${server}-${name}`),
  })),
  open,
};

const competitors: readonly Competitor[] = [
  { name: "nfs-init", title: "nfs-init", role: "ours" },
  { name: "nfs-init-4.2", title: "nfs-init, NFS_VERSION=4.2", role: "peer" },
  { name: "mount-loop", title: "shell loop over mount.nfs", role: "peer" },
  { name: "rpc-loop", title: "shell loop over rpcinfo, then mount.nfs", role: "peer" },
];

const commands: Readonly<Record<string, string>> = {
  "nfs-init": "nfs-init --",
  "nfs-init-4.2": "env NFS_VERSION=4.2 nfs-init --",
  "mount-loop": `${peerFolder}/mount-loop.sh`,
  "rpc-loop": `${peerFolder}/rpc-loop.sh`,
};

async function open(rounds: number): Promise<Rig> {
  // One trial gives the figures of all servers.
  const known = new Map<string, ReadonlyMap<string, number>>();
  return openLabRig({
    competitors,
    lifetimeMs: rounds * competitors.length * trialLimitMs,
    prepare: async (lab) => {
      await lab.sh(`
        . /lab/project/bench/guest/clients.sh
        clients_up ${serverNames.length}
        in_ c2 rpcbind -w
        in_ srv ip addr add ${servers.silent.address}/24 dev eth0
        in_ srv iptables-legacy -I INPUT -d ${servers.silent.address} -j DROP`);
    },
    run: async (lab, trial) => {
      const key = `${trial.round} ${trial.competitor}`;
      const figures = known.get(key) ?? (await waitInVain(lab, trial));
      known.set(key, figures);
      const figure = figures.get(trial.case);
      if (figure === undefined) throw new Error(`there is no figure ${trial.case}`);
      return figure;
    },
  });
}

/** Returns packets a second by the name of the case. */
async function waitInVain(lab: Lab, { competitor }: Trial): Promise<ReadonlyMap<string, number>> {
  const hosts = serverNames.map((_, index) => `k${index + 1}`);
  const { stdout, stderr } = await lab.run(
    `
    . /lab/project/bench/guest/clients.sh
    count() {
      local host line=$EPOCHREALTIME
      for host in ${hosts.join(" ")}; do line+=" $(client_packets $host)"; done
      echo $line
    }
    export NFS_HOST_MOUNT=/srv/exp NFS_MOUNT_POINT=/mnt/share TARGET=/mnt/share VERSION=4.2
    count
    ${serverNames
      .map(
        (
          server,
          index,
        ) => `NFS_HOST=${servers[server].address} SERVER=${servers[server].address} SOURCE=${servers[server].address}:/srv/exp \\
      container k${index + 1} --name k${index + 1} --setup 'mkdir /mnt/share' -- ${commands[competitor] ?? ""} true >/dev/null 2>&1 &`,
      )
      .join("\n    ")}
    pause ${windows.early.to}
    count
    pause ${windows.late.from - windows.early.to}
    count
    pause ${windows.late.to - windows.late.from}
    count
    for host in ${hosts.join(" ")}; do container_signal $host KILL; done
    wait`,
    { timeoutMs: trialLimitMs },
  );
  const counts = stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" ").map(Number));
  const figures = new Map<string, number>();
  for (const [name, from, to] of [
    ["early", 0, 1],
    ["late", 2, 3],
  ] as const) {
    const [before, after] = [counts[from], counts[to]];
    serverNames.forEach((server, index) => {
      const seconds = (after?.[0] ?? Number.NaN) - (before?.[0] ?? Number.NaN);
      const packets = (after?.[index + 1] ?? Number.NaN) - (before?.[index + 1] ?? Number.NaN);
      figures.set(`${server}-${name}`, packets / seconds);
    });
  }
  if ([...figures.values()].some((figure) => !(figure > 0))) {
    throw new Error(`${competitor} has not waited for all servers:\n${stdout}\n${stderr}`);
  }
  return figures;
}
