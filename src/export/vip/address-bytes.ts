// Internet addresses as the bytes that travel, and back.
import { isIPv4, isIPv6 } from "../../address.ts";

/** 4 or 16 bytes; of one with a zone without it. Throws a RangeError for what is no address. */
export function addressBytes(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  if (!isIPv6(text)) throw new RangeError(`no IP address: ${text}`);
  const [address = ""] = text.split("%");
  const [front = "", back] = address.split("::");
  const head = wordsOf(front);
  const tail = wordsOf(back ?? "");
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return Uint8Array.from([...head, ...zeros, ...tail].flatMap((word) => [word >> 8, word & 255]));
}

function wordsOf(groups: string): readonly number[] {
  return groups.split(":").flatMap((group) => {
    if (group === "") return [];
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

/** The text of 4 or 16 bytes, an IPv6 one as RFC 5952 section 4 writes it. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.byteLength === 4) return bytes.join(".");
  const words = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  const text = words.join(":");
  // The first of the longest runs of two or more zeros.
  const [longest] = [...text.matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)]
    .map(([run]) => run)
    .sort((one, other) => other.length - one.length);
  if (longest === undefined) return text;
  const at = text.search(new RegExp(`(?:^|(?<=:))${longest}(?=:|$)`));
  const [head, tail] = [text.slice(0, at), text.slice(at + longest.length)];
  return `${head.replace(/:$/, "")}::${tail.replace(/^:/, "")}`;
}

/** Whether one host may have it, and others reach it there: no loopback, nothing unspecified, nothing for many. */
export function isHostAddress(bytes: Uint8Array): boolean {
  const [first = 0] = bytes;
  return bytes.byteLength === 4 ? first !== 0 && first !== 127 && first < 224 : first !== 0 && first !== 255;
}
