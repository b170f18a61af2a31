// What an init costs those who wait for it: COMMAND's start, a signal on its way, the end.

import { findInits } from "../inits.ts";
import type { Measurement, Rig, Trial } from "../measurement.ts";
import { Waiters } from "../waiter.ts";
import type { WaiterTimes } from "../waiter.ts";

/** From COMMAND's first instruction to SIGTERM: the init has nothing left to do by then. */
const settleMs = 60;

export const init: Measurement = {
  name: "init",
  title: "An init at work",
  question:
    "With nothing to mount, how long do COMMAND, a signal and the end of COMMAND take on their way through the init?",
  method: [
    "COMMAND is a static program of some 300 bytes that reads the steady clock in its first instructions, waits for SIGTERM,",
    "reads the clock again and ends; where it is `true` it is /bin/true. SIGTERM is sent to the init 60 ms after COMMAND's start;",
    "the clock is read just before kill(2) by the harness, and once more when the init has been waited for by a program as small as",
    "COMMAND. The floor is the same with no init: what it shows is the kernel's time and the error of the stopwatch, some",
    "hundredths of a millisecond. Files are in the page cache, the inits do not run as PID 1, stderr goes to /dev/null.",
  ].join(" "),
  unit: "ms",
  where: "this machine",
  warmUpRounds: 5,
  rounds: 100,
  cases: [
    { name: "start", title: "From exec of the init to the first instruction of COMMAND" },
    { name: "true", title: "From exec of the init to its end, with `true` as COMMAND" },
    { name: "skip", title: "The same, with one share configured and NFS_MOUNT_SKIP on" },
    { name: "signal", title: "From SIGTERM to the init until COMMAND has it" },
    { name: "end", title: "From the end of COMMAND to the end of the init" },
  ],
  targets: [
    {
      case: "start",
      beside: { competitor: "tini", by: "difference" },
      median: 1,
      left: "The engine comes up and reads the bytecode of the supervisor.",
    },
    {
      case: "skip",
      beside: { competitor: "tini", by: "difference" },
      median: 8,
      left: "The bytecode that reads a configuration and writes a log is read as well.",
    },
    { case: "signal", beside: { competitor: "tini", by: "difference" }, median: 0.2 },
    { case: "end", beside: { competitor: "tini", by: "difference" }, median: 0.2 },
  ],
  open,
};

/** A share that is not mounted. */
const skipped = { NFS_HOST: "192.0.2.1", NFS_MOUNT_POINT: "/mnt/none", NFS_MOUNT_SKIP: "on" };

const figures: Readonly<Record<string, (times: WaiterTimes) => number>> = {
  start: ({ execMs, commandMs }) => commandMs - execMs,
  signal: ({ killMs, signalMs }) => signalMs - killMs,
  end: ({ signalMs, exitMs }) => exitMs - signalMs,
};

async function open(): Promise<Rig> {
  const { competitors, absent, prefixes } = await findInits();
  const waiters = new Waiters();

  const run = async (trial: Trial): Promise<number> => {
    const prefix = prefixes.get(trial.competitor);
    if (prefix === undefined) throw new Error(`there is no competitor ${trial.competitor}`);
    const figure = figures[trial.case];
    if (figure === undefined) {
      const { execMs, exitMs } = await waiters.run([...prefix, "/bin/true"], trial.case === "skip" ? skipped : {});
      return exitMs - execMs;
    }
    const waiting = await waiters.start(prefix);
    if (trial.case !== "start") await new Promise((resolve) => void setTimeout(resolve, settleMs));
    return figure(await waiting.end());
  };
  const close = async (): Promise<void> => waiters.close();
  return { competitors, absent, setting: {}, run, close };
}
