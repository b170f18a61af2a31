// The published state: its text, and whether one that was found is to be believed.
import { printableJson } from "../text/printable.ts";
import type { InstanceStatus } from "../watch/status.ts";

/** Of the state file, `status --json` and /mounts; a reader believes no other. */
export const schemaVersion = 1;

/** The name of the state file in NFS_STATE_DIR. */
export const stateFileName = "state.json";

/** An instance as a process: what tells it from one that had its number before. */
export interface InstanceProcess {
  readonly pid: number;
  /** The pid namespace that number counts in, `pid:[4026531836]`; undefined where it is not known. */
  readonly pidNamespace: string | undefined;
}

export interface PublishedState extends InstanceStatus, InstanceProcess {
  readonly schemaVersion: typeof schemaVersion;
}

/** The text of the state file: one line of JSON. */
export function formatState(status: InstanceStatus, process: InstanceProcess): string {
  return `${printableJson({ schemaVersion, ...status, ...process } satisfies PublishedState)}\n`;
}

/** Reads the text of a state file; undefined where it is none of this schema. */
export function parseState(text: string): PublishedState | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isState(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The file is written by nfs-init only: this guards against another schema, not against malice. */
function isState(value: unknown): value is PublishedState {
  if (typeof value !== "object" || value === null) return false;
  const { schemaVersion: schema, bootId, shares, ...times } = value as Partial<Record<keyof PublishedState, unknown>>;
  const numbers = [times.startedMs, times.updatedMs, times.staleAfterMs, times.restarts, times.pid];
  return (
    schema === schemaVersion &&
    typeof bootId === "string" &&
    numbers.every((number) => Number.isFinite(number)) &&
    Array.isArray(shares) &&
    shares.every((share: unknown) => typeof share === "object" && share !== null && "phase" in share)
  );
}

/** What a reader of the state knows of the machine. */
export interface ReaderFacts {
  /** Now, on the boot-time clock. */
  readonly nowMs: number;
  readonly bootId: string;
  /** The reader's own. */
  readonly pidNamespace: string | undefined;
  /** When the process of a number of that namespace started, on the boot-time clock; undefined where there is none. */
  readonly processStartedMs: (pid: number) => number | undefined;
}

/** The kernel counts the start of a process in hundredths of a second: two readings of the same differ by no more. */
const tickMs = 10;

/**
 * Why a state is not to be believed, a clause; undefined where it is. A container that is started again finds the file of the
 * one before until the new instance has replaced it, which is the first thing it does: that file's process is gone. From
 * another pid namespace (a sidecar's) the process cannot be seen: there its age alone tells.
 */
export function disbelief(state: PublishedState, facts: ReaderFacts): string | undefined {
  const { nowMs, bootId, pidNamespace, processStartedMs } = facts;
  if (state.bootId !== bootId) return "the published state was left before the machine was started";
  if (state.updatedMs > nowMs + state.staleAfterMs) return "the published state comes from a clock that is ahead";
  const mayLook = pidNamespace !== undefined && pidNamespace === state.pidNamespace;
  // Where not even PID 1 is to be seen (hidepid), nothing can be said of others.
  if (mayLook && processStartedMs(1) !== undefined) {
    const startedMs = processStartedMs(state.pid);
    const isSame = startedMs !== undefined && Math.abs(startedMs - state.startedMs) <= tickMs;
    if (!isSame) return "the nfs-init that published the state is gone";
  }
  const ageMs = nowMs - state.updatedMs;
  if (ageMs <= state.staleAfterMs) return undefined;
  return `the published state is ${seconds(ageMs)} old, nfs-init is gone or stuck`;
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}
