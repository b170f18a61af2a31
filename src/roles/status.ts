// status: the shares, their state, space and traffic, once or again and again.
import type { Clock } from "../clock.ts";
import { printableJson } from "../text/printable.ts";
import { exitCodes } from "../errors.ts";
import { describeStatus, type Counters } from "../report/document.ts";
import { judgeFound, type CallerFacts, type FoundState } from "../report/health.ts";
import type { MountStats } from "../report/mountstats.ts";
import { disbelief } from "../report/state.ts";
import { formatTable } from "../report/table.ts";

export interface StatusPorts extends Pick<Clock, "sleep"> {
  readonly readState: () => FoundState;
  readonly caller: () => CallerFacts;
  readonly mountstats: () => readonly MountStats[];
  /** Writes to stdout. */
  readonly print: (text: string) => Promise<void>;
  /** Says what is wrong, on stderr. */
  readonly complain: (line: string) => void;
  /** Whether stdout is a terminal, which can be drawn anew. */
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
}

export interface StatusQuestion {
  readonly json: boolean;
  readonly watch: boolean;
}

/** Between two tables of --watch. */
const refreshMs = 2_000;

/** Not in the table of exit codes: COMMAND never runs behind it. */
const noStatus = 1;

/** Shows the status; gives the exit code. With `watch` it ends only where there is nothing to show. */
export async function showStatus(ports: StatusPorts, { json, watch }: StatusQuestion): Promise<number> {
  const { isTerminal, hasColours, print } = ports;
  let before: Counters | undefined;
  for (;;) {
    const found = ports.readState();
    const caller = ports.caller();
    if (found.kind !== "state") {
      const { line } = judgeFound(found, { ready: false, sinceStart: false }, caller);
      ports.complain(line);
      return noStatus;
    }
    const { state } = found;
    const reason = disbelief(state, caller);
    const now = { nowMs: caller.nowMs, mountstats: ports.mountstats() };
    const document = describeStatus(state, now, before);
    before = now;
    if (json) {
      await print(`${printableJson(document, watch ? undefined : 2)}\n`);
    } else {
      const table = formatTable(document, { hasColours });
      // From the top of the screen, over what is there, and nothing below it: no flicker.
      await print(watch && isTerminal ? `\u001b[H${table.replaceAll("\n", "\u001b[K\n")}\u001b[J` : table);
    }
    if (reason !== undefined) ports.complain(reason);
    if (!watch) return reason === undefined ? exitCodes.ok : noStatus;
    await ports.sleep(refreshMs);
    if (!json && !isTerminal) await print("\n");
  }
}
