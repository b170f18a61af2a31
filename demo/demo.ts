// `npm run demo`: two containers with nginx on an NFS share whose server comes late, on a real kernel, told step by step.
// Exits with 0 only if every step held.

import { constants } from "node:os";
import { join } from "node:path";
import { bootLab, type Lab } from "../test/support/lab/lab.ts";
import { prepareLab } from "../test/support/lab/packages.ts";
import { createPlayer } from "./play.ts";
import { story } from "./story.ts";
import { createTimeline } from "./timeline.ts";

const binary = join(import.meta.dirname, "../dist/nfs-init");
const lifetimeMs = 5 * 60_000;
/** Finding the lab's files prepared takes less. */
const preparedWithinMs = 500;

const timeline = createTimeline();

// The lab goes with this process when that exits, but not when a signal ends it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

let lab: Lab | undefined;
try {
  lab = await boot();
  const play = createPlayer(lab, timeline.entry);
  let checks = 0;
  for (const { title, steps } of story) {
    timeline.title(title);
    for (const step of steps) {
      await play(step);
      if (step.kind !== "act" && step.kind !== "start") checks += 1;
    }
  }
  timeline.success(`All of it held: ${checks} checks in ${timeline.elapsedSeconds()} s.`);
} catch (error) {
  timeline.failure(`The demo failed: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await lab?.stop();
}

async function boot(): Promise<Lab> {
  const notice = setTimeout(() => {
    timeline.entry("lab", "getting its Debian packages, 100 MB, this first time only");
  }, preparedWithinMs);
  try {
    await prepareLab();
  } finally {
    clearTimeout(notice);
  }
  timeline.entry("lab", "booting a Linux kernel as an ordinary program");
  return bootLab({ binary, lifetimeMs });
}
