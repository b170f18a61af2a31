// How soon COMMAND runs once a server that was not there begins to answer, on a real kernel's NFS.

import { bootLab } from "../../support/lab/lab.ts";
import type { Lab } from "../../support/lab/lab.ts";
import { nfsInit, peerFolder, readVersions, requireBinary } from "../lab-rig.ts";
import type { Competitor, Measurement, Rig, Trial } from "../measurement.ts";
import { shuffle } from "../rounds.ts";
import { makeStampProgram } from "../stamp.ts";

/** How long a competitor runs at least before the server starts: by then it has found the server missing. */
const settleMs = 4000;
/** The server starts within this time after that. */
const spreadMs = 20_000;
const trialLimitMs = 90_000;

export const lateServer: Measurement = {
  name: "late-server",
  title: "A server that comes late",
  question: "COMMAND waits for a share whose server is not up yet. How soon does it run once the server answers?",
  method: [
    "The server is down as the container starts: it refuses every connection. It is started (rpcbind, mountd, then nfsd)",
    "some 5 to 25 s later, at a moment that is the same for all competitors of a round and another one in each round. The",
    "time runs from the return of the system call that starts nfsd to the first instructions of COMMAND, on the clock of that",
    "one kernel. nfs-init runs with its defaults, the shell entrypoint as it is: after its 5 s it calls mount, and mount.nfs",
    "then tries again by itself, with pauses that grow to 10 s. The loops pause 50 ms. The floor is a shell that is told when",
    "the server is up and calls mount.nfs once; a mount call that was already under way can undercut it. On this kernel a fork",
    "and exec costs some 30 ms and a mount 100 to 300 ms: the figures are upper bounds, to be read beside each other.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 1,
  rounds: 6,
  cases: [
    { name: "v3", title: "The server speaks NFS 3 only" },
    { name: "v4.2", title: "The server speaks NFS 3 to 4.2" },
  ],
  open,
};

const competitors: readonly Competitor[] = [
  { name: "nfs-init", title: "nfs-init", role: "ours" },
  { name: "shell-entrypoint", title: "shell entrypoint", role: "peer" },
  { name: "mount-loop", title: "shell loop over mount.nfs", role: "peer" },
  { name: "rpc-loop", title: "shell loop over rpcinfo, then mount.nfs", role: "peer" },
  { name: "told", title: "mount.nfs, told when", role: "floor" },
];

const commands: Readonly<Record<string, string>> = {
  "nfs-init": "nfs-init --",
  "shell-entrypoint": `${peerFolder}/shell-entrypoint.sh`,
  "mount-loop": `${peerFolder}/mount-loop.sh`,
  "rpc-loop": `${peerFolder}/rpc-loop.sh`,
  told: `${peerFolder}/told.sh`,
};

async function open(rounds: number): Promise<Rig> {
  requireBinary();
  const trials = (rounds + lateServer.warmUpRounds) * lateServer.cases.length * competitors.length;
  const lifetimeMs = trials * trialLimitMs;
  const lab = await bootLab({ binary: nfsInit, lifetimeMs });
  try {
    await lab.sh(`
      base64 -d >/usr/local/bin/stamp <<<${makeStampProgram("realtime").toString("base64")}
      chmod +x /usr/local/bin/stamp`);
    const moments = spreadMoments(rounds);
    return {
      competitors,
      absent: [],
      setting: await readVersions(lab),
      run: (trial) => runTrial(lab, trial, moments[trial.round] ?? 0),
      close: () => lab.stop(),
    };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

/** One random moment in each of `count` equal parts of the spread, in random order. */
function spreadMoments(count: number): number[] {
  const parts = Array.from({ length: count }, (_, part) => ((part + Math.random()) * spreadMs) / count);
  return shuffle(parts);
}

/** Returns the milliseconds from the server's start to COMMAND. The server starts `momentMs` after the competitor has settled. */
async function runTrial(lab: Lab, trial: Trial, momentMs: number): Promise<number> {
  const version = trial.case.slice(1);
  const output = await lab.run(
    `
    rm -f /lab/state/told
    mkfifo /lab/state/told
    export NFS_HOST=$SRV NFS_HOST_MOUNT=/srv/exp NFS_MOUNT_POINT=/mnt/share TEST=
    export TOLD=/lab/state/told SERVER=$SRV SOURCE=$SRV:/srv/exp TARGET=/mnt/share VERSION=${version}
    container c1 --setup 'mkdir /mnt/share' -- ${commands[trial.competitor]} stamp | od -An -td8 &
    sleep ${((settleMs + momentMs) / 1000).toFixed(3)}
    in_ srv bash -c '
      rpcbind -w
      rpc.mountd --port 20048
      echo 10 >/proc/fs/nfsd/nfsv4leasetime
      echo 10 >/proc/fs/nfsd/nfsv4gracetime
      echo ${version === "3" ? "-4" : "+4"} >/proc/fs/nfsd/versions
      echo 4 >/proc/fs/nfsd/threads
      echo $EPOCHREALTIME
      ${trial.competitor === "told" ? "echo >/lab/state/told" : ""}' </dev/null
    wait
    srv_down`,
    { timeoutMs: trialLimitMs },
  );
  const [serverSeconds, commandSeconds, commandNanoseconds] = output.stdout.trim().split(/\s+/).map(Number);
  if (serverSeconds === undefined || commandSeconds === undefined || commandNanoseconds === undefined) {
    throw new Error(`${trial.competitor} did not start COMMAND (${trial.case}):\n${output.stderr}`);
  }
  const delayMs = (commandSeconds - serverSeconds) * 1000 + commandNanoseconds / 1e6;
  if (delayMs < 0) throw new Error(`${trial.competitor} started COMMAND before the server was up (${trial.case})`);
  return delayMs;
}
