// The trial mount: in a worker with a mount namespace of its own, which goes with it, so that nothing is left and nobody sees it.
import type { TrialRequest } from "../doctor/collect.ts";
import type { TrialCall, TrialFact } from "../doctor/facts.ts";
import { startWorker } from "./processes.ts";

/**
 * Mounts on `directory` in one version after another until one works. What does not end in time is killed and not waited
 * for; `signal` ends it all.
 */
export async function tryMount(
  directory: string | undefined,
  requests: readonly TrialRequest[],
  signal: AbortSignal,
): Promise<TrialFact> {
  if (directory === undefined) return { kind: "not-tried", reason: "there is no directory to mount on" };
  const worker = startWorker();
  signal.addEventListener("abort", worker.stop, { once: true });
  if (signal.aborted) worker.stop();
  try {
    const entered = await worker.ask({ do: "enter-private-namespace", target: directory }, callMs);
    if (entered === undefined) return { kind: "not-tried", reason: "it did not begin in time" };
    if (entered.kind !== "done") {
      const reason = "reason" in entered ? entered.reason : entered.kind;
      return { kind: "not-tried", reason: `no mount namespace of its own could be made: ${reason}` };
    }
    const calls: TrialCall[] = [];
    for (const { version, call } of requests) {
      const reply = await worker.ask({ do: "mount", ...call, target: directory }, callMs);
      const errno = reply === undefined ? "ETIMEDOUT" : reply.kind === "failed" ? reply.errno : "";
      calls.push({ version, errno });
      if (reply === undefined) break;
      if (errno !== "") continue;
      // Before the namespace goes, so that the server is told.
      await worker.ask({ do: "umount", target: directory, how: "lazy" }, umountMs);
      break;
    }
    return { kind: "tried", calls };
  } finally {
    signal.removeEventListener("abort", worker.stop);
    worker.stop();
  }
}

/** Beyond the time of the trial: it only matters where a process that was killed does not go. */
const callMs = 4_000;
const umountMs = 1_000;
