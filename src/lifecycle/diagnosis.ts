// Looks for the cause where a share does not mount for long, and where it cannot be mounted at all.
import type { Clock } from "../clock.ts";
import type { Share } from "../shares/share.ts";
import type { Settings } from "../config/config.ts";
import { CannotMount } from "./cannot-mount.ts";
import type { Log } from "../report/log.ts";

export interface DiagnosisPorts {
  readonly log: Log;
  readonly clock: Pick<Clock, "later">;
  /** The most likely cause why a share does not mount, in one sentence; takes some seconds. `failure` is the cause of its last call. */
  readonly explain?: (share: Share, failure?: string) => Promise<string | undefined>;
}

export interface Diagnosis {
  /** What was found so far, one sentence. */
  readonly found: () => string | undefined;
  /** The same error with what a diagnosis finds beside the kernel's word, where a share cannot be mounted. */
  readonly withCause: (error: unknown) => Promise<unknown>;
  readonly stop: () => void;
}

/** A share that is not mounted after so long is worth a diagnosis. */
const afterMs = 30_000;

/** Who waits no longer than twice this wants a quick end. */
const shortestMs = 1_000;

/** Starts one when a share has waited for long, or half of NFS_WAIT_TIMEOUT has passed; `waiting` gives those that do. */
export function startDiagnosis(
  { log, clock, explain }: DiagnosisPorts,
  { waitTimeoutMs }: Pick<Settings, "waitTimeoutMs">,
  waiting: () => readonly Share[],
): Diagnosis {
  let found: string | undefined;
  let isOver = false;
  const causeOf = async (share: Share, failure?: string): Promise<string | undefined> => {
    try {
      return await explain?.(share, failure);
    } catch {
      // A diagnosis that fails says nothing.
      return undefined;
    }
  };
  const look = async (): Promise<void> => {
    // One of them stands for all: they tend to have one cause, and each costs its server a dozen questions.
    const share = waiting().find(({ watchOnly }) => !watchOnly);
    if (share === undefined) return;
    const reason = await causeOf(share);
    if (reason === undefined || isOver || !waiting().includes(share)) return;
    found = reason;
    log("warn", "why the share is not mounted", { stage: "mount", source: share.label, target: share.target, reason });
  };
  const dueMs = waitTimeoutMs === 0 ? afterMs : Math.min(afterMs, waitTimeoutMs / 2);
  const callOff = dueMs < shortestMs ? () => {} : clock.later(dueMs, () => void look());
  return {
    found: () => found,
    withCause: async (error) => {
      if (!(error instanceof CannotMount)) return error;
      const { share, failure } = error;
      const hint = await causeOf(share, failure.cause);
      return hint === undefined ? error : new CannotMount(share, { ...failure, hint }, error);
    },
    stop: () => {
      isOver = true;
      callOff();
    },
  };
}
