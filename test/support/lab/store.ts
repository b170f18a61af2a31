/** Where everything lands that the lab fetches and makes; git ignores it. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

export const STORE = join(import.meta.dirname, "../../../.lab");

/** Runs `work` alone of all processes that use the store; the kernel releases the lock by itself when this process dies. */
export async function locked<T>(work: () => Promise<T>): Promise<T> {
  await mkdir(STORE, { recursive: true });
  const command = [join(STORE, "lock"), "sh", "-c", "echo locked; exec cat"];
  const holder = spawn("flock", command, { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(holder, "close");
  await Promise.race([once(holder.stdout, "data"), closed]);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await closed;
  }
}
