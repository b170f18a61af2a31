// How soon COMMAND runs once a server that was not there begins to answer, on a real kernel's NFS.

import type { Lab } from "../../test/support/lab/lab.ts";
import { installProgram, openLabRig, peerFolder } from "../lab-rig.ts";
import type { Case, Competitor, Measurement, Rig, Trial } from "../measurement.ts";
import { spreadMoments } from "../rounds.ts";
import { makeStampProgram } from "../stamp.ts";

/** How long a competitor runs at least before the server starts: by then it has found the server missing. */
const settleMs = 3000;
/** The server starts within this time after that. */
const spreadMs = 10_000;
const trialLimitMs = 60_000;
const warmUpRounds = 1;

interface Situation extends Pick<Measurement, "name" | "title" | "method"> {
  /** What the server speaks, and the version by which the shells mount. */
  readonly case: Case & { readonly name: "v3" | "v4.2" };
  /** What is left to the floor. */
  readonly left: string;
}

export const lateServer = comesLate({
  name: "late-server",
  title: "A server that comes late",
  method: [
    "The server is down as the container starts: it refuses every connection. It is started (rpcbind, mountd, then nfsd) some",
    `${settleMs / 1000} to ${(settleMs + spreadMs) / 1000} s later, at a moment that is the same for all competitors of a round and another one in each round. The time runs`,
    "from the return of the system call that starts nfsd to the first instructions of COMMAND, on the clock of that one kernel.",
    "nfs-init runs with its defaults: it asks the server every 250 ms in the first 2 minutes, so that within these the moment does",
    "not matter to it, and every second after that, which adds up to 0.8 s. The loops pause 50 ms, between calls of up to a second;",
    "they and the floor are told the version to mount by, nfs-init and the shell entrypoint find it out. The shell entrypoint runs as it is: after its 5 s it",
    "calls mount, and mount.nfs then tries again by itself, with pauses that grow to 10 s: the later the server comes, the longer it",
    "takes. The floor is a shell that is told when the server is up and calls mount.nfs once; a mount call that was already under",
    "way can undercut it. On this kernel a fork and exec costs some 30 ms and a mount 100 to 300 ms, many times what they cost",
    "elsewhere: the figures are upper bounds, to be read beside each other.",
  ].join(" "),
  case: { name: "v4.2", title: "The server speaks NFS 3 to 4.2" },
  left: [
    "Up to the 250 ms between two questions, less where the server's kernel takes one while nfsd starts and answers it once it is up;",
    "then the mount, and a look at it.",
  ].join(" "),
});

export const lateServerV3 = comesLate({
  name: "late-server-v3",
  title: "A server of NFS 3 that comes late",
  method: `As under "${lateServer.title}".`,
  case: { name: "v3", title: "The server speaks NFS 3 only" },
  left: "The same, and the questions to rpcbind, NFS and mountd.",
});

/** A measurement for each server, so that two can run side by side. */
function comesLate({ name, title, method, case: only, left }: Situation): Measurement {
  return {
    name,
    title,
    question: "COMMAND waits for a share whose server is not up yet. How soon does it run once the server answers?",
    method,
    unit: "ms",
    where: "lab",
    warmUpRounds,
    rounds: 50,
    cases: [only],
    targets: [
      {
        case: only.name,
        beside: { competitor: "rpc-loop", by: "difference" },
        median: 50,
        p95: 200,
        left,
      },
    ],
    plots: [{ kind: "distribution", title: "From the server's start to COMMAND", case: only.name }],
    open,
  };
}

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
  const moments = spreadMoments(rounds);
  return openLabRig({
    competitors,
    lifetimeMs: (rounds + warmUpRounds) * competitors.length * trialLimitMs,
    prepare: (lab) => installProgram(lab, "/usr/local/bin/stamp", makeStampProgram("realtime")),
    run: (lab, trial) => runTrial(lab, trial, (moments[trial.round] ?? 0) * spreadMs),
  });
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
