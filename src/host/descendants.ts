// The processes that came from this one, and their end.
import { constants } from "node:os";
import { kill } from "./libc.ts";
import { listDirectory } from "./raw-files.ts";
import { readText } from "./text.ts";

const SIGKILL = constants.signals.SIGKILL;

/**
 * Sends SIGKILL to every descendant of this process that is not a helper of its own, and to nobody else: a pid namespace may
 * be shared, and `docker exec` puts processes beside us that are not ours. Gives how many were alive, zombies not counted.
 */
export function killDescendants(isOwnHelper: (pid: number) => boolean): number {
  const parents = new Map<number, number>();
  const alive = new Set<number>();
  for (const name of listDirectory("/proc").filter((entry) => /^\d+$/.test(entry))) {
    // The second field is a name in parentheses that may hold anything; state and parent follow it.
    const [state = "Z", parent] = readText(`/proc/${name}/stat`)?.split(")").at(-1)?.trim().split(" ") ?? [];
    parents.set(Number(name), Number(parent ?? 0));
    if (state !== "Z" && state !== "X") alive.add(Number(name));
  }
  const isOurs = (pid: number): boolean => {
    for (let one: number | undefined = pid; one !== undefined && one !== 0; one = parents.get(one)) {
      if (one === process.pid) return true;
      if (isOwnHelper(one)) return false;
    }
    return false;
  };
  const found = [...alive].filter((pid) => pid !== process.pid && isOurs(pid));
  for (const pid of found) kill(pid, SIGKILL);
  return found.length;
}
