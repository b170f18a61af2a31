// Plays a scene in the lab: does what its steps say, waits for what they expect, and shows what was seen.

import { eventually } from "../test/support/eventually.ts";
import type { Job, Lab } from "../test/support/lab/lab.ts";
import { readLog } from "./log-text.ts";
import type { Expected, Step, Who } from "./scene.ts";

/** A step's line for the timeline. */
export type Show = (who: Who, text: string) => void;

interface Seen {
  readonly text: string;
}

/** Returns what plays a step, one after the other. It throws where what is seen is not what is expected. */
export function createPlayer(lab: Lab, show: Show): (step: Step) => Promise<void> {
  const containers = new Map<Who, Job>();
  const exitCodes = new Map<Who, number>();
  let actEndedMs = 0;

  return async (step) => {
    const { kind, who } = step;
    switch (kind) {
      case "act": {
        // The guest's clock, which is that of nfs-init's log.
        const output = await lab.sh(`set -e\n${step.script}\necho "$EPOCHREALTIME"`);
        actEndedMs = Number(output.split("\n").at(-1)) * 1000;
        return show(who, step.says);
      }
      case "start": {
        const job = lab.start(step.script);
        containers.set(who, job);
        exitCodes.delete(who);
        void job.done.then(
          ({ exitCode }) => exitCodes.set(who, exitCode),
          () => {},
        );
        return show(who, step.says);
      }
      case "look": {
        const look = async () => {
          const { stdout, stderr } = await lab.run(step.script);
          return [{ text: `${stdout}${stderr}`.trim() }];
        };
        const { text } = await waitFor(`${who}, ${step.says}`, step.expected, look);
        return show(who, `${step.says}: ${text}`);
      }
      case "log": {
        const read = () => readLog(containers.get(who)?.stderr() ?? "");
        const { text, timeMs = 0 } = await waitFor(`${who}, a line of the log`, step.expected, read);
        const since = step.since === undefined ? "" : `, ${((timeMs - actEndedMs) / 1000).toFixed(2)} s ${step.since}`;
        return show(who, `${text}${since}`);
      }
      case "exit": {
        const look = () => [{ text: exitCodes.has(who) ? `exit code ${exitCodes.get(who)}` : "it still runs" }];
        const { text } = await waitFor(`${who}, the container's end`, `exit code ${step.exitCode}`, look);
        return show(who, `container ended: ${text}`);
      }
    }
  };
}

const limitMs = 20_000;

/** Looks until what is expected is among what is seen, and returns that. */
async function waitFor<T extends Seen>(
  what: string,
  expected: Expected,
  look: () => readonly T[] | Promise<readonly T[]>,
): Promise<T> {
  let seen: readonly T[] = [];
  const find = async () => {
    seen = await look();
    return seen.find(({ text }) => (typeof expected === "string" ? text === expected : expected.test(text)));
  };
  try {
    return await eventually(what, find, { timeoutMs: limitMs, intervalMs: 50 });
  } catch (error) {
    const texts = seen.map(({ text }) => `  ${text.replaceAll("\n", "\n  ")}`);
    throw new Error([(error as Error).message, "expected:", `  ${String(expected)}`, "seen:", ...texts].join("\n"), {
      cause: error,
    });
  }
}
