// Bytes from outside as text: what is not UTF-8 is kept apart, so that it is never taken for something else.

/** `NAME=value` entries as an environment; of a name that is there twice the first counts, as for getenv(3). */
export function decodeEnvironment(entries: readonly Uint8Array[]): Readonly<Record<string, string>> {
  const pairs = new Map<string, string>();
  for (const entry of entries) {
    const text = decodeText(entry);
    const equals = text.indexOf("=");
    const name = text.slice(0, Math.max(0, equals));
    if (equals > 0 && !pairs.has(name)) pairs.set(name, text.slice(equals + 1));
  }
  return Object.fromEntries(pairs);
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text that UTF-8 bytes stand for. A byte that is none of it becomes a lone surrogate, U+DC80 to U+DCFF, as Python has it. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return decodePieces(bytes);
  }
}

function decodePieces(bytes: Uint8Array): string {
  let text = "";
  let decoded = 0;
  for (let index = 0; index < bytes.byteLength;) {
    const length = sequenceLength(bytes, index);
    if (length === 0) {
      text += strict.decode(bytes.subarray(decoded, index));
      text += String.fromCharCode(0xdc00 + (bytes[index] ?? 0));
      decoded = index + 1;
    }
    index += Math.max(1, length);
  }
  return text + strict.decode(bytes.subarray(decoded));
}

/** Why `text` cannot be given to the kernel as it is, or undefined where it can. */
export function encodingProblem(text: string): string | undefined {
  if (!text.isWellFormed()) return "it is not valid UTF-8";
  return text.includes("\0") ? "it holds a NUL character" : undefined;
}

/** Bytes of the well-formed UTF-8 sequence that starts at `index`, 0 where there is none (Unicode, table 3-7). */
function sequenceLength(bytes: Uint8Array, index: number): number {
  const lead = bytes[index] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const second = bytes[index + 1] ?? 0;
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (length === 0 || second < least || second > most) return 0;
  for (let offset = 2; offset < length; offset++) {
    if (((bytes[index + offset] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}
