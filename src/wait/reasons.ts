// When a reason is worth a log line: when it is new, and every half minute while it lasts.

const reminderMs = 30_000;

/** Remembers what was said last of each thing that waits. */
export interface ReasonLog {
  /** Whether `reason` for `key` should be said now. */
  readonly isDue: (key: string, reason: string, nowMs: number) => boolean;
}

export function reasonLog(): ReasonLog {
  const said = new Map<string, { readonly reason: string; readonly saidMs: number }>();
  return {
    isDue: (key, reason, nowMs) => {
      const before = said.get(key);
      if (before?.reason === reason && nowMs - before.saidMs < reminderMs) return false;
      said.set(key, { reason, saidMs: nowMs });
      return true;
    },
  };
}
