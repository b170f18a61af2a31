// The processes that came from this one, and their end.
import * as native from "native";
import { SIGKILL } from "../init/signals.ts";
import { isOwnChild, sendQuietly } from "./children.ts";
import { statFields } from "./process-stat.ts";
import { listDirectory } from "./small-files.ts";

/**
 * Sends SIGKILL to every descendant of this process that is not a helper of its own, and to nobody else: a pid namespace may
 * be shared, and `docker exec` puts processes beside us that are not ours. Gives how many were alive, zombies not counted.
 */
export function killDescendants(): number {
  const self = native.getpid();
  const parents = new Map<number, number>();
  const alive = new Set<number>();
  for (const name of processes()) {
    const [state = "Z", parent] = statFields(name) ?? [];
    parents.set(Number(name), Number(parent ?? 0));
    if (state !== "Z" && state !== "X") alive.add(Number(name));
  }
  const isOurs = (pid: number): boolean => {
    for (let one: number | undefined = pid; one !== undefined && one !== 0; one = parents.get(one)) {
      if (one === self) return true;
      if (isOwnChild(one)) return false;
    }
    return false;
  };
  const found = [...alive].filter((pid) => pid !== self && isOurs(pid));
  for (const pid of found) sendQuietly(pid, SIGKILL);
  return found.length;
}

function processes(): readonly string[] {
  try {
    return listDirectory("/proc").filter((entry) => /^\d+$/.test(entry));
  } catch {
    return [];
  }
}
