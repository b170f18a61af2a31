// A stop signal from outside is forwarded and nothing more: how long COMMAND may take is the caller's to say.
import { expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { isRoot, places, start } from "../support/process.ts";

/** Longer than the grace that COMMAND is given when nfs-init ends it itself. */
const longerThanGraceMs = 8_500;

it.concurrent.for(places)("never escalates a SIGTERM that COMMAND ignores, $name", async (place, context) => {
  context.skip(place.isPid1 && !isRoot, "a PID namespace needs root");
  const script = 'trap "" TERM; trap "exit 3" USR1; echo ready; while :; do sleep 0.1; done';
  const running = start({ args: ["--", "sh", "-c", script], place, onTestFinished: context.onTestFinished });
  await running.says("ready\n");
  await running.send("SIGTERM");
  const sentMs = performance.now();
  await eventually("the grace is over", () => performance.now() - sentMs > longerThanGraceMs, { intervalMs: 250 });
  expect(running.hasEnded()).toBe(false);
  await running.send("SIGUSR1");
  expect((await running.ended).exitCode).toBe(3);
});
