// The answers of `check`, /healthz and /readyz: a verdict and the reason in one line.
import { printable } from "../text/printable.ts";
import type { ExportStatus, InstanceStatus, ShareStatus } from "../watch/status.ts";
import { isReady } from "./board.ts";
import { disbelief, type PublishedState, type ReaderFacts } from "./state.ts";

export interface HealthQuestion {
  /** Is every share mounted, does it answer, and can it be written to if it could at first? Otherwise: is none lost? */
  readonly ready: boolean;
  /** Was no share mounted afresh since the caller started? */
  readonly sinceStart: boolean;
}

/** `unconfigured`: there is nothing to be unhealthy. */
export type Verdict = "ok" | "failed" | "unconfigured";

export interface Health {
  readonly verdict: Verdict;
  /** Why, in one line without a full stop. */
  readonly line: string;
}

/** Is the instance healthy, or with `ready` ready? */
export function judgeHealth({ shares, exports }: InstanceStatus, { ready }: Pick<HealthQuestion, "ready">): Health {
  if (exports !== undefined) return judgeExports(exports, ready);
  const failed = shares.filter((share) => (ready ? !isReady(share) : share.isLost));
  if (failed.length > 0) {
    const word = ready ? "not ready" : "lost";
    return { verdict: "failed", line: `${word}: ${failed.map(describeShare).join("; ")}` };
  }
  return { verdict: "ok", line: `ok: ${summary(shares)}` };
}

/** A server that has not begun is not healthy; one that fails ends itself after its threshold, and until then is not ready. */
function judgeExports(exports: readonly ExportStatus[], ready: boolean): Health {
  const failed = exports.filter(({ phase }) => (ready ? phase !== "served" : phase === "starting"));
  if (failed.length > 0) {
    const words = failed.map(({ path, phase, reason }) => printable(`${path}: ${reason ?? phase}`));
    return { verdict: "failed", line: `not served: ${words.join("; ")}` };
  }
  const total = exports.length === 1 ? "1 export" : `${exports.length} exports`;
  const missing = exports.filter(({ phase }) => phase !== "served").length;
  return { verdict: "ok", line: missing === 0 ? `ok: ${total} served` : `ok: ${total}, ${missing} not served` };
}

/** What a state file gave. */
export type FoundState =
  | { readonly kind: "state"; readonly state: PublishedState }
  | { readonly kind: "none" }
  /** It is there and cannot be taken for what it should be. */
  | { readonly kind: "unusable"; readonly reason: string };

/** What the caller of `check` has of its own. */
export interface CallerFacts extends ReaderFacts {
  /** Whether its environment configures shares. */
  readonly hasShares: boolean;
  /** NFS_MOUNT_SKIP: nothing is mounted, and nothing is to be. */
  readonly isSkipped: boolean;
  /** NFS_EXEC: nobody is left to publish. */
  readonly isReplaced: boolean;
}

/** The answer of `check`. */
export function judgeFound(found: FoundState, question: HealthQuestion, caller: CallerFacts): Health {
  if (found.kind === "none") return judgeAbsence(caller);
  if (found.kind === "unusable") return { verdict: "failed", line: `no state to go by: ${found.reason}` };
  const { state } = found;
  const reason = disbelief(state, caller);
  if (reason !== undefined) return { verdict: "failed", line: reason };
  const health = judgeHealth(state, question);
  if (health.verdict !== "ok" || !question.sinceStart) return health;
  return remountedSince(state, caller) ?? health;
}

function judgeAbsence({ hasShares, isSkipped, isReplaced }: CallerFacts): Health {
  if (isSkipped) return { verdict: "ok", line: "ok: NFS_MOUNT_SKIP or TEST is set, nothing is mounted" };
  if (!hasShares)
    return { verdict: "unconfigured", line: "no shares are configured, and no nfs-init publishes a state" };
  if (isReplaced) return { verdict: "ok", line: "ok: with NFS_EXEC nobody is left to watch the shares" };
  const reason = "nfs-init does not run here, or NFS_STATE_DIR is another";
  return { verdict: "failed", line: `no published state: ${reason}` };
}

/**
 * Files that the caller's container has had open since before a fresh mount are stale. The container began with its PID 1; in
 * the instance's own container it is COMMAND that counts, and that may have been started again since.
 */
function remountedSince(state: PublishedState, caller: CallerFacts): Health | undefined {
  const isAtHome = caller.pidNamespace !== undefined && caller.pidNamespace === state.pidNamespace;
  const startedMs = Math.max(caller.processStartedMs(1) ?? 0, isAtHome ? (state.restartedMs ?? 0) : 0);
  const remounted = state.shares.filter(({ remountedMs }) => remountedMs !== undefined && remountedMs > startedMs);
  if (remounted.length === 0) return undefined;
  const names = remounted.map(nameOf).join("; ");
  return { verdict: "failed", line: `mounted afresh since this container started, open files may be stale: ${names}` };
}

function nameOf({ source, target }: ShareStatus): string {
  return printable(`${source} on ${target}`);
}

function describeShare(share: ShareStatus): string {
  const reason = share.reason === undefined ? share.phase : `${share.phase}, ${share.reason}`;
  return `${nameOf(share)}: ${printable(reason)}`;
}

/** `2 shares, 1 healthy, 1 waiting`. */
function summary(shares: readonly ShareStatus[]): string {
  const counts = new Map<string, number>();
  for (const { phase } of shares) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  const [one] = counts.keys();
  const total = shares.length === 1 ? "1 share" : `${shares.length} shares`;
  if (one === undefined) return total;
  if (counts.size === 1) return `${total} ${one}`;
  return `${total}, ${[...counts].map(([phase, count]) => `${count} ${phase}`).join(", ")}`;
}
