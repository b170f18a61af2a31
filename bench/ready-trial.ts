// One trial of starting on shares in the lab whose server is up: a competitor as a container's PID 1, and when COMMAND ran.

import type { Lab } from "../test/support/lab/lab.ts";
import { quote } from "../test/support/quote.ts";
import { installProgram } from "./lab-rig.ts";
import { makeMounterProgram, makeStampProgram, makeWaiterProgram } from "./stamp.ts";

/** The server's address. */
export const server = "10.77.0.1";

/** Which versions the server speaks: all from 3 to 4.2, or one family of them. */
export type Speaks = "all" | "3" | "4";

/** Programs that `installPrograms` puts into the lab. */
export const programs = {
  stamp: "/usr/local/bin/stamp",
  waiter: "/usr/local/bin/waiter",
  mounter: "/usr/local/bin/mounter",
} as const;

export interface ReadyTrial {
  /** What runs COMMAND: words of a shell. */
  readonly start: string;
  readonly env: Readonly<Record<string, string>>;
  readonly speaks: Speaks;
  /** How many shares COMMAND is to find mounted: `sources` and `targets` say which. */
  readonly shares: number;
  /** The version by which they are to be mounted. */
  readonly version: string;
  /** Shell text for the lab, before the container starts. */
  readonly before?: string;
  /** Shell text for the container, before the competitor. */
  readonly setup?: string;
}

/** Has all that the trials run in the page cache, as after a first start, and makes the stopwatches. */
export async function installPrograms(lab: Lab): Promise<void> {
  await lab.sh(`
    cat /usr/local/bin/nfs-init >/dev/null
    for each in 'mount --version' 'mount.nfs -V' 'tini --version' 'grep --version' 'sleep 0'; do
      $each
    done >/dev/null 2>&1`);
  const made = [
    [programs.stamp, makeStampProgram("realtime")],
    [programs.waiter, makeWaiterProgram("realtime")],
    [programs.mounter, makeMounterProgram()],
  ] as const;
  for (const [file, program] of made) await installProgram(lab, file, program);
}

export function sources(shares: number): readonly string[] {
  return numbers(shares).map((number) => `${server}:/srv/exp/s${number}`);
}

/** The mount points, which are there before the competitor starts. */
export function targets(shares: number): readonly string[] {
  return numbers(shares).map((number) => `/shares/${number}`);
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

const trialLimitMs = 120_000;

const serverOptions: Readonly<Record<Speaks, string>> = { all: "", "3": "--v3", "4": "--v4" };

/** Returns the milliseconds from just before the exec of the competitor to COMMAND's first instructions. */
export async function startOnShares(lab: Lab, trial: ReadyTrial): Promise<number> {
  const { start, env, speaks, shares, version, before = "", setup = "" } = trial;
  const variables = Object.entries(env)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(" ");
  const makeTargets = `mkdir -p ${targets(shares).join(" ")}`;
  const { stdout, stderr, exitCode } = await lab.run(
    `
    reset
    ${speaks === "all" ? "" : `srv_up ${serverOptions[speaks]}`}
    rm -f /lab/state/up
    mkfifo /lab/state/up
    in_ srv sh -c 'cd /srv/exp && mkdir $(seq -f s%g ${shares})'
    ${before}
    ${variables} container c1 --name box --setup ${quote(`${makeTargets}\n${setup}`)} -- \\
      bash -c 'echo $EPOCHREALTIME >/lab/state/from; exec "$@"' from ${start} ${programs.waiter} >/lab/state/up &
    head -c 16 /lab/state/up | od -An -td8
    cat /lab/state/from
    container_exec box grep -c ' /shares/.* nfs4\\? .*,vers=${version.replace(".", "[.]")},' /proc/self/mounts
    container_signal box KILL
    wait $! || :`,
    { timeoutMs: trialLimitMs },
  );
  const [command = [], [fromSeconds] = [], [mounted] = []] = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const [commandSeconds, commandNanoseconds] = command;
  if (
    mounted !== shares ||
    fromSeconds === undefined ||
    commandSeconds === undefined ||
    commandNanoseconds === undefined
  ) {
    const wanted = `${shares} mounted by version ${version}`;
    throw new Error(`${start} did not start COMMAND with ${wanted} (exit code ${exitCode}):\n${stdout}\n${stderr}`);
  }
  return (commandSeconds - fromSeconds) * 1000 + commandNanoseconds / 1e6;
}
