// XDR (RFC 4506) as far as the questions to a server need it: words, hypers, opaque data, strings and lists.

/** A decoder's position in a message; reading past the end throws `MalformedMessage`. */
export interface XdrReader {
  readonly uint32: () => number;
  readonly uint64: () => bigint;
  readonly bool: () => boolean;
  /** Fixed-length opaque data (RFC 4506 section 4.9), a view into the message. */
  readonly fixed: (length: number) => Uint8Array;
  /** Variable-length opaque data of at most `most` bytes, with its padding (RFC 4506 section 4.10), a view into the message. */
  readonly opaque: (most: number) => Uint8Array;
  /** A string of at most `most` bytes (RFC 4506 section 4.11), read as UTF-8. */
  readonly string: (most: number) => string;
  readonly remaining: () => number;
}

/** A message that ends before what it announces, or announces more than is allowed. */
export class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
}

// Not fatal: a path on a server is bytes, and one that is no UTF-8 is better shown with a mark in it than not at all.
const text = new TextDecoder("utf-8", { ignoreBOM: true });

export function xdrReader(bytes: Uint8Array): XdrReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  const take = (length: number): number => {
    if (length > bytes.byteLength - offset) throw new MalformedMessage(`ends after ${bytes.byteLength} bytes`);
    const start = offset;
    offset += length;
    return start;
  };
  const fixed = (length: number): Uint8Array => {
    const start = take(padded(length));
    return bytes.subarray(start, start + length);
  };
  const uint32 = () => view.getUint32(take(4));
  const opaque = (most: number): Uint8Array => {
    const length = uint32();
    if (length > most) throw new MalformedMessage(`holds ${length} bytes where ${most} are allowed`);
    return fixed(length);
  };
  return {
    uint32,
    uint64: () => view.getBigUint64(take(8)),
    bool: () => {
      const word = uint32();
      if (word > 1) throw new MalformedMessage(`holds ${word} where yes or no is expected`);
      return word === 1;
    },
    fixed,
    opaque,
    string: (most) => text.decode(opaque(most)),
    remaining: () => bytes.byteLength - offset,
  };
}

/** A counted array (RFC 4506 section 4.13) of at most `most` items. */
export function readArray<T>(reader: XdrReader, most: number, readItem: (reader: XdrReader) => T): readonly T[] {
  const count = reader.uint32();
  if (count > most) throw new MalformedMessage(`holds ${count} items where ${most} are allowed`);
  const items: T[] = [];
  while (items.length < count) items.push(readItem(reader));
  return items;
}

/** A linked list (RFC 4506 section 4.19) of at most `most` items: each behind a word that says that it follows. */
export function readList<T>(reader: XdrReader, most: number, readItem: (reader: XdrReader) => T): readonly T[] {
  const items: T[] = [];
  while (reader.bool()) {
    if (items.length === most) throw new MalformedMessage(`lists more than ${most} items`);
    items.push(readItem(reader));
  }
  return items;
}

/** Words in XDR: each an unsigned 32-bit number. */
export function encodeWords(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => view.setUint32(index * 4, word));
  return bytes;
}

/** An unsigned hyper (RFC 4506 section 4.5). */
export function encodeUint64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

/** Variable-length opaque data: its length, its bytes, zeros up to a multiple of four. */
export function encodeOpaque(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + padded(data.byteLength));
  new DataView(bytes.buffer).setUint32(0, data.byteLength);
  bytes.set(data, 4);
  return bytes;
}

/** A string as opaque data in UTF-8. */
export function encodeString(value: string): Uint8Array {
  return encodeOpaque(new TextEncoder().encode(value));
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}
