// Does an export's list of clients name this one: exports(5), "Machine Name Formats", as far as an address alone can tell.
import { isIPv4, isIPv6 } from "../address.ts";

export type ClientMatch =
  /** `by` is the entry that names it, "everyone" for a list without entries. */
  | { readonly kind: "named"; readonly by: string }
  | { readonly kind: "not-named" }
  /** No entry names the address, but these are names or netgroups, which only the server can look up. */
  | { readonly kind: "cannot-tell"; readonly entries: readonly string[] };

/** Looks up `address` in what MOUNT's EXPORT lists for a directory: hosts, networks, wildcards, netgroups; none is everyone. */
export function matchClient(clients: readonly string[], address: string): ClientMatch {
  if (clients.length === 0) return { kind: "named", by: "everyone" };
  const unclear: string[] = [];
  for (const client of clients) {
    const isNamed = names(client, address);
    if (isNamed === true) return { kind: "named", by: client };
    if (isNamed === undefined) unclear.push(client);
  }
  return unclear.length > 0 ? { kind: "cannot-tell", entries: unclear } : { kind: "not-named" };
}

/** Whether one entry names an address; undefined where only the server knows. */
function names(client: string, address: string): boolean | undefined {
  if (client === "*") return true;
  const slash = client.indexOf("/");
  const [host, mask] = slash === -1 ? [client, undefined] : [client.slice(0, slash), client.slice(slash + 1)];
  const network = bitsOf(host);
  // A name, a netgroup, a wildcard, gss/krb5: the server asks its own name service about the client.
  if (network === undefined) return undefined;
  const own = bitsOf(address);
  if (own === undefined || own.width !== network.width) return false;
  const prefix = mask === undefined ? network.width : prefixOf(mask, network.width);
  if (prefix === undefined) return undefined;
  const shift = BigInt(network.width - prefix);
  return own.value >> shift === network.value >> shift;
}

interface Bits {
  readonly value: bigint;
  readonly width: 32 | 128;
}

/** An address as a number; an IPv4 address in IPv6 clothes counts as IPv4. */
function bitsOf(address: string): Bits | undefined {
  if (isIPv4(address)) return { value: BigInt(`0x${hexOf(address)}`), width: 32 };
  const bare = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  if (!isIPv6(bare)) return undefined;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  if (mapped !== undefined) return bitsOf(mapped);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  const plain =
    dotted === null
      ? bare
      : `${dotted[1] ?? ""}${hexOf(dotted[2] ?? "").slice(0, 4)}:${hexOf(dotted[2] ?? "").slice(4)}`;
  const [head = "", tail] = plain.split("::");
  const groups = (text: string) => text.split(":").filter((group) => group !== "");
  const [first, last] = [groups(head), groups(tail ?? "")];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => "0");
  const digits = [...first, ...zeros, ...last].map((group) => group.padStart(4, "0")).join("");
  return { value: BigInt(`0x${digits}`), width: 128 };
}

function hexOf(address: string): string {
  return address
    .split(".")
    .map((byte) => Number(byte).toString(16).padStart(2, "0"))
    .join("");
}

/** The length of a prefix: `24`, or of IPv4 the mask `255.255.255.0`. */
function prefixOf(mask: string, width: 32 | 128): number | undefined {
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= width ? Number(mask) : undefined;
  if (width !== 32 || !isIPv4(mask)) return undefined;
  const ones = BigInt(`0x${hexOf(mask)}`)
    .toString(2)
    .padStart(32, "0");
  return /^1*0*$/.test(ones) ? ones.replace(/0+$/, "").length : undefined;
}
