// When a reason is worth a log line: when it is new, and every half minute while it lasts.

const reminderMs = 30_000;

/** Remembers what was said last of each thing that waits. */
export interface ReasonLog {
  /** Whether `reason` for `key` should be said now. */
  readonly isDue: (key: string, reason: string, nowMs: number) => boolean;
  /** The last reason of each key that is still waiting. */
  readonly last: (key: string) => string | undefined;
  /** `key` waits no longer. */
  readonly forget: (key: string) => void;
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
    last: (key) => said.get(key)?.reason,
    forget: (key) => {
      said.delete(key);
    },
  };
}
