// Who may mount an export: words of exports(5) as rules, and which rule an address falls under.
import { isIP } from "../address.ts";

/** A word of a list of clients. */
export type Client =
  | { readonly kind: "any" }
  /** The networks that the machine is attached to. */
  | { readonly kind: "attached" }
  | { readonly kind: "network"; readonly network: Network }
  /** A host by its name, which is looked up when somebody comes. */
  | { readonly kind: "name"; readonly name: string };

/** An address, or all of a network: the first `prefix` bits of `bytes`, of which there are 4 or 16. */
export interface Network {
  readonly bytes: readonly number[];
  readonly prefix: number;
}

/** The 4 or 16 bytes of an address, an IPv4 one that is written as IPv6 as IPv4; undefined for what is none. A zone is left out. */
export function addressBytes(text: string): readonly number[] | undefined {
  const kind = isIP(text);
  if (kind === 0) return undefined;
  if (kind === 4) return text.split(".").map(Number);
  const [address = ""] = text.split("%");
  const [head = "", tail] = address.split("::");
  const front = wordsOf(head);
  const back = tail === undefined ? [] : wordsOf(tail);
  const middle = Array.from({ length: tail === undefined ? 0 : 8 - front.length - back.length }, () => 0);
  const bytes = [...front, ...middle, ...back].flatMap((word) => [word >> 8, word & 0xff]);
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.slice(12) : bytes;
}

/** Groups of 16 bits; an IPv4 address at the end is two. */
function wordsOf(text: string): readonly number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

/** A client as exports(5) writes one; undefined where it cannot be one. */
export function parseClient(word: string): Client | undefined {
  if (word === "*") return { kind: "any" };
  const [address = "", mask, ...more] = word.split("/");
  const bytes = addressBytes(address.replace(/^\[(.*)\]$/, "$1"));
  if (bytes !== undefined && more.length === 0) {
    const prefix = mask === undefined ? bytes.length * 8 : prefixOf(mask, bytes.length * 8);
    return prefix === undefined ? undefined : { kind: "network", network: { bytes, prefix } };
  }
  const isName = mask === undefined && word.length <= 253 && /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(word);
  // Four numbers are an address that is misspelt.
  return isName && !/^[\d.]+$/.test(word) ? { kind: "name", name: word } : undefined;
}

/** Why a word is no client, where that is known: a clause. */
export function explainClient(word: string): string | undefined {
  if (word.startsWith("@")) return `${word} is a netgroup, which are not known here`;
  if (/[*?[]/.test(word)) return `${word} has wildcards, write networks or names out`;
  if (/^(krb5|gss\/)/.test(word)) return `${word} asks for Kerberos, which is not served`;
  return undefined;
}

/** `24`, or `255.255.255.0`. */
function prefixOf(mask: string, most: number): number | undefined {
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= most ? Number(mask) : undefined;
  const bytes = addressBytes(mask);
  if (bytes?.length !== 4 || most !== 32) return undefined;
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(bits) ? bits.replace(/0+$/, "").length : undefined;
}

export function isIn(address: readonly number[], { bytes, prefix }: Network): boolean {
  if (address.length !== bytes.length) return false;
  return address.every((byte, index) => {
    const bits = Math.max(0, Math.min(8, prefix - index * 8));
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === ((bytes[index] ?? 0) & mask);
  });
}

/** Whether an address may be in both. */
export function networksMeet(one: Network, other: Network): boolean {
  return one.prefix < other.prefix ? isIn(other.bytes, one) : isIn(one.bytes, other);
}

/** Whether others than this machine itself can come from there under an address that they keep: neither loopback nor link-local. */
export function isFarNetwork({ bytes }: Network): boolean {
  const [first = 0, second = 0] = bytes;
  if (bytes.length === 4) return first !== 127 && !(first === 169 && second === 254);
  return !(first === 0xfe && (second & 0xc0) === 0x80) && bytes.slice(0, 15).some((byte) => byte !== 0);
}

/** What is known of the machine when somebody comes. */
export interface Surroundings {
  readonly attached: readonly Network[];
  /** Addresses of a name; none where it is not known now. */
  readonly resolve: (name: string) => readonly string[];
}

/**
 * How well a client fits an address: 0 where it does not, more the narrower it is. Of several rules for one export the narrowest
 * counts, as exportfs(8) has it.
 */
export function fits(client: Client, address: string, { attached, resolve }: Surroundings): number {
  const bytes = addressBytes(address);
  if (bytes === undefined) return 0;
  switch (client.kind) {
    case "any":
      return 1;
    case "attached":
      return attached.some((network) => isIn(bytes, network)) ? 2 : 0;
    case "network":
      return isIn(bytes, client.network) ? 3 + client.network.prefix : 0;
    case "name":
      return resolve(client.name).some((one) => addressBytes(one)?.join(".") === bytes.join(".")) ? 200 : 0;
  }
}

/** The networks that are reached without a gateway: of /proc/net/route, /proc/net/if_inet6, and the machine itself. */
export function attachedNetworks(route: string, ifInet6: string): readonly Network[] {
  const own: readonly Network[] = [
    { bytes: [127, 0, 0, 0], prefix: 8 },
    { bytes: [...Array.from({ length: 15 }, () => 0), 1], prefix: 128 },
  ];
  const ipv4 = route.split("\n").flatMap((line): readonly Network[] => {
    const [, destination = "", gateway, flags = "", , , , mask = ""] = line.trim().split(/\s+/);
    const isUp = (Number.parseInt(flags, 16) & 1) !== 0;
    const prefix = prefixOf(littleEndian(mask).join("."), 32);
    // A default route without a gateway is the world.
    if (gateway !== "00000000" || !isUp || prefix === undefined || prefix === 0) return [];
    return [{ bytes: littleEndian(destination), prefix }];
  });
  const ipv6 = ifInet6.split("\n").flatMap((line): readonly Network[] => {
    const [address = "", , prefix = ""] = line.trim().split(/\s+/);
    const bytes = address.match(/../g)?.map((byte) => Number.parseInt(byte, 16));
    return bytes?.length === 16 ? [{ bytes, prefix: Number.parseInt(prefix, 16) }] : [];
  });
  return [...own, ...ipv4, ...ipv6];
}

/** The bytes of a 32-bit word as /proc/net/route writes it on a little-endian machine. */
function littleEndian(hex: string): readonly number[] {
  return (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).toReversed();
}

/** A client as a list of exports shows it; `attached` are the networks of this machine. */
export function formatClient(client: Client, attached: readonly Network[]): readonly string[] {
  switch (client.kind) {
    case "any":
      return ["*"];
    case "attached":
      return attached.map(formatNetwork);
    case "network":
      return [formatNetwork(client.network)];
    case "name":
      return [client.name];
  }
}

export function formatNetwork({ bytes, prefix }: Network): string {
  const text =
    bytes.length === 4
      ? bytes.join(".")
      : Array.from({ length: 8 }, (_, index) =>
          ((bytes[index * 2] ?? 0) * 256 + (bytes[index * 2 + 1] ?? 0)).toString(16),
        ).join(":");
  return prefix === bytes.length * 8 ? text : `${text}/${prefix}`;
}
