// How soon a process serves again once the server of its share is back as another one, on a real kernel's NFS.

import type { Lab } from "../../support/lab/lab.ts";
import { quote } from "../../support/quote.ts";
import { openLabRig, peerFolder } from "../lab-rig.ts";
import { spreadMoments } from "../lost-trial.ts";
import type { Competitor, Measurement, Rig, Trial } from "../measurement.ts";

/** How long COMMAND reads at least before the server goes. */
const settleSeconds = 3;
/** How long the server is away at least: by then everybody has seen it. */
const awaySeconds = 10;
/** It comes back within this time after that: the longest interval of all competitors, so that no phase of it is preferred. */
const spreadSeconds = 5;
/** The slowest competitor is held up for a minute by what its client remembers of the share. */
const recoverySeconds = 150;
const trialLimitMs = 240_000;

const competitors: readonly Competitor[] = [
  { name: "restart", title: "nfs-init, NFS_WATCH=restart", role: "ours" },
  { name: "restart-1s", title: "nfs-init, NFS_WATCH=restart NFS_WATCH_INTERVAL=1s", role: "peer" },
  { name: "remount", title: "nfs-init, NFS_WATCH=remount", role: "peer" },
  { name: "exit", title: "nfs-init, NFS_WATCH=exit, container started again", role: "peer" },
  { name: "watchdog", title: "shell watchdog that remounts", role: "peer" },
  { name: "told", title: "shell that remounts, told when", role: "floor" },
];

const starts: Readonly<Record<string, { readonly start: string; readonly env: Readonly<Record<string, string>> }>> = {
  restart: { start: "nfs-init --", env: { NFS_WATCH: "restart" } },
  "restart-1s": { start: "nfs-init --", env: { NFS_WATCH: "restart", NFS_WATCH_INTERVAL: "1s" } },
  remount: { start: "nfs-init --", env: { NFS_WATCH: "remount" } },
  exit: { start: "nfs-init --", env: { NFS_WATCH: "exit" } },
  watchdog: { start: `${peerFolder}/watchdog-remount.sh`, env: {} },
  told: { start: `${peerFolder}/told-back.sh`, env: {} },
};

const floor = "told";

export const recovery: Measurement = {
  name: "recovery",
  title: "A server that comes back as another one",
  question:
    "The server goes away and comes back with its export made anew, so that every handle is stale. How soon does the process serve again?",
  method: [
    "NFS 4.2. COMMAND reads a file of the share every 20 ms. The server's machine goes away and refuses connections from then on; another",
    `one, with its address and its export under another fsid, starts nfsd some ${awaySeconds} to ${awaySeconds + spreadSeconds} s later, at a moment that is the same for`,
    "all competitors of a round. The time runs from the return of the system call that starts nfsd until COMMAND has read what only the new",
    "server has in that file, on the clock of that one kernel. nfs-init has its defaults but for what is named. With NFS_WATCH=exit the container is",
    "made and started again 0.1 s after it has ended, as by a container engine. The shell watchdog runs `timeout 3 stat` on the mount point every",
    "5 s; when that fails it kills its child, calls `umount -l` and mount, and starts the child again. The floor is a shell that is told when",
    "the server is back, calls `umount -l` and mount at once, and leaves COMMAND running. In all figures is the pause that the kernel's client",
    "makes before it connects again to a server that has refused it: up to 3 s, seen by a statfs that begins as the server returns.",
  ].join(" "),
  unit: "ms",
  where: "lab",
  warmUpRounds: 0,
  rounds: 5,
  cases: [
    { name: "return", title: "From the server's return to the first good read" },
    {
      name: "longer",
      title: "The same: longer than the floor",
      competitors: competitors.map(({ name }) => name).filter((name) => name !== floor),
    },
  ],
  targets: [
    {
      case: "longer",
      median: 1500,
      left: [
        "A share that looks lost is looked at again 1 s later, before COMMAND is ended for it: an export that is being changed is gone for a",
        "moment, too. The server's return is seen within 300 ms; the end of COMMAND, the unmount, the mount and its new start are the rest.",
      ].join(" "),
    },
  ],
  open,
};

async function open(rounds: number): Promise<Rig> {
  const moments = spreadMoments(rounds);
  // Both cases are made of the same trials.
  const known = new Map<string, number>();
  return openLabRig({
    competitors,
    lifetimeMs: rounds * competitors.length * trialLimitMs,
    run: async (lab, { round, case: name, competitor }) => {
      const timeOf = async (who: string): Promise<number> => {
        const key = `${round} ${who}`;
        const time = known.get(key) ?? (await replaceServer(lab, who, moments[round] ?? 0));
        known.set(key, time);
        return time;
      };
      return (await timeOf(competitor)) - (name === "longer" ? await timeOf(floor) : 0);
    },
  });
}

/** Returns the milliseconds from the server's return to the first good read. `moment` is when it returns, from 0 to 1. */
async function replaceServer(lab: Lab, competitor: Trial["competitor"], moment: number): Promise<number> {
  const { start, env } = starts[competitor] ?? { start: "false", env: {} };
  const variables = Object.entries({
    NFS_HOST: "10.77.0.1",
    NFS_HOST_MOUNT: "/srv/exp",
    NFS_MOUNT_POINT: "/mnt/share",
    NFS_VERSION: "4.2",
    SOURCE: "10.77.0.1:/srv/exp",
    TARGET: "/mnt/share",
    VERSION: "4.2",
    TOLD: "/lab/state/told",
    ...env,
  })
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(" ");
  const { stdout, stderr } = await lab.run(
    `
    reset
    rm -f /lab/state/read /lab/state/told
    : >/lab/state/read
    mkfifo /lab/state/told
    # The pause, and that the container is made anew: what a container engine does about one that has ended.
    supervise() {
      while
        ${variables} container c1 --name box --setup 'mkdir /mnt/share' -- \\
          ${start} /lab/project/test/bench/guest/reader.sh /mnt/share/hello /lab/state/read
        [ $? = 75 ]
      do pause 0.1; done
    }
    # Whether COMMAND has read TEXT, within SECONDS; leaves the time in \`first\`.
    has_read() {
      local until=$((SECONDS + $2)) time text
      while [ $SECONDS -lt $until ]; do
        while read -r time text; do
          [ "$text" != "$1" ] || { first=$time; return; }
        done </lab/state/read
        pause 0.2
      done
      return 1
    }
    supervise &
    supervisor=$!
    has_read hello 60 || exit
    pause ${settleSeconds}
    fresh srv
    srv_export /srv/exp 101
    in_ srv sh -c 'echo back >/srv/exp/hello'
    pause ${(awaySeconds + moment * spreadSeconds).toFixed(3)}
    in_ srv bash -c '
      rpcbind -w
      rpc.mountd --port 20048
      echo 10 >/proc/fs/nfsd/nfsv4leasetime
      echo 10 >/proc/fs/nfsd/nfsv4gracetime
      echo 4 >/proc/fs/nfsd/threads
      echo $EPOCHREALTIME
      echo 1<>/lab/state/told' </dev/null
    echo up >/lab/state/srv
    has_read back ${recoverySeconds} && echo $first
    container_signal box KILL
    wait $supervisor`,
    { timeoutMs: trialLimitMs },
  );
  const [returnSeconds, readSeconds] = stdout.trim().split(/\s+/).map(Number);
  if (returnSeconds === undefined || readSeconds === undefined) {
    throw new Error(`${competitor} does not serve again:\n${stdout}\n${stderr}`);
  }
  return (readSeconds - returnSeconds) * 1000;
}
