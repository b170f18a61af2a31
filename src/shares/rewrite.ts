// Rewrites a file in place so that a kill at any moment loses nothing: the new text stands behind the old one, in a comment of
// ours, until the old one has been replaced. Texts are bytes as Latin-1.

/** One change of the file; they are made in order. */
export type RewriteStep =
  | { readonly kind: "write"; readonly at: number; readonly latin1: string }
  | { readonly kind: "sync" }
  | { readonly kind: "truncate"; readonly length: number };

export interface Rewriting {
  /** Until these are done the old text stands untouched; where one of them fails the file is cut back to it. */
  readonly prepare: readonly RewriteStep[];
  readonly replace: readonly RewriteStep[];
}

const mark = "# nfs-init rewrites this file: ";

/** How `before`, in which nothing is unfinished, becomes `after` in the same file. */
export function planRewriting(before: string, after: string): Rewriting {
  // NULs part it from the text before, and hold the place of what makes the file longer: a full disk is met here.
  const start = Math.max(before.length, after.length) + 1;
  const record = recordOf(start, after);
  const gap = "\0".repeat(start - before.length);
  return {
    prepare: [
      { kind: "write", at: before.length, latin1: gap },
      { kind: "write", at: start, latin1: record },
      { kind: "sync" },
    ],
    replace: replaceBy(after),
  };
}

function replaceBy(text: string): readonly RewriteStep[] {
  return [
    { kind: "write", at: 0, latin1: text },
    { kind: "sync" },
    { kind: "truncate", length: text.length },
    { kind: "sync" },
  ];
}

/** How a file gets the text that it is to have: it is empty where nothing is unfinished in it. */
export function planFinishing(found: string): Rewriting {
  const text = recoverText(found);
  if (text === found) return { prepare: [], replace: [] };
  if (found.startsWith(text)) {
    return { prepare: [], replace: [{ kind: "truncate", length: text.length }, { kind: "sync" }] };
  }
  const record = lastRecord(found);
  // It stays whole until the file is cut.
  const isBehind = record !== undefined && record.at === record.start && text.length <= record.start;
  return isBehind ? { prepare: [], replace: replaceBy(text) } : planRewriting(found, text);
}

/**
 * The text that a file is to have: what an unfinished rewriting was about to give it, or the text before one that had not come so
 * far; any other text is given back as it is.
 */
export function recoverText(found: string): string {
  const text = withoutTorn(found);
  const record = lastRecord(text);
  if (record === undefined) return text;
  const since = text.slice(record.end);
  // Where somebody has changed what stands before it, that counts.
  return (record.at === record.start ? record.content : text.slice(0, record.start).replace(/\0+$/, "")) + since;
}

/** What would end the line of a record, or part the text from it; and what stands for that. */
const escapes: Readonly<Record<string, string>> = { "%": "%25", "\0": "%00", "\n": "%0A", "\r": "%0D" };
const decoded: Readonly<Record<string, string>> = { "%25": "%", "%00": "\0", "%0A": "\n", "%0D": "\r" };

function recordOf(start: number, after: string): string {
  const content = after.replaceAll(/[%\0\n\r]/g, (one) => escapes[one] ?? one);
  return `${mark}${start} ${checksum(`${start} ${content}`)} ${content}\n`;
}

interface RewriteRecord {
  /** Where it stands, and where it stood when it was written. */
  readonly start: number;
  readonly at: number;
  readonly end: number;
  readonly content: string;
}

/** The last whole record of a text. */
function lastRecord(text: string): RewriteRecord | undefined {
  for (let start = text.lastIndexOf(mark); start >= 0; start = start === 0 ? -1 : text.lastIndexOf(mark, start - 1)) {
    const end = text.indexOf("\n", start);
    const record = end < 0 ? "" : text.slice(start + mark.length, end);
    const {
      at = "",
      sum,
      content = "",
    } = /^(?<at>\d+) (?<sum>[0-9a-f]{8}) (?<content>.*)$/s.exec(record)?.groups ?? {};
    if (sum === undefined || sum !== checksum(`${at} ${content}`)) continue;
    return {
      start,
      at: Number(at),
      end: end + 1,
      content: content.replaceAll(/%[0-9A-F]{2}/g, (one) => decoded[one] ?? one),
    };
  }
  return undefined;
}

/** A text without a record at its end that was cut short: that is ended by NULs, and parted from the text by NULs. */
function withoutTorn(text: string): string {
  const gapEnd = text.lastIndexOf("\0") + 1;
  if (gapEnd === 0) return text;
  const rest = text.slice(gapEnd);
  const isTorn = rest.length < mark.length ? mark.startsWith(rest) : rest.startsWith(mark) && !rest.includes("\n");
  return isTorn ? text.slice(0, gapEnd).replace(/\0+$/, "") : text;
}

/** FNV-1a of 32 bits: it tells a record that was cut short, or stands elsewhere, from a whole one. */
function checksum(text: string): string {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
