// When a reason is worth a log line: when it is of a new class, and every half minute while any lasts.

const reminderMs = 30_000;
/** So many classes are told apart: a server that says something else each time has no more lines. */
const mostClasses = 8;

/** Remembers what was said last of each thing that waits. */
export interface ReasonLog {
  /** Whether `reason` for `key` should be said now. */
  readonly isDue: (key: string, reason: string, nowMs: number) => boolean;
}

export function reasonLog(): ReasonLog {
  interface Said {
    saidMs: number;
    /** Classes of reasons with the time they were last met. */
    readonly met: Map<string, number>;
  }
  const said = new Map<string, Said>();
  return {
    isDue: (key, reason, nowMs) => {
      const before = said.get(key);
      const met = before?.met ?? new Map<string, number>();
      // One that comes back after so long is a change; one that alternates with others is not.
      for (const [known, metMs] of met) if (nowMs - metMs >= reminderMs) met.delete(known);
      const name = reasonClass(reason);
      const isNew = !met.has(name) && met.size < mostClasses;
      const isReminder = before !== undefined && nowMs - before.saidMs >= reminderMs;
      if (met.has(name) || isNew) met.set(name, nowMs);
      const isDue = before === undefined || isNew || isReminder;
      said.set(key, { met, saidMs: isDue ? nowMs : before.saidMs });
      return isDue;
    },
  };
}

const quoted = /"[^"]*"/g;
const number = /\d+(?:\.\d+)*/g;

/** What kind of reason it is: without its details, such as the address, the port or the word of a server that it names. */
export function reasonClass(reason: string): string {
  const words = reason.replaceAll(quoted, '"').split(" ");
  return words.map(withoutAddress).join(" ").replaceAll(number, "#");
}

function withoutAddress(word: string): string {
  const bare = word.replace(/[:;,]$/, "");
  const isIpv6 = /^[\da-f:.]+(?:%[\w.-]+)?$/i.test(bare) && bare.split(":").length > 2;
  return isIpv6 ? `#${word.slice(bare.length)}` : word;
}
