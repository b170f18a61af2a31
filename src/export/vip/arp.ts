// ARP on Ethernet: asking whether another host has an address before it is taken, and telling that it has moved (RFC 826, RFC 5227).
import { addressBytes } from "./address-bytes.ts";

const [frameBytes, ethernetBytes] = [42, 14];
/** ETH_P_ARP (linux/if_ether.h). */
export const arpProtocol = 0x0806;
/** Ethernet, IPv4, and how long their addresses are. */
const kinds = [0, 1, 0x08, 0x00, 6, 4];
const [requestOperation, replyOperation] = [1, 2];
const broadcast = [255, 255, 255, 255, 255, 255];
const nowhere = [0, 0, 0, 0];
const nobody = [0, 0, 0, 0, 0, 0];

/** Asks who has an IPv4 address without claiming it (RFC 5227 section 2.1.1). */
export function encodeProbe(hardware: Uint8Array, address: string): Uint8Array {
  return frame(hardware, nowhere, addressBytes(address));
}

/** Tells everybody that the address is here now (RFC 5227 section 2.3). */
export function encodeAnnouncement(hardware: Uint8Array, address: string): Uint8Array {
  return frame(hardware, addressBytes(address), addressBytes(address));
}

function frame(hardware: Uint8Array, sender: Iterable<number>, target: Iterable<number>): Uint8Array {
  const head = [...broadcast, ...hardware, arpProtocol >> 8, arpProtocol & 255];
  return Uint8Array.from([...head, ...kinds, 0, requestOperation, ...hardware, ...sender, ...nobody, ...target]);
}

/**
 * The hardware address of the other host by whose frame the address is in use, or is about to be: it names itself by it, or asks for
 * it without claiming it as we do (RFC 5227 section 2.1.1). Undefined for any other frame.
 */
export function conflictIn(bytes: Uint8Array, own: Uint8Array, address: string): string | undefined {
  const packet = packetIn(bytes);
  if (packet === undefined || equal(packet.hardware, own)) return undefined;
  const wanted = addressBytes(address);
  const { isRequest, sender, target } = packet;
  const isProbe = isRequest && equal(sender, nowhere) && equal(target, wanted);
  return equal(sender, wanted) || isProbe ? hardwareText(packet.hardware) : undefined;
}

/** The hardware address of whoever names itself by the address in a frame. */
export function holderIn(bytes: Uint8Array, address: string): string | undefined {
  const packet = packetIn(bytes);
  return packet !== undefined && equal(packet.sender, addressBytes(address))
    ? hardwareText(packet.hardware)
    : undefined;
}

interface Packet {
  readonly isRequest: boolean;
  readonly hardware: Uint8Array;
  readonly sender: Uint8Array;
  readonly target: Uint8Array;
}

function packetIn(bytes: Uint8Array): Packet | undefined {
  if (bytes.byteLength < frameBytes) return undefined;
  const packet = bytes.subarray(ethernetBytes);
  const operation = ((packet[6] ?? 0) << 8) | (packet[7] ?? 0);
  const isRequest = operation === requestOperation;
  if (!equal(packet.subarray(0, 6), kinds) || (!isRequest && operation !== replyOperation)) return undefined;
  return {
    isRequest,
    hardware: packet.subarray(8, 14),
    sender: packet.subarray(14, 18),
    target: packet.subarray(24, 28),
  };
}

export function hardwareText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

function equal(one: ArrayLike<number>, other: ArrayLike<number>): boolean {
  return one.length === other.length && Array.from(one).every((byte, at) => byte === other[at]);
}
