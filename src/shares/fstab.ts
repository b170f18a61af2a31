// fstab(5): lines to entries and back, and the block of our lines within a file whose other bytes are kept.
import { escapeField, unescapeField } from "./escape.ts";

/** One line of fstab(5). */
export interface FstabEntry {
  readonly source: string;
  readonly target: string;
  readonly fstype: string;
  /** Options as written, separated by commas; "" where the column is missing. */
  readonly options: string;
  readonly freq: number;
  readonly passno: number;
}

const begin = "# nfs-init begin";
const end = "# nfs-init end";

/** The entries of a file's text; comments and lines with fewer than three columns are passed over. */
export function parseFstab(text: string): readonly FstabEntry[] {
  const entries: FstabEntry[] = [];
  for (const line of text.split("\n")) {
    const entry = parseFstabLine(line);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** The columns of one line, still escaped; none for a comment. Blanks are space and tab only, as libmount and glibc have it. */
export function splitColumns(line: string): readonly string[] {
  const columns = line.split(/[ \t]+/).filter((column) => column !== "");
  return columns[0]?.startsWith("#") === true ? [] : columns;
}

function parseFstabLine(line: string): FstabEntry | undefined {
  const [source, target, fstype, options = "", freq = "0", passno = "0"] = splitColumns(line).map(unescapeField);
  if (source === undefined || target === undefined || fstype === undefined) return undefined;
  return { source, target, fstype, options, freq: leadingNumber(freq), passno: leadingNumber(passno) };
}

/** As glibc's getmntent reads the last two columns: a number up to the first other character, else 0. */
function leadingNumber(column: string): number {
  return Number(/^-?\d+/.exec(column)?.[0] ?? 0);
}

/** An entry as a line, without its newline. */
export function formatFstabLine(entry: FstabEntry): string {
  const fields = [entry.source, entry.target, entry.fstype, entry.options].map(escapeField);
  return `${fields.join(" ")} ${entry.freq} ${entry.passno}`;
}

/** A file's text in the parts that are ours and those that are not. */
interface Split {
  /** Foreign text before our first block, or all of it. */
  readonly before: string;
  readonly hasBlock: boolean;
  /** Foreign text after our first block. */
  readonly after: string;
}

/**
 * Finds our blocks: a begin line, no other begin line, and an end line. A marker without its partner is a foreign comment,
 * so that a torn block can never swallow lines that are not ours.
 */
function splitAtBlock(text: string): Split {
  const [first] = text.matchAll(block());
  if (first === undefined) return { before: text, hasBlock: false, after: "" };
  const before = text.slice(0, first.index);
  const after = text.slice(first.index + first[0].length).replaceAll(block(), "");
  return { before, hasBlock: true, after };
}

function block(): RegExp {
  return new RegExp(`^${begin}[ \t\r]*\n(?:(?!${begin}[ \t\r]*\n)[^\n]*\n)*?${end}[ \t\r]*(?:\n|$(?![^]))`, "gm");
}

/**
 * The text of a file with our block holding `lines`; without lines the block goes. What is not ours keeps its bytes; only a
 * last line without its newline gets one when the block is appended.
 */
export function withBlock(text: string, lines: readonly string[]): string {
  const { before, hasBlock, after } = splitAtBlock(text);
  if (lines.length === 0) return before + after;
  const lead = !hasBlock && before !== "" && !before.endsWith("\n") ? `${before}\n` : before;
  return `${lead}${begin}\n${lines.map((line) => `${line}\n`).join("")}${end}\n${after}`;
}

/** The lines of our blocks in a file's text, markers left out. */
export function blockLines(text: string): readonly string[] {
  return [...text.matchAll(block())].flatMap(([found]) => found.trimEnd().split("\n").slice(1, -1));
}

/**
 * The lines for our block: `own` stands where the first of our old lines stood, or at the end; of the other old lines those stay
 * that `isKept`, in their order.
 */
export function mergeLines(
  old: readonly string[],
  own: readonly string[],
  isOwn: (entry: FstabEntry) => boolean,
  isKept: (entry: FstabEntry) => boolean,
): readonly string[] {
  const before: string[] = [];
  const after: string[] = [];
  let isPassed = false;
  for (const line of old) {
    const entry = parseFstabLine(line.replace(/\r$/, ""));
    if (entry === undefined) continue;
    if (isOwn(entry)) isPassed = true;
    else if (isKept(entry)) (isPassed ? after : before).push(line);
  }
  return [...before, ...own, ...after];
}

/** The text of a file without our lines. */
export function foreignText(text: string): string {
  return withBlock(text, []);
}
