// What an init holds and does while COMMAND runs and nothing happens: memory, threads, wake-ups.

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { statusOf } from "../../test/support/process-table.ts";
import { findInits } from "../inits.ts";
import type { Measurement, Rig } from "../measurement.ts";
import { Waiters } from "../waiter.ts";

const windowMs = 10_000;
/** From COMMAND's start to the windows: the first as soon as the start is over, the second long after it. */
const earlyMs = 1000;
const lateMs = 50_000;

export const initAtRest: Measurement = {
  name: "init-at-rest",
  title: "An init at rest",
  question: "With nothing to mount, what does the init hold and do while COMMAND runs and nothing happens?",
  method: [
    "All inits of a round run side by side. The context switches of all threads of the init are counted, voluntary and not; at the",
    "end its memory is read from smaps_rollup and its threads are counted. Private and dirty is what it takes from the machine;",
    "most of what is resident of nfs-init is the file itself, which the kernel can drop and all instances share. Without an init there",
    "is nothing.",
  ].join(" "),
  unit: "MB",
  where: "this machine",
  warmUpRounds: 0,
  rounds: 3,
  cases: [
    { name: "dirty", title: "Private dirty memory" },
    { name: "resident", title: "Resident memory" },
    { name: "threads", title: "Threads", unit: "threads" },
    { name: "late", title: "Wake-ups, 50 s to 60 s after COMMAND", unit: "per s" },
    { name: "early", title: "Wake-ups, 1 s to 11 s after COMMAND", unit: "per s" },
  ],
  targets: [
    {
      case: "dirty",
      median: 1,
      left: "The engine's objects: the language's own, and the functions of the supervisor.",
    },
    { case: "threads", median: 2 },
    { case: "late", median: 0.1 },
    { case: "early", median: 0.1 },
  ],
  open,
};

type Rest = Readonly<Record<string, number>>;

async function open(): Promise<Rig> {
  const { competitors, absent, prefixes } = await findInits();
  const waiters = new Waiters();
  const rounds = new Map<number, Promise<ReadonlyMap<string, Rest>>>();

  const measureAll = async (): Promise<ReadonlyMap<string, Rest>> =>
    new Map(
      await Promise.all(
        Array.from(prefixes, async ([name, prefix]) => [name, await measureRest(waiters, prefix)] as const),
      ),
    );
  const run: Rig["run"] = async (trial) => {
    const round = rounds.get(trial.round) ?? measureAll();
    rounds.set(trial.round, round);
    const figure = (await round).get(trial.competitor)?.[trial.case];
    if (figure === undefined) throw new Error(`there is no figure ${trial.case} of ${trial.competitor}`);
    return figure;
  };
  const close = async (): Promise<void> => waiters.close();
  return { competitors, absent, setting: {}, run, close };
}

async function measureRest(waiters: Waiters, prefix: readonly string[]): Promise<Rest> {
  if (prefix.length === 0) return { dirty: 0, resident: 0, threads: 0, early: 0, late: 0 };
  const { pid, end } = await waiters.start(prefix);
  await sleep(earlyMs);
  const early = await countWakeups(pid);
  await sleep(lateMs - earlyMs - windowMs);
  const late = await countWakeups(pid);
  const memory = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const threads = Number(statusOf(pid, "Threads"));
  await end();
  return { dirty: megabytes(memory, "Private_Dirty"), resident: megabytes(memory, "Rss"), threads, early, late };
}

/** Wake-ups a second over the window. */
async function countWakeups(pid: number): Promise<number> {
  const before = countSwitches(pid);
  const from = performance.now();
  await sleep(windowMs);
  return ((countSwitches(pid) - before) * 1000) / (performance.now() - from);
}

function countSwitches(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
    for (const [, count] of text.matchAll(/^(?:non)?voluntary_ctxt_switches:\s*(\d+)$/gm)) sum += Number(count);
  }
  return sum;
}

function megabytes(rollup: string, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s*(\\d+) kB$`, "m").exec(rollup)?.[1];
  if (kibibytes === undefined) throw new Error(`smaps_rollup has no ${field}`);
  return (Number(kibibytes) * 1024) / 1e6;
}
