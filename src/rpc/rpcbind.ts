// rpcbind: which program listens where. Version 2 knows IPv4 only; over IPv6 its versions 4 and 3 are asked (RFC 1833).
import { longestListBytes, type RpcClient } from "./client.ts";
import { programs, type RpcFailure } from "./message.ts";
import { concatenate, encodeString, encodeWords, MalformedMessage, readList, type XdrReader } from "./xdr.ts";

/** Where a program can be registered; it is asked over TCP alone. */
export type Transport = "tcp" | "udp";

export type PortAnswer =
  | { readonly kind: "port"; readonly port: number }
  | { readonly kind: "not-registered" }
  | RpcFailure;

/** A program in one version on one port. */
export interface RegisteredPort {
  readonly program: number;
  readonly version: number;
  readonly transport: Transport;
  readonly port: number;
}

export type PortsAnswer = { readonly kind: "ports"; readonly ports: readonly RegisteredPort[] } | RpcFailure;

const getPortProcedure = 3;
const getAddressProcedure = 3;
const dumpProcedure = 4;
const ipProtocols = { tcp: 6, udp: 17 } as const;
const longestAddressBytes = 255;
const mostEntries = 16_384;

/**
 * The port of a program: GETPORT of version 2 (RFC 1833 section 3.2), over IPv6 GETADDR of version 4 or 3 (section 2.2). To
 * GETADDR a server answers for the transport that it was asked over, whatever `transport` is.
 */
export function getPort(
  rpcbind: RpcClient,
  wanted: { readonly program: number; readonly version: number; readonly transport: Transport },
  signal: AbortSignal,
): Promise<PortAnswer> {
  const { program, version, transport } = wanted;
  if (!isIPv6(rpcbind.address)) {
    const args = encodeWords([program, version, ipProtocols[transport], 0]);
    const question = { procedure: getPortProcedure, args, decode: decodePort };
    return rpcbind.ask({ program: programs.portmapper, version: 2, ...question }, signal);
  }
  const args = concatenate([
    encodeWords([program, version]),
    encodeString(`${transport}6`),
    // The address and the owner are a server's business (RFC 1833 section 2.1).
    encodeString(""),
    encodeString(""),
  ]);
  return askVersion4Or3(rpcbind, { procedure: getAddressProcedure, args, decode: decodeAddress }, signal);
}

/** All that can be reached the way it is asked, over IPv4 or IPv6: DUMP (RFC 1833 sections 3.2 and 2.2). */
export function dumpPorts(rpcbind: RpcClient, signal: AbortSignal): Promise<PortsAnswer> {
  const longestReplyBytes = longestListBytes;
  if (isIPv6(rpcbind.address)) {
    const question = { procedure: dumpProcedure, longestReplyBytes, decode: decodeAddressList };
    return askVersion4Or3(rpcbind, question, signal);
  }
  const question = { procedure: dumpProcedure, longestReplyBytes, decode: decodePortList };
  return rpcbind.ask({ program: programs.portmapper, version: 2, ...question }, signal);
}

async function askVersion4Or3<T extends { readonly kind: string }>(
  rpcbind: RpcClient,
  question: Pick<Parameters<typeof rpcbind.ask<T>>[0], "procedure" | "args" | "longestReplyBytes" | "decode">,
  signal: AbortSignal,
): Promise<T | RpcFailure> {
  const answer = await rpcbind.ask({ program: programs.portmapper, version: 4, ...question }, signal);
  return answer.kind === "version-mismatch"
    ? rpcbind.ask({ program: programs.portmapper, version: 3, ...question }, signal)
    : answer;
}

/** GETPORT's result: a port, 0 where there is none. */
export function decodePort(reader: XdrReader): PortAnswer {
  const port = readPort(reader);
  return port === 0 ? { kind: "not-registered" } : { kind: "port", port };
}

/** GETADDR's result: a universal address, empty where there is none. */
export function decodeAddress(reader: XdrReader): PortAnswer {
  const address = reader.string(longestAddressBytes);
  return address === "" ? { kind: "not-registered" } : { kind: "port", port: parseUniversalPort(address) };
}

/** DUMP's result in version 2: pmaplist. */
export function decodePortList(reader: XdrReader): PortsAnswer {
  const entries = readList(reader, mostEntries, () => {
    const [program, version, protocol] = [reader.uint32(), reader.uint32(), reader.uint32()];
    return { program, version, transport: transportOf(protocol), port: readPort(reader) };
  });
  return { kind: "ports", ports: entries.filter(hasTransport) };
}

/** DUMP's result in versions 3 and 4: rp__list. */
export function decodeAddressList(reader: XdrReader): PortsAnswer {
  const entries = readList(reader, mostEntries, () => {
    const [program, version] = [reader.uint32(), reader.uint32()];
    const netid = reader.string(longestAddressBytes);
    const address = reader.string(longestAddressBytes);
    reader.string(longestAddressBytes);
    const transport = transportOfNetid(netid);
    return { program, version, transport, port: transport === undefined ? 0 : parseUniversalPort(address) };
  });
  return { kind: "ports", ports: entries.filter(hasTransport) };
}

function hasTransport<T extends { readonly transport: Transport | undefined }>(
  entry: T,
): entry is T & { readonly transport: Transport } {
  return entry.transport !== undefined;
}

function transportOf(protocol: number): Transport | undefined {
  if (protocol === ipProtocols.tcp) return "tcp";
  return protocol === ipProtocols.udp ? "udp" : undefined;
}

/** What an IPv6 client can reach (RFC 5665 section 5.2). */
function transportOfNetid(netid: string): Transport | undefined {
  if (netid === "tcp6") return "tcp";
  return netid === "udp6" ? "udp" : undefined;
}

function readPort(reader: XdrReader): number {
  const port = reader.uint32();
  if (port > 65_535) throw new MalformedMessage(`names port ${port}`);
  return port;
}

/** The port of a universal address, an IP address with two more numbers: `::.8.1` is port 2049 (RFC 5665 section 5.2.3). */
function parseUniversalPort(address: string): number {
  const [, high = "", low = ""] = /\.(\d{1,3})\.(\d{1,3})$/.exec(address) ?? [];
  const port = Number(high) * 256 + Number(low);
  if (high === "" || Number(high) > 255 || Number(low) > 255 || port === 0) {
    throw new MalformedMessage(`names the address ${JSON.stringify(address)}`);
  }
  return port;
}

function isIPv6(address: string): boolean {
  return address.includes(":");
}
