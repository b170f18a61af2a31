// One trial of losing a share in the lab: a competitor in a container, the fault at a chosen moment, and what the clock said.

import type { Lab } from "../test/support/lab/lab.ts";
import type { Loss } from "../test/support/losses.ts";
import { logLines } from "../test/support/process-log.ts";
import { quote } from "../test/support/quote.ts";
import { peerFolder } from "./lab-rig.ts";
import type { Competitor } from "./measurement.ts";

/** How long COMMAND runs at least before the fault: by then the share has been looked at. */
const settleMs = 2_000;
/** The fault comes within this time after that: the longest interval of all competitors, so that no phase of it is preferred. */
const spreadMs = 5_000;

const mountPoint = "/mnt/share";

/** All that a trial may take. */
export const lostLimitMs = 200_000;

/** What runs COMMAND in the container. */
export interface Runner {
  /** What a reader sees. */
  readonly title: string;
  /** Words of a shell. */
  readonly start: string;
  readonly env: Readonly<Record<string, string>>;
}

export function nfsInitWith(env: Runner["env"]): Runner {
  const variables = Object.entries(env).map((variable) => variable.join("="));
  return { title: `nfs-init, ${variables.join(" ")}`, start: "nfs-init --", env };
}

/** One of the competitors' scripts, with its arguments. */
export const script = (title: string, words: string, env: Runner["env"] = {}): Runner => ({
  title,
  start: `${peerFolder}/${words}`,
  env,
});

/** The competitors by name; the floor is the one that is told. */
export function competitorsOf(runners: Readonly<Record<string, Runner>>, ours: string): readonly Competitor[] {
  const roles: Readonly<Record<string, Competitor["role"]>> = { [ours]: "ours", told: "floor" };
  return Object.entries(runners).map(([name, { title }]) => ({ name, title, role: roles[name] ?? "peer" }));
}

export function findRunner(runners: Readonly<Record<string, Runner>>, name: string): Runner {
  const runner = runners[name];
  if (runner === undefined) throw new Error(`there is no competitor ${name}`);
  return runner;
}

export interface LostTrial extends Runner {
  readonly version: string;
  readonly loss: Loss;
  /** When in the interval the fault comes, from 0 to 1. */
  readonly moment: number;
}

export interface LostTimes {
  /** From the fault to the end of the container. */
  readonly exitMs: number;
  /** From the fault to the line of the log that says so; undefined where there is no such line. */
  readonly noticedMs: number | undefined;
}

/** When the fault comes, in seconds from COMMAND's start. */
export function faultAt(moment: number): string {
  return ((settleMs + moment * spreadMs) / 1000).toFixed(3);
}

/** What tells a runner of the share, and of the pipe TOLD: variables, as they stand before a command of a shell. */
export function shareVariables(version: string, env: Runner["env"]): string {
  const variables = {
    NFS_HOST: "10.77.0.1",
    NFS_HOST_MOUNT: "/srv/exp",
    NFS_MOUNT_POINT: mountPoint,
    NFS_VERSION: version,
    SOURCE: "10.77.0.1:/srv/exp",
    TARGET: mountPoint,
    VERSION: version,
    TOLD: "/lab/state/told",
    ...env,
  };
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(" ");
}

/** The floor's `start` reads the pipe TOLD, which is written to as soon as the fault has been brought about. */
export async function loseShare(lab: Lab, trial: LostTrial): Promise<LostTimes> {
  const { title, start, env, version, loss, moment } = trial;
  const { stdout, stderr } = await lab.run(
    `
    reset
    rm -f /lab/state/up /lab/state/told
    mkfifo /lab/state/up /lab/state/told
    ${loss.before ?? "true"}
    ${shareVariables(version, { ...loss.env, ...env })} container c1 --name box --setup 'mkdir ${mountPoint}' -- ${start} sh -c 'echo >/lab/state/up; exec sleep 1000' &
    # Not for ever: what could not be started never says so.
    read -r -t 60 _ <>/lab/state/up || exit
    pause ${faultAt(moment)}
    ${loss.fault.replaceAll("MOUNT_POINT", mountPoint)}
    fault=$EPOCHREALTIME
    echo <>/lab/state/told >/lab/state/told
    wait $!
    echo "$fault $? $EPOCHREALTIME"`,
    { timeoutMs: lostLimitMs },
  );
  const [faultSeconds, exitCode, exitSeconds] = stdout.trim().split(" ").map(Number);
  if (faultSeconds === undefined || exitSeconds === undefined || exitCode !== 75) {
    throw new Error(`${title} did not end with 75 when ${loss.name}:\n${stdout}${stderr}`);
  }
  const said = logLines(stderr.replaceAll(/^[^{].*$/gm, "")).find(({ msg }) => msg === "a share is lost");
  const noticedMs = said === undefined ? undefined : Date.parse(said.time) - faultSeconds * 1000;
  return { exitMs: (exitSeconds - faultSeconds) * 1000, noticedMs };
}
