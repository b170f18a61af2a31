// Connections of clients to the virtual address: found in the kernel's tables, and written down for the host that takes over.
import { isIP } from "../../address.ts";
import { addressBytes, addressText, isHostAddress } from "./address-bytes.ts";

/** A connection of TCP, by the server's port and the client's end. */
export interface ClientConnection {
  readonly port: number;
  readonly client: string;
  readonly clientPort: number;
}

/** What clients are connected to. */
export interface ServedAddress {
  readonly address: string;
  readonly ports: readonly number[];
}

/** So many are written down, and believed: a host that takes over writes to each of them. */
export const mostConnections = 4_096;

/** TCP_ESTABLISHED (linux include/net/tcp_states.h), as the tables write it. */
const established = "01";

/**
 * The established connections in a text of /proc/net/tcp or tcp6, in which a line begins with a number, both ends and the state
 * (tcp4_seq_show of linux net/ipv4/tcp_ipv4.c); in the same order for the same connections.
 */
export function connectionsIn(table: string, { address, ports }: ServedAddress): readonly ClientConnection[] {
  const found: ClientConnection[] = [];
  const own = tableAddress(addressBytes(address));
  for (const port of ports) {
    const end = `: ${own}:${port.toString(16).toUpperCase().padStart(4, "0")} `;
    for (let at = table.indexOf(end); at !== -1; at = table.indexOf(end, at + end.length)) {
      const start = at + end.length;
      const [other = "", state] = table.slice(start, start + own.length + 8).split(" ");
      const [hex = "", clientPort = ""] = other.split(":");
      if (state !== established || hex.length !== own.length) continue;
      const client = addressText(tableBytes(hex));
      found.push({ port, client, clientPort: Number.parseInt(clientPort, 16) });
    }
  }
  return found.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1)).slice(0, mostConnections);
}

/** Each four bytes are a number in the machine's order, which is little-endian on all that we build for. */
function tableAddress(bytes: Uint8Array): string {
  return Array.from(bytes, (_, at) => (bytes[at ^ 3] ?? 0).toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}

function tableBytes(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) =>
    Number.parseInt(hex.slice(2 * (at ^ 3), 2 * (at ^ 3) + 2), 16),
  );
}

function keyOf({ port, client, clientPort }: ClientConnection): string {
  return `${port} ${client} ${clientPort}`;
}

/** Those of `all` that are not among `others`. */
export function without(
  all: readonly ClientConnection[],
  others: readonly ClientConnection[],
): readonly ClientConnection[] {
  const keys = new Set(others.map(keyOf));
  return all.filter((one) => !keys.has(keyOf(one)));
}

const firstWords = "nfs-init connections ";
const lastWord = "end";

/** Connections as a file; each line is `ADDRESS PORT CLIENT PORT`, the last one says that nothing is missing. */
export function formatConnections(sequence: number, address: string, all: readonly ClientConnection[]): string {
  const lines = all.map((one) => `${address} ${keyOf(one)}`);
  return [`${firstWords}${sequence}`, ...lines, lastWord, ""].join("\n");
}

/** Those of a file that were to this address; undefined for a file that was not written to its end. Other lines say nothing. */
export function parseConnections(
  text: string,
  { address, ports }: ServedAddress,
): { readonly sequence: number; readonly connections: readonly ClientConnection[] } | undefined {
  const lines = text.split("\n");
  const [first = ""] = lines;
  const sequence = Number(first.slice(firstWords.length));
  const end = lines.indexOf(lastWord);
  if (!first.startsWith(firstWords) || !Number.isSafeInteger(sequence) || end === -1) return undefined;
  const { byteLength } = addressBytes(address);
  const connections = lines.slice(1, Math.min(end, mostConnections + 1)).flatMap((line) => {
    const [, own, ownPort, client = "", otherPort] = /^(\S+) (\d{1,5}) ([0-9a-f:.]{2,45}) (\d{1,5})$/.exec(line) ?? [];
    const [port, clientPort] = [Number(ownPort), Number(otherPort)];
    if (own !== address || !ports.includes(port) || clientPort < 1 || clientPort > 65_535) return [];
    const bytes = isIP(client) === 0 ? new Uint8Array(0) : addressBytes(client);
    return bytes.byteLength === byteLength && isHostAddress(bytes)
      ? [{ port, client: addressText(bytes), clientPort }]
      : [];
  });
  return { sequence, connections };
}
