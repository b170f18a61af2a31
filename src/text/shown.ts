// Values from outside as a message may show them: nothing that acts on a terminal, and short enough for what follows.
import { printable } from "./printable.ts";

/** Enough of a value to know it again; a message of a few such parts fits into a log line. */
const longestShown = 160;

/** `text` without characters that act on a terminal, with bytes that are no UTF-8 as `\xe9`, cut in its middle where it is long. */
export function shown(text: string, most = longestShown): string {
  // What is cut away need not be escaped.
  const isLong = text.length > most * 2;
  const part = isLong ? shortened(text, most * 2) : text;
  const escaped = part.replaceAll(/[\ud800-\udfff]/gu, (half) => `\\x${(half.charCodeAt(0) & 0xff).toString(16)}`);
  return shortened(printable(escaped), most);
}

/** `text` with at most about `most` characters: of a longer one the beginning and the end, which says what to do. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const tail = Math.floor(most / 2);
  return `${text.slice(0, most - tail)}...${text.slice(-tail)}`;
}
