// The log lines of what happens to shares: which there are, and when one that repeats itself is due.
import { reasonLog } from "../wait/reasons.ts";
import { waitingReason, type ShareEvent } from "./events.ts";
import type { LogFields, LogLevel, LogStage } from "./log.ts";

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields & { readonly stage: LogStage };
}

/** The lines of an event, mostly one; `elapsedMs` since the waiting began. */
export function logLinesOf(event: ShareEvent, elapsedMs: number): readonly LogLine[] {
  switch (event.kind) {
    case "server-not-ready": {
      const [first] = event.shares;
      if (first === undefined) return [];
      const count = event.shares.length === 1 ? {} : { shares: event.shares.length };
      const fields = { stage: "wait", ...about(first), ...count, elapsedMs, reason: event.reason } as const;
      return [{ level: "info", message: "waiting for the server", fields }];
    }
    case "restarted":
    case "away":
    case "back":
    case "looked":
      return [];
    case "mounted":
      return linesOfMounted(event);
    case "changed":
      return [lineOfChange(event)];
    case "unmounted":
      return linesOfUnmounted(event);
    default:
      return [lineOf(event, elapsedMs)];
  }
}

type Plain = Exclude<
  ShareEvent,
  {
    kind: "server-not-ready" | "restarted" | "away" | "back" | "looked" | "mounted" | "changed" | "unmounted";
  }
>;

function lineOf(event: Plain, elapsedMs: number): LogLine {
  const fields = about(event.share);
  switch (event.kind) {
    case "path-not-ready":
      return line("warn", "waiting for the server to serve the share", "wait", {
        ...fields,
        elapsedMs,
        reason: event.reason,
      });
    case "stale-detached":
      return line("warn", "detached a stale mount that was left on the target", "mount", fields);
    case "replaced-detached":
      return line("warn", "detached an earlier share of nfs-init", "mount", {
        ...fields,
        reason: `${event.source} was mounted there`,
      });
    case "not-empty":
      return line(
        "warn",
        "the mount point is not empty, its files are hidden while the share is mounted",
        "mount",
        fields,
      );
    case "no-lock":
      return line("warn", "no lock on the mount point against a second nfs-init", "mount", {
        ...fields,
        reason: event.reason,
      });
    case "pending":
      return line("warn", "the mount call does not end", "mount", {
        ...fields,
        version: event.version,
        elapsedMs,
        reason: waitingReason(event) ?? "",
        hint: "the server takes the call and does not finish it: look whether its rpc.mountd hangs, which it asks in every version, and at its disks and its log",
      });
    case "attempt-failed": {
      const { prospect, reason, hint } = event.failure;
      const level = prospect === "ambiguous" || prospect === "unsupported" ? "warn" : "info";
      const all = { ...fields, attempt: event.attempt, elapsedMs, reason, ...(hint === undefined ? {} : { hint }) };
      return line(level, "mount attempt failed, trying again", "mount", all);
    }
    case "given-up":
      return line("error", "gave up a share that the process may start without", "mount", {
        ...fields,
        reason: event.reason,
      });
    case "goes-with":
      return line("warn", "what is mounted below the share is detached with it", "umount", {
        ...fields,
        reason: event.mounts,
      });
    case "remounted":
      return line("warn", "the share was mounted afresh, files that were open on it stay stale", "watch", {
        ...fields,
        elapsedMs: event.elapsedMs,
      });
    case "remount-failed":
      return line("error", "a share could not be mounted afresh", "watch", { ...fields, reason: event.reason });
    case "full":
      return line("warn", "the share is full", "watch", {
        ...fields,
        reason: event.errno,
        hint: "make room on the server, or raise the quota there",
      });
  }
}

function linesOfMounted(event: Extract<ShareEvent, { kind: "mounted" }>): readonly LogLine[] {
  const { share, version, isOurs, attempts, elapsedMs } = event;
  const asked = { ...(version === undefined ? {} : { version }), attempt: attempts, elapsedMs: Math.round(elapsedMs) };
  const message = isOurs ? "mounted" : "already mounted, used as it is";
  const mounted = line("info", message, "mount", { ...about(share), ...asked });
  if (!isOurs || version !== "3" || share.version !== "auto") return [mounted];
  const fellBack = "fell back to NFS version 3, file locks are local to each client";
  return [mounted, line("warn", fellBack, "mount", about(share))];
}

function lineOfChange(event: Extract<ShareEvent, { kind: "changed" }>): LogLine {
  const { share, from, to, lost, awayMs } = event;
  const fields = { ...about(share), state: to };
  if (lost !== undefined) return line("error", "a share is lost", "watch", { ...fields, reason: lost });
  switch (to) {
    case "healthy":
      if (awayMs === undefined) return line("info", "the share is writable again", "watch", fields);
      return line("info", "the share answers again", "watch", { ...fields, elapsedMs: Math.round(awayMs) });
    case "read-only":
      return line("warn", "the share can no longer be written to", "watch", fields);
    case "unresponsive":
      return line("warn", "the share does not answer although its server does", "watch", { ...fields, from });
    case "server-gone":
      return line("warn", "the server of the share does not answer, waiting for it", "watch", { ...fields, from });
    case "stale":
    case "missing":
    case "replaced":
      return line("warn", "the share has failed", "watch", { ...fields, from });
  }
}

function linesOfUnmounted({ share, result }: Extract<ShareEvent, { kind: "unmounted" }>): readonly LogLine[] {
  switch (result) {
    case "unmounted":
      return [line("info", "unmounted", "umount", about(share))];
    case "detached":
      return [line("warn", "unmounted lazily, it was busy or did not answer", "umount", about(share))];
    case "in-use":
      return [line("info", "left mounted, somebody else uses it", "umount", about(share))];
    case "left":
      return [line("error", "could not be unmounted", "umount", about(share))];
    case "gone":
      return [];
  }
}

function about({ label, target }: { readonly label: string; readonly target: string }) {
  return { source: label, target };
}

function line(level: LogLevel, message: string, stage: LogStage, fields: LogFields): LogLine {
  return { level, message, fields: { stage, ...fields } };
}

/** A share that is full, and goes on being full, is said to be so once. */
const fullAgainMs = 3_600_000;

/** Gives the function that tells whether the lines of an event are due: what repeats itself is not said each time. */
export function lineGate(): (event: ShareEvent, nowMs: number) => boolean {
  const reasons = reasonLog();
  const saidMs = new Map<string, number>();
  const isFirstSince = (key: string, nowMs: number, spanMs: number): boolean => {
    const before = saidMs.get(key) ?? Number.NEGATIVE_INFINITY;
    saidMs.set(key, nowMs);
    return nowMs - before >= spanMs;
  };
  return (event, nowMs) => {
    switch (event.kind) {
      case "server-not-ready":
        return event.shares.length > 0 && reasons.isDue(JSON.stringify(event.question), event.reason, nowMs);
      case "path-not-ready":
      case "attempt-failed":
      case "pending":
        return reasons.isDue(event.share.realTarget, waitingReason(event) ?? "", nowMs);
      case "not-empty":
      case "no-lock":
        return isFirstSince(`${event.share.realTarget} ${event.kind}`, nowMs, Number.POSITIVE_INFINITY);
      case "full":
        return isFirstSince(`${event.share.realTarget} full`, nowMs, fullAgainMs);
      default:
        return true;
    }
  };
}
