// Ends COMMAND: the stop signal, a time to end by itself, SIGKILL for it and all that came from it.
import type { Clock } from "../clock.ts";
import type { Running } from "./supervise.ts";

export interface EndingPorts extends Pick<Clock, "nowMs" | "sleep"> {
  /** Sends SIGKILL to every descendant of nfs-init that is not a helper of its own; how many of them were still alive. */
  readonly killDescendants: () => number;
}

export interface EndingSettings {
  /** Number of the stop signal. */
  readonly stopSignal: number;
  readonly graceMs: number;
}

/** Time that processes are given to die of SIGKILL; one that is stuck in the kernel takes longer. */
const killMs = 1_000;
/** How soon it is looked again whether they have. */
const lookAgainMs = 50;

/** How it went: it ended by itself, it had to be killed, or something of it is still there although it was killed. */
export type Ending = "ended" | "killed" | "stuck";

export async function endCommand(ports: EndingPorts, running: Running, settings: EndingSettings): Promise<Ending> {
  running.send(settings.stopSignal);
  const grace = ports.sleep(settings.graceMs).then(() => false);
  const endedByItself = await Promise.race([running.ended.then(() => true), grace]);
  // What COMMAND left behind is ended too: nothing may go on writing to a share that is lost.
  if (!(await killAll(ports))) return "stuck";
  return endedByItself ? "ended" : "killed";
}

/** Kills every descendant, also those that were forked meanwhile; whether all are gone. */
export async function killAll({ killDescendants, nowMs, sleep }: EndingPorts): Promise<boolean> {
  const untilMs = nowMs() + killMs;
  while (killDescendants() > 0) {
    if (nowMs() >= untilMs) return false;
    await sleep(lookAgainMs);
  }
  return true;
}
