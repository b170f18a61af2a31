// Messages of rtnetlink(7): addresses, interfaces and the way to an address, as the kernel's headers lay them out.
// Numbers are in the machine's order, which is little-endian on all that we build for (linux/netlink.h, rtnetlink.h, if_addr.h).
import { addressBytes, addressText } from "./address-bytes.ts";

/** A message from the kernel, without its header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** What the kernel says to a request. */
export type NetlinkAnswer =
  | { readonly kind: "answer"; readonly messages: readonly NetlinkMessage[] }
  /** A positive errno. */
  | { readonly kind: "error"; readonly errno: number };

const headerBytes = 16;
export const messageTypes = {
  error: 2,
  done: 3,
  newLink: 16,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  getRoute: 26,
} as const;
const flags = { request: 0x1, acknowledge: 0x4, dump: 0x300, replace: 0x100, create: 0x400 } as const;
const families = { 4: 2, 6: 10 } as const;

/** IFA_ADDRESS and its like (linux/if_addr.h). */
const addressAttributes = { address: 1, local: 2, cacheInfo: 6, flags: 8 } as const;
/** IFLA_ (linux/if_link.h). */
const linkAttributes = { address: 1, name: 3 } as const;
/** RTA_ (linux/rtnetlink.h). */
const routeAttributes = { destination: 1, outgoing: 4, gateway: 5 } as const;

/** An address of an interface. */
export interface InterfaceAddress {
  readonly interfaceIndex: number;
  readonly address: string;
  readonly prefixLength: number;
  /** It is not used yet: the kernel asks whether another host has it (IPv6 alone). */
  readonly isTentative: boolean;
  /** Another host has it. */
  readonly isDuplicate: boolean;
  /** It stays until somebody takes it away; others go when their time is over. */
  readonly isPermanent: boolean;
}

export interface Link {
  readonly interfaceIndex: number;
  readonly name: string;
  /** Whether it is up and has a carrier. */
  readonly isRunning: boolean;
  /** Whether hosts find each other's hardware addresses on it by ARP. */
  readonly hasArp: boolean;
  /** Its hardware address. */
  readonly hardware: Uint8Array;
}

/** The way to an address. */
export type Way =
  | { readonly kind: "direct"; readonly interfaceIndex: number }
  | { readonly kind: "gateway"; readonly interfaceIndex: number }
  /** It is an address of this machine. */
  | { readonly kind: "own" }
  | { readonly kind: "other" };

export interface AddressChange {
  readonly interfaceIndex: number;
  readonly address: string;
  readonly prefixLength: number;
}

/** Adds an address for so many seconds, or lets one that is there stay for so long from now. */
export function encodeNewAddress(change: AddressChange, seconds: number): Uint8Array {
  const cacheInfo = new Uint8Array(16);
  const view = new DataView(cacheInfo.buffer);
  // How long it is preferred, and how long it is valid.
  view.setUint32(0, seconds, true);
  view.setUint32(4, seconds, true);
  return request(messageTypes.newAddress, flags.create | flags.replace | flags.acknowledge, [
    ...addressBody(change),
    attribute(addressAttributes.cacheInfo, cacheInfo),
  ]);
}

export function encodeDeleteAddress(change: AddressChange): Uint8Array {
  return request(messageTypes.deleteAddress, flags.acknowledge, addressBody(change));
}

function addressBody({ interfaceIndex, address, prefixLength }: AddressChange): readonly Uint8Array[] {
  const bytes = addressBytes(address);
  return [
    fixed(8, (view) => {
      view.setUint8(0, familyOf(bytes));
      view.setUint8(1, prefixLength);
      view.setUint32(4, interfaceIndex, true);
    }),
    attribute(addressAttributes.local, bytes),
    attribute(addressAttributes.address, bytes),
  ];
}

/** Asks for all addresses of one family. */
export function encodeListAddresses(family: 4 | 6): Uint8Array {
  return request(messageTypes.getAddress, flags.dump, [fixed(8, (view) => view.setUint8(0, families[family]))]);
}

/** Asks for an interface by its name or number. */
export function encodeGetLink(link: string | number): Uint8Array {
  const body = fixed(16, (view) => {
    if (typeof link === "number") view.setInt32(4, link, true);
  });
  const name = typeof link === "number" ? [] : [attribute(linkAttributes.name, latin1(`${link}\0`))];
  return request(messageTypes.getLink, flags.acknowledge, [body, ...name]);
}

/** Asks for all interfaces. */
export function encodeListLinks(): Uint8Array {
  return request(messageTypes.getLink, flags.dump, [fixed(16, () => {})]);
}

export function encodeGetRoute(address: string): Uint8Array {
  const bytes = addressBytes(address);
  const body = fixed(12, (view) => {
    view.setUint8(0, familyOf(bytes));
    view.setUint8(1, bytes.byteLength * 8);
  });
  return request(messageTypes.getRoute, flags.acknowledge, [body, attribute(routeAttributes.destination, bytes)]);
}

function familyOf(address: Uint8Array): number {
  return address.byteLength === 4 ? families[4] : families[6];
}

/** A request without a sequence number, which `setSequence` gives it. */
function request(type: number, more: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.byteLength, headerBytes);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags.request | more, true);
  let offset = headerBytes;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

export function withSequence(message: Uint8Array, sequence: number): Uint8Array {
  const copy = message.slice();
  new DataView(copy.buffer).setUint32(8, sequence, true);
  return copy;
}

function fixed(length: number, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  fill(new DataView(bytes.buffer));
  return bytes;
}

/** Its length, its type, its value, zeros up to a multiple of four. */
function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(aligned(4 + value.byteLength));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.byteLength, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The messages of what one read gave; what is cut short ends them. */
export function decodeMessages(bytes: Uint8Array): readonly NetlinkMessage[] {
  const view = viewOf(bytes);
  const messages: NetlinkMessage[] = [];
  for (let offset = 0; offset + headerBytes <= bytes.byteLength;) {
    const length = view.getUint32(offset, true);
    if (length < headerBytes || length > bytes.byteLength - offset) break;
    messages.push({
      type: view.getUint16(offset + 4, true),
      sequence: view.getUint32(offset + 8, true),
      body: bytes.subarray(offset + headerBytes, offset + length),
    });
    offset += aligned(length);
  }
  return messages;
}

/** Collects what belongs to one request; undefined until all of it has come. */
export function answerCollector(sequence: number): (messages: readonly NetlinkMessage[]) => NetlinkAnswer | undefined {
  const all: NetlinkMessage[] = [];
  return (messages) => {
    for (const message of messages) {
      if (message.sequence !== sequence) continue;
      if (message.type === messageTypes.done) return { kind: "answer", messages: all };
      if (message.type === messageTypes.error) {
        const errno = message.body.byteLength < 4 ? 0 : -viewOf(message.body).getInt32(0, true);
        return errno === 0 ? { kind: "answer", messages: all } : { kind: "error", errno };
      }
      all.push(message);
    }
    return undefined;
  };
}

/** IFA_F_ (linux/if_addr.h). */
const addressFlags = { duplicate: 0x08, tentative: 0x40, permanent: 0x80 } as const;

/** Undefined for what is no address of IPv4 or IPv6. */
export function decodeAddress({ type, body }: NetlinkMessage): InterfaceAddress | undefined {
  if (type !== messageTypes.newAddress || body.byteLength < 8) return undefined;
  const view = viewOf(body);
  const attributes = decodeAttributes(body.subarray(8));
  // Of a point-to-point link the one is the other side's.
  const address = attributes.get(addressAttributes.local) ?? attributes.get(addressAttributes.address);
  if (address === undefined || (address.byteLength !== 4 && address.byteLength !== 16)) return undefined;
  const wide = attributes.get(addressAttributes.flags);
  const bits = wide?.byteLength === 4 ? viewOf(wide).getUint32(0, true) : view.getUint8(2);
  return {
    interfaceIndex: view.getUint32(4, true),
    address: addressText(address),
    prefixLength: view.getUint8(1),
    isTentative: (bits & addressFlags.tentative) !== 0,
    isDuplicate: (bits & addressFlags.duplicate) !== 0,
    isPermanent: (bits & addressFlags.permanent) !== 0,
  };
}

/** ARPHRD_ETHER (linux/if_arp.h), IFF_NOARP and IFF_LOWER_UP (linux/if.h). */
const ethernet = 1;
const linkFlags = { up: 0x1, noArp: 0x80, carrier: 0x1_0000 } as const;

export function decodeLink({ type, body }: NetlinkMessage): Link | undefined {
  if (type !== messageTypes.newLink || body.byteLength < 16) return undefined;
  const view = viewOf(body);
  const attributes = decodeAttributes(body.subarray(16));
  const bits = view.getUint32(8, true);
  const name = attributes.get(linkAttributes.name) ?? new Uint8Array(0);
  const hardware = attributes.get(linkAttributes.address) ?? new Uint8Array(0);
  const up = linkFlags.up | linkFlags.carrier;
  return {
    interfaceIndex: view.getInt32(4, true),
    name: String.fromCharCode(...name).replace(/\0.*$/s, ""),
    isRunning: (bits & up) === up,
    hasArp: view.getUint16(2, true) === ethernet && hardware.byteLength === 6 && (bits & linkFlags.noArp) === 0,
    hardware: hardware.slice(),
  };
}

/** RTN_ (linux/rtnetlink.h). */
const [unicast, local] = [1, 2];

export function decodeRoute({ type, body }: NetlinkMessage): Way | undefined {
  if (type !== messageTypes.newRoute || body.byteLength < 12) return undefined;
  const kind = viewOf(body).getUint8(7);
  const attributes = decodeAttributes(body.subarray(12));
  const outgoing = attributes.get(routeAttributes.outgoing);
  if (kind === local) return { kind: "own" };
  if (kind !== unicast || outgoing?.byteLength !== 4) return { kind: "other" };
  const interfaceIndex = viewOf(outgoing).getUint32(0, true);
  return { kind: attributes.has(routeAttributes.gateway) ? "gateway" : "direct", interfaceIndex };
}

/** The last of each type. */
function decodeAttributes(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const view = viewOf(bytes);
  const attributes = new Map<number, Uint8Array>();
  for (let offset = 0; offset + 4 <= bytes.byteLength;) {
    const length = view.getUint16(offset, true);
    if (length < 4 || length > bytes.byteLength - offset) break;
    // The two highest bits are flags (NLA_F_NESTED, NLA_F_NET_BYTEORDER).
    attributes.set(view.getUint16(offset + 2, true) & 0x3fff, bytes.subarray(offset + 4, offset + length));
    offset += aligned(length);
  }
  return attributes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
