// One trial of serving again in the lab: COMMAND reads a file of the share behind a competitor, the share becomes another one, and the time
// runs until COMMAND has read what only that one has.

import type { Lab } from "../test/support/lab/lab.ts";
import { nfsInitWith, script, shareVariables } from "./lost-trial.ts";
import type { Runner } from "./lost-trial.ts";

/** The slowest competitor is held up for a minute by what its client remembers of the share. */
const servesWithinSeconds = 150;

/** All that a trial may take. */
export const servingLimitMs = 240_000;

/** What brings COMMAND back to its share. */
export const healers: Readonly<Record<string, Runner>> = {
  restart: nfsInitWith({ NFS_WATCH: "restart" }),
  "restart-1s": nfsInitWith({ NFS_WATCH: "restart", NFS_WATCH_INTERVAL: "1s" }),
  remount: nfsInitWith({ NFS_WATCH: "remount" }),
  exit: nfsInitWith({ NFS_WATCH: "exit" }),
  watchdog: script("shell watchdog", "watchdog-remount.sh"),
  "watchdog-f": script("shell watchdog, stat -f", "watchdog-remount.sh", { LOOK: "stat -f" }),
  told: script("shell, told when", "told-back.sh"),
};

export interface ServingTrial extends Runner {
  /**
   * Shell text for the lab that makes the share another one, with `back` in its file hello. It writes the time from which all
   * counts, and after that to the pipe TOLD, which the floor reads.
   */
  readonly change: string;
}

/** Returns the milliseconds from the change to the first good read. */
export async function serveAgain(lab: Lab, trial: ServingTrial): Promise<number> {
  const { ms, said } = await changeShare(lab, trial, servesWithinSeconds);
  if (ms === undefined) throw new Error(`${trial.title} does not serve again:\n${said}`);
  return ms;
}

/** Returns what a read in the container says `seconds` after the change, of a competitor that is not to serve again by then. */
export async function failToServe(lab: Lab, trial: ServingTrial, seconds: number): Promise<string> {
  const { ms, said } = await changeShare(lab, trial, seconds);
  if (ms !== undefined) throw new Error(`${trial.title} serves again after ${ms} ms`);
  return said;
}

interface Serving {
  /** From the change to the first good read, where there was one in time. */
  readonly ms: number | undefined;
  readonly said: string;
}

async function changeShare(lab: Lab, { start, env, change }: ServingTrial, limitSeconds: number): Promise<Serving> {
  const { stdout, stderr } = await lab.run(
    `
    . /lab/project/bench/guest/serving.sh
    reset
    ${shareVariables("4.2", env)} serve ${start} || exit
    ${change}
    if has_read back ${limitSeconds}; then echo $first; else container_exec box head -n 1 /mnt/share/hello; fi
    serve_no_more`,
    { timeoutMs: servingLimitMs },
  );
  const [changeSeconds = Number.NaN, readSeconds = Number.NaN] = stdout.trim().split(/\s+/).map(Number);
  const ms = (readSeconds - changeSeconds) * 1000;
  return { ms: Number.isNaN(ms) ? undefined : ms, said: `${stdout}\n${stderr}` };
}
