// A file's bytes as text of one character a byte (ISO 8859-1), so that what is not ours goes through unchanged, whatever it is.

/** Our own text, as the bytes of its UTF-8. */
export function toLatin1(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** What such bytes mean where they are UTF-8. */
export function fromLatin1(latin1: string): string {
  return new TextDecoder().decode(Uint8Array.from(latin1, (character) => character.charCodeAt(0)));
}
