// XDR (RFC 4506) as far as RPC calls need it: 4-byte big-endian words and opaque data.

/** A decoder's position in a message; reading past the end is a `ShortMessage`. */
export interface XdrReader {
  readonly uint32: () => number;
  /** Variable-length opaque data of at most `most` bytes, with its padding (RFC 4506 section 4.10). */
  readonly opaque: (most: number) => Uint8Array;
  readonly remaining: () => number;
}

/** A message that ends before what it announces, or announces more than is allowed. */
export class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
}

export function xdrReader(bytes: Uint8Array): XdrReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  const take = (length: number): number => {
    if (length > bytes.byteLength - offset) throw new MalformedMessage(`ends after ${bytes.byteLength} bytes`);
    const start = offset;
    offset += length;
    return start;
  };
  return {
    uint32: () => view.getUint32(take(4)),
    opaque: (most) => {
      const length = view.getUint32(take(4));
      if (length > most) throw new MalformedMessage(`holds ${length} bytes where ${most} are allowed`);
      const start = take(Math.ceil(length / 4) * 4);
      return bytes.subarray(start, start + length);
    },
    remaining: () => bytes.byteLength - offset,
  };
}

/** Words in XDR: each an unsigned 32-bit number. */
export function encodeWords(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => view.setUint32(index * 4, word));
  return bytes;
}
