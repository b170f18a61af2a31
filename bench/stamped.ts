// An init on this machine whose COMMAND is a stamp, run to its end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { parseStamps } from "./stamp.ts";
import type { Stamps } from "./stamp.ts";

/** How a competitor is started. */
export interface Start {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** After this time an init that does not end is killed. */
const limitMs = 10_000;

/** Runs an init whose COMMAND is a stamp, and reads the times; the init's process group dies with the time limit. */
export async function runStamped(stamp: string, { command, environment }: Start): Promise<Stamps> {
  const child = spawn(stamp, command, {
    env: environment,
    cwd: "/",
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const limit = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, limitMs);
  try {
    const [output] = await Promise.all([buffer(child.stdout), once(child, "close")]);
    const stamps = parseStamps(output);
    if (stamps === undefined) throw new Error(`${command.join(" ")} did not run COMMAND`);
    if (stamps.status !== 0) throw new Error(`${command.join(" ")} failed with wait status ${stamps.status}`);
    return stamps;
  } finally {
    clearTimeout(limit);
  }
}
