// How long an init with nothing to mount stands between exec and COMMAND, and how long the whole of it takes.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findInits } from "../inits.ts";
import type { Competitor, Measurement, Rig, Trial } from "../measurement.ts";
import { writeStampProgram } from "../stamp.ts";
import { runStamped } from "../stamped.ts";
import type { Start } from "../stamped.ts";

const shellEntrypoint = join(import.meta.dirname, "../peers/shell-entrypoint.sh");

export const start: Measurement = {
  name: "start",
  title: "Start without shares",
  question: "With nothing to mount nfs-init is a plain container init. What does it add to the start of COMMAND?",
  method: [
    "COMMAND is a static program of 295 bytes that reads the steady clock in its first instructions; the same program reads it",
    "just before it executes the init, and again when the init has ended. None of the harness's own time is in the figures,",
    "the execve of init and COMMAND is; the floor is COMMAND executed with no init. All files are in the page cache, as after",
    "a first start; the inits do not run as PID 1, stderr goes to /dev/null. The shell entrypoint skips its mount (TEST=1).",
  ].join(" "),
  unit: "ms",
  where: "this machine",
  warmUpRounds: 10,
  rounds: 200,
  cases: [
    { name: "command", title: "From exec to the first instruction of COMMAND" },
    { name: "exit", title: "From exec to the exit of the init, with a COMMAND that ends at once" },
  ],
  open,
};

async function open(): Promise<Rig> {
  const { competitors: inits, absent, prefixes } = await findInits();
  const folder = mkdtempSync(join(tmpdir(), "nfs-init-bench-"));
  const stamp = join(folder, "stamp");
  writeStampProgram(stamp, "monotonic");
  const plain = { PATH: process.env["PATH"] ?? "" };
  const nothingToMount = { ...plain, TEST: "1", NFS_MOUNT_POINT: "/mnt/none", FSTAB: join(folder, "fstab") };

  const starts = new Map<string, Start>([
    ["shell-entrypoint", { command: [shellEntrypoint, stamp], environment: nothingToMount }],
  ]);
  for (const [name, prefix] of prefixes) starts.set(name, { command: [...prefix, stamp], environment: plain });
  const competitors: Competitor[] = [...inits, { name: "shell-entrypoint", title: "shell entrypoint", role: "peer" }];

  const run = async (trial: Trial): Promise<number> => {
    const wanted = starts.get(trial.competitor);
    if (wanted === undefined) throw new Error(`there is no competitor ${trial.competitor}`);
    const { execMs, commandMs, exitMs } = await runStamped(stamp, wanted);
    return (trial.case === "exit" ? exitMs : commandMs) - execMs;
  };
  const close = async (): Promise<void> => rmSync(folder, { recursive: true });
  return { competitors, absent, setting: {}, run, close };
}
