// What a plan of mounts must know of this machine.
import type { PlanFacts } from "../plan/plan.ts";
import type { Log } from "../report/log.ts";
import { ownedMounts } from "../mount/notes.ts";
import { readMounts } from "./mounts.ts";
import { readLink } from "./small-files.ts";
import { readNotes } from "./state-directory.ts";

/** Reads it anew at each call; what is not believed of earlier instances' notes is told once. */
export function planFactsOf(log: Log, stateDir: string): () => PlanFacts {
  const told = new Set<string>();
  const tell = (path: string, reason: string) => {
    if (told.has(path)) return;
    told.add(path);
    log("warn", "what earlier instances noted is not believed", { stage: "config", path, reason });
  };
  return () => {
    const mounts = readMounts();
    return { mounts, readLink, owned: ownedMounts(readNotes(stateDir, tell), mounts) };
  };
}
