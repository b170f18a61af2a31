// How long COMMAND waits for shares whose server is up: from exec to its first instruction, on a real kernel's NFS.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lab } from "../../test/support/lab/lab.ts";
import { nfsInit, openLabRig, peerFolder } from "../lab-rig.ts";
import type { Case, Competitor, Measurement, Rig } from "../measurement.ts";
import { installPrograms, programs, server, sources, startOnShares, targets } from "../ready-trial.ts";
import type { ReadyTrial } from "../ready-trial.ts";
import { parseStamps, writeStampProgram } from "../stamp.ts";
import type { Stamps } from "../stamp.ts";
import { runStamped } from "../stamped.ts";
import { quantile } from "../statistics.ts";

const trialLimitMs = 120_000;
/** How often nfs-init is started without shares in a round, here and in the lab. */
const startsEach = 5;

interface Situation extends Pick<ReadyTrial, "speaks" | "shares" | "version"> {
  readonly name: string;
  readonly title: string;
  /** What is left to the limit. */
  readonly left: string;
}

const situations: readonly Situation[] = [
  {
    name: "v4.2-1",
    title: "NFS 4.2, 1 share",
    speaks: "all",
    version: "4.2",
    shares: 1,
    left: [
      "The code for shares is read; the server is asked; the guard is put under the share and the mount looked at, each in a child. The",
      "lab's one core does one after the other.",
    ].join(" "),
  },
  {
    name: "v3-1",
    title: "NFS 3, 1 share",
    speaks: "3",
    version: "3",
    shares: 1,
    left: "The same, and rpcbind is asked for NFS and for mountd, and then these two.",
  },
  {
    name: "v4.2-16",
    title: "NFS 4.2, 16 shares",
    speaks: "all",
    version: "4.2",
    shares: 16,
    left: "The same, and for each share children make the mount point ready, put the guard under it and look at it, where the limit makes one call.",
  },
];

const competitors: readonly Competitor[] = [
  { name: "nfs-init", title: "nfs-init", role: "ours" },
  { name: "plain", title: "nfs-init, NFS_GUARD=off NFS_WATCH=off", role: "peer" },
  { name: "shell-entrypoint", title: "shell entrypoint", role: "peer" },
  { name: "shell-entrypoint-100ms", title: "shell entrypoint, sleep 0.1", role: "peer" },
  { name: "port-wait", title: "shell that waits for the port and mounts", role: "peer" },
  { name: "mount", title: "mount(2), then exec", role: "peer" },
  { name: "tini", title: "tini, mounted beforehand", role: "floor" },
  { name: "here", title: "nfs-init on this machine", role: "peer" },
];

/** Those that start COMMAND on a share; a shell entrypoint knows one share only. */
const starting = ["nfs-init", "plain", "shell-entrypoint", "shell-entrypoint-100ms", "port-wait", "mount", "tini"];
const startingMany = starting.filter((name) => !name.startsWith("shell-entrypoint"));

/** Those whose time is work, and so is longer in the lab: a sleep is not. */
const scaled = ["nfs-init", "plain", "port-wait"];

const factorCase: Case = {
  name: "factor",
  title: "The lab's factor: nfs-init without shares, from exec to COMMAND",
  competitors: ["nfs-init", "here"],
};

/** Milliseconds by competitor. */
type Empty = Readonly<Record<"nfs-init" | "here", number>>;

export const serverReady: Measurement = {
  name: "server-ready",
  title: "Start, server ready",
  question: "The server is up. How soon does COMMAND run on its share, or on its 16 shares?",
  method: [
    "The time runs from just before the exec of the competitor as PID 1 to the first instructions of COMMAND, on the clock of that one",
    "kernel; each trial has a client that knows nothing of its server yet, and finds its mount points there. nfs-init has its defaults: it",
    "writes fstab, puts a guard under each share, asks the server, finds the version, and waits until each mount answers. For version 3 the",
    "server speaks nothing else. All programs are in the page cache. The shell entrypoint sleeps 5 s before it mounts, and knows one share; the other one sleeps",
    "0.1 s. The port wait is a loop over bash's /dev/tcp; it is told the version and mounts one share after the other. The limit is a static",
    "program of 200 bytes that calls mount(2) for each share, told version and address, and then execve(2). The floor is tini on shares that",
    `were mounted beforehand. The lab is slower than a machine: its factor is how many times as long the start of nfs-init without shares takes`,
    `in it as on this machine, each the median of ${startsEach} starts in every round. The last tables show what each takes longer than that limit,`,
    "divided by the round's factor: what it would be on this machine, as far as one factor can say. Those that sleep are not in them. The",
    "factor changes with the state of the host: in two runs on the same machine, hours apart, it was 26 and 63, and the last figures of nfs-init",
    "29, 33 and 56 ms in the first, 17, 17 and 9 in the second.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 0,
  rounds: 8,
  cases: [
    factorCase,
    ...situations.map(({ name, title, shares }) => ({
      name,
      title: `${title}: from exec to COMMAND`,
      competitors: shares === 1 ? starting : startingMany,
    })),
    ...situations.map(({ name, title }) => ({
      name: `${name}-scaled`,
      title: `${title}: longer than mount(2) and exec, divided by the lab's factor`,
      competitors: scaled,
    })),
  ],
  targets: situations.map(({ name, shares, left }) => ({
    case: `${name}-scaled`,
    median: shares === 1 ? 10 : 30,
    left,
  })),
  open,
};

async function open(rounds: number): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "nfs-init-bench-"));
  const stamp = join(folder, "stamp");
  writeStampProgram(stamp, "monotonic");
  const removeFolder = (): void => rmSync(folder, { recursive: true });
  // The scaled figures are made of those of their round.
  const known = new Map<string, Promise<number>>();
  const empties = new Map<number, Promise<Empty>>();
  try {
    const rig = await openLabRig({
      competitors,
      lifetimeMs: rounds * situations.length * competitors.length * trialLimitMs,
      prepare: installPrograms,
      run: async (lab, { round, case: name, competitor }) => {
        const empty = await once(empties, round, () => startEmpty(lab, stamp));
        if (name === factorCase.name) return empty[competitor as keyof Empty];
        const situation = situations.find((each) => each.name === name.replace(/-scaled$/, ""));
        if (situation === undefined) throw new Error(`there is no case ${name}`);
        const timeOf = (who: string): Promise<number> =>
          once(known, `${round} ${situation.name} ${who}`, () =>
            startOnShares(lab, { ...situation, ...startOf(who, situation) }),
          );
        const time = await timeOf(competitor);
        if (name === situation.name) return time;
        return (time - (await timeOf("mount"))) / (empty["nfs-init"] / empty.here);
      },
    });
    const close = async (): Promise<void> => {
      await rig.close();
      removeFolder();
    };
    return { ...rig, close };
  } catch (error) {
    removeFolder();
    throw error;
  }
}

/** What was measured under `key` already, or else what `measure` gives. */
function once<K, T>(known: Map<K, Promise<T>>, key: K, measure: () => Promise<T>): Promise<T> {
  const figure = known.get(key) ?? measure();
  known.set(key, figure);
  return figure;
}

/** How a competitor is started: the words before COMMAND, and what it finds. */
function startOf(competitor: string, { shares, version }: Situation): Pick<ReadyTrial, "start" | "env" | "setup"> {
  const lines = sources(shares).map((source, index) => `${source} ${targets(shares)[index] ?? ""}`);
  const configured = { NFS_MOUNTS: lines.join(";") };
  const forEntrypoint = { NFS_HOST: server, NFS_HOST_MOUNT: "/srv/exp/s1", NFS_MOUNT_POINT: "/shares/1", TEST: "" };
  const [type, options] = version === "3" ? ["nfs", "nolock,mountproto=tcp"] : ["nfs4", "nolock"];
  const data = `hard,${options},vers=${version},addr=${server}`;
  switch (competitor) {
    case "nfs-init":
      return { start: "nfs-init --", env: configured };
    case "plain":
      return { start: "nfs-init --", env: { ...configured, NFS_GUARD: "off", NFS_WATCH: "off" } };
    case "shell-entrypoint":
      return { start: `${peerFolder}/shell-entrypoint.sh`, env: forEntrypoint };
    case "shell-entrypoint-100ms":
      return { start: `${peerFolder}/shell-entrypoint.sh`, env: { ...forEntrypoint, PAUSE: "0.1" } };
    case "port-wait":
      return {
        start: `${peerFolder}/port-wait.sh`,
        env: {
          SERVER: server,
          SOURCES: sources(shares).join(" "),
          TARGETS: targets(shares).join(" "),
          VERSION: version,
        },
      };
    case "mount":
      return { start: lines.map((line) => `${programs.mounter} ${line} ${type} ${data}`).join(" "), env: {} };
    case "tini":
      return {
        start: "tini --",
        env: {},
        setup: lines.map((line) => `/usr/bin/mount -i -t ${type} -o ${data} ${line} || exit`).join("\n"),
      };
    default:
      throw new Error(`there is no competitor ${competitor}`);
  }
}

/** How long nfs-init takes from exec to COMMAND without shares, in the lab and on this machine: turn by turn, so that both have the same minute. */
async function startEmpty(lab: Lab, stamp: string): Promise<Empty> {
  const environment = { PATH: process.env["PATH"] ?? "" };
  const inLab: Stamps[] = [];
  const here: Stamps[] = [];
  for (let count = 0; count < startsEach; count += 1) {
    here.push(await runStamped(stamp, { command: [nfsInit, "--", stamp], environment }));
    inLab.push(await runStampedInLab(lab));
  }
  return { "nfs-init": medianStart(inLab), here: medianStart(here) };
}

async function runStampedInLab(lab: Lab): Promise<Stamps> {
  const { stamp } = programs;
  const output = await lab.sh(`container c1 -- ${stamp} /usr/local/bin/nfs-init -- ${stamp} | base64 -w 0`);
  const stamps = parseStamps(Buffer.from(output, "base64"));
  if (stamps?.status !== 0) throw new Error("nfs-init did not run COMMAND in the lab");
  return stamps;
}

function medianStart(starts: readonly Stamps[]): number {
  return quantile(
    starts.map(({ execMs, commandMs }) => commandMs - execMs),
    0.5,
  );
}
