// A segment of TCP that belongs to no connection of this host: by its answer to it a client learns that its connection is gone.
import { addressBytes } from "./address-bytes.ts";

/** One end of a connection. */
export interface End {
  readonly address: string;
  readonly port: number;
}

/** IPPROTO_TCP, and the bytes of a header without options (RFC 9293 section 3.1). */
const [protocol, headerBytes] = [6, 20];
const acknowledge = 0x10;

/**
 * An acknowledgement of nothing. A client whose numbers are others tells ours, the kernel of this host knows no such connection, and
 * resets it (RFC 9293 section 3.10.7.4 and 3.10.7.1).
 */
export function encodeAcknowledgement(from: End, to: End): Uint8Array {
  const header = [...uint16(from.port), ...uint16(to.port), 0, 0, 0, 0, 0, 0, 0, 0];
  const lengthInWords = headerBytes / 4;
  const parts = (sum: number) => [...header, lengthInWords << 4, acknowledge, 0, 0, ...uint16(sum), 0, 0];
  // The same for both families: zeros do not count, and the length fits 16 bits (RFC 9293 section 3.1, RFC 8200 section 8.1).
  const pseudo = [...addressBytes(from.address), ...addressBytes(to.address), 0, protocol, ...uint16(headerBytes)];
  return Uint8Array.from(parts(checksum([...pseudo, ...parts(0)])));
}

function uint16(value: number): readonly [number, number] {
  return [value >> 8, value & 255];
}

/** The complement of the one's complement sum of 16-bit words (RFC 1071), for an even number of bytes. */
function checksum(bytes: readonly number[]): number {
  const sum = bytes.reduce((total, byte, at) => total + (at % 2 === 0 ? byte << 8 : byte), 0);
  const folded = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~((folded & 0xffff) + (folded >> 16)) & 0xffff;
}
