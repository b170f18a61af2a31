// Waits until COMMAND's user can write to every read-write share.
import { isReadOnly } from "../shares/options.ts";
import type { Share } from "../shares/share.ts";
import { variables } from "../config/variables.ts";
import { AppError, exitCodes } from "../errors.ts";
import type { Identity } from "../init/identity.ts";
import type { Clock } from "../clock.ts";
import { notStartedWords, type NoAnswer } from "../mount/ports.ts";
import type { Log } from "../report/log.ts";

/** What access(2) says of a directory to a user. */
export type WriteAccess =
  | { readonly kind: "writable" }
  | { readonly kind: "unwritable"; readonly mode: string; readonly uid: number; readonly gid: number }
  | { readonly kind: "failed"; readonly reason: string }
  | NoAnswer;

export interface WritablePorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly writeAccess: (path: string, identity: Identity | undefined, timeoutMs: number) => Promise<WriteAccess>;
}

export interface WritableTimes {
  readonly attemptTimeoutMs: number;
  /** Between two looks at one share. */
  readonly pauseMs: number;
  /** When to give up, on the clock of the ports; undefined is never. */
  readonly deadlineMs: number | undefined;
}

const hint = `change mode or owner on the server, its export options (rw, no_root_squash, all_squash with anonuid), or ${variables.user.name}`;

/**
 * Settles when all can be written to; says once for each share and reason why not. Throws AppError 124 at the deadline.
 * `signal` ends it.
 */
export async function waitUntilWritable(
  { log, clock, writeAccess }: WritablePorts,
  shares: readonly Share[],
  identity: Identity | undefined,
  { attemptTimeoutMs, pauseMs, deadlineMs = Number.POSITIVE_INFINITY }: WritableTimes,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    shares
      .filter(({ options }) => !isReadOnly(options))
      .map(async (share) => {
        let said: string | undefined;
        for (;;) {
          const untilMs = Math.max(0, deadlineMs - clock.nowMs());
          const access = await writeAccess(share.realTarget, identity, Math.min(attemptTimeoutMs, untilMs));
          signal.throwIfAborted();
          if (access.kind === "writable") return;
          const reason = reasonOf(access, identity);
          if (reason !== said) {
            const about = { source: share.label, target: share.target, reason, hint };
            log("warn", "the process cannot write to the share, waiting until it can", { stage: "mount", ...about });
          }
          said = reason;
          const leftMs = deadlineMs - clock.nowMs();
          if (leftMs <= 0) {
            const message = `${share.label} on ${share.target} is not writable in time: ${reason}`;
            throw new AppError(message, exitCodes.timedOut, { hint });
          }
          await clock.sleep(Math.min(pauseMs, leftMs), signal);
        }
      }),
  );
}

function reasonOf(access: Exclude<WriteAccess, { kind: "writable" }>, identity: Identity | undefined): string {
  switch (access.kind) {
    case "unwritable": {
      const who = identity === undefined ? "the process' user" : `uid ${identity.uid} gid ${identity.gid}`;
      return `${who} may not write: mode ${access.mode}, owner ${access.uid}:${access.gid}, or the export is read-only for it`;
    }
    case "failed":
      return access.reason;
    case "no-answer":
      return access.notStarted === undefined ? "it does not answer" : notStartedWords(access.notStarted);
  }
}
