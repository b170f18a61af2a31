// Ends COMMAND: the stop signal, a time to end by itself, SIGKILL for it and all that came from it.
import type { Running } from "./supervise.ts";

export interface EndingPorts {
  /** Sends SIGKILL to every descendant of nfs-init that is not a helper of its own. */
  readonly killDescendants: () => void;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface EndingSettings {
  /** Number of the stop signal. */
  readonly stopSignal: number;
  readonly graceMs: number;
}

/** Time that processes are given to die of SIGKILL; one that is stuck in the kernel takes longer. */
const killMs = 1_000;

/** How it went: it ended by itself, it had to be killed, or it is still there although it was killed. */
export type Ending = "ended" | "killed" | "stuck";

export async function endCommand(
  { killDescendants, sleep }: EndingPorts,
  running: Running,
  { stopSignal, graceMs }: EndingSettings,
): Promise<Ending> {
  const ended = running.ended.then(() => true);
  running.send(stopSignal);
  const endedByItself = await Promise.race([ended, sleep(graceMs).then(() => false)]);
  // What COMMAND left behind is ended too: nothing may go on writing below a share that is gone.
  killDescendants();
  if (endedByItself) return "ended";
  return (await Promise.race([ended, sleep(killMs).then(() => false)])) ? "killed" : "stuck";
}
