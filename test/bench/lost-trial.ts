// One trial of losing a share in the lab: a competitor in a container, the fault at a chosen moment, and what the clock said.

import type { Lab } from "../support/lab/lab.ts";
import type { Loss } from "../support/losses.ts";
import { logLines } from "../support/process-log.ts";
import { quote } from "../support/quote.ts";
import { shuffle } from "./rounds.ts";

/** How long COMMAND runs at least before the fault: by then the share has been looked at. */
const settleMs = 2_000;
/** The fault comes within this time after that: the longest interval of all competitors, so that no phase of it is preferred. */
const spreadMs = 5_000;

const mountPoint = "/mnt/share";

export interface LostTrial {
  /** What runs COMMAND: words of a shell. */
  readonly start: string;
  readonly env: Readonly<Record<string, string>>;
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

/** One random moment in each of `count` equal parts of the interval, in random order. */
export function spreadMoments(count: number): readonly number[] {
  return shuffle(Array.from({ length: count }, (_, part) => (part + Math.random()) / count));
}

/** The floor's `start` reads the pipe TOLD, which is written to as soon as the fault has been brought about. */
export async function loseShare(lab: Lab, trial: LostTrial): Promise<LostTimes> {
  const { start, env, version, loss, moment } = trial;
  const defaults = {
    NFS_HOST: "10.77.0.1",
    NFS_HOST_MOUNT: "/srv/exp",
    NFS_MOUNT_POINT: mountPoint,
    NFS_VERSION: version,
    ...loss.env,
    SOURCE: "10.77.0.1:/srv/exp",
    TARGET: mountPoint,
    VERSION: version,
    TOLD: "/lab/state/told",
    ...env,
  };
  const variables = Object.entries(defaults)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(" ");
  const { stdout, stderr } = await lab.run(
    `
    reset
    rm -f /lab/state/up /lab/state/told
    mkfifo /lab/state/up /lab/state/told
    ${loss.before ?? "true"}
    ${variables} container c1 --name box --setup 'mkdir ${mountPoint}' -- ${start} sh -c 'echo >/lab/state/up; exec sleep 1000' &
    # Not for ever: what could not be started never says so.
    read -r -t 60 _ <>/lab/state/up || exit
    pause ${((settleMs + moment * spreadMs) / 1000).toFixed(3)}
    ${loss.fault.replaceAll("MOUNT_POINT", mountPoint)}
    fault=$EPOCHREALTIME
    echo <>/lab/state/told >/lab/state/told
    wait $!
    echo "$fault $? $EPOCHREALTIME"`,
    { timeoutMs: 200_000 },
  );
  const [faultSeconds, exitCode, exitSeconds] = stdout.trim().split(" ").map(Number);
  if (faultSeconds === undefined || exitSeconds === undefined || exitCode !== 75) {
    throw new Error(`${start} did not end with 75 when ${loss.name}:\n${stdout}${stderr}`);
  }
  const said = logLines(stderr.replaceAll(/^[^{].*$/gm, "")).find(({ msg }) => msg === "a share is lost");
  const noticedMs = said === undefined ? undefined : Date.parse(said.time) - faultSeconds * 1000;
  return { exitMs: (exitSeconds - faultSeconds) * 1000, noticedMs };
}
