// A portmapper: which program listens where, told to whoever asks, and changed by the kernel and by us alone (RFC 1833).
import { isIP } from "../../address.ts";
import { programs } from "../../rpc/message.ts";
import { isLocal, isPrivileged, type Caller, type Procedure, type RpcProgram } from "../../rpc/service.ts";
import { concatenate, encodeString, encodeWords, MalformedMessage, type XdrReader } from "../../rpc/xdr.ts";

/** A transport by its name there (RFC 5665 section 5.2). */
export type Netid = "tcp" | "udp" | "tcp6" | "udp6";

/** A program in one version that listens. */
export interface Registration {
  readonly program: number;
  readonly version: number;
  readonly netid: Netid;
  /** Where it listens; empty for every address of this machine. */
  readonly address: string;
  readonly port: number;
}

/** What is registered. */
export interface Registry {
  /** False for port 0, where that transport of it is registered on another port, or where no more can be. */
  readonly set: (registration: Registration) => boolean;
  /** Takes away one transport of it, or all; whether there was any. */
  readonly unset: (program: number, version: number, netid?: Netid) => boolean;
  readonly list: () => readonly Registration[];
}

/** The kernel has two dozen with all versions and transports, and we have ten. */
const mostRegistrations = 512;

export function registry(): Registry {
  const all = new Map<string, Registration>();
  const keyOf = ({ program, version, netid }: Pick<Registration, "program" | "version" | "netid">) =>
    `${program} ${version} ${netid}`;
  return {
    set: (registration) => {
      const key = keyOf(registration);
      const before = all.get(key);
      if (before !== undefined) return before.port === registration.port;
      if (registration.port === 0 || all.size >= mostRegistrations) return false;
      all.set(key, registration);
      return true;
    },
    unset: (program, version, netid) =>
      (netid === undefined ? netids : [netid])
        .map((one) => all.delete(keyOf({ program, version, netid: one })))
        .includes(true),
    list: () => [...all.values()],
  };
}

const netids = ["tcp", "udp", "tcp6", "udp6"] as const;
const ipProtocols: Readonly<Record<number, readonly [Netid, Netid]>> = { 6: ["tcp", "tcp6"], 17: ["udp", "udp6"] };
const protocolNumbers = { tcp: 6, udp: 17 } as const;
const longestTextBytes = 255;
const highestPort = 65_535;

/** The program itself, versions 2 to 4; `nowMs` is the time of day. */
export function portmapper(registered: Registry, nowMs: () => number): RpcProgram {
  const set = privileged((yes, reader) => yes && registered.set(readMapping(reader)));
  const unset = privileged((yes, reader) => {
    const { program, version } = readMapping(reader);
    return yes && registered.unset(program, version);
  });
  const setAddress = privileged((yes, reader) => {
    const { netid, isAny: _, ...mapping } = readAddressMapping(reader);
    return yes && netid !== undefined && registered.set({ ...mapping, netid });
  });
  const unsetAddress = privileged((yes, reader) => {
    const { program, version, netid, isAny } = readAddressMapping(reader);
    return yes && (netid !== undefined || isAny) && registered.unset(program, version, netid);
  });
  const version3: readonly (readonly [number, Procedure])[] = [
    [1, setAddress],
    [2, unsetAddress],
    [3, getAddress(registered, "any")],
    [4, dump(registered, encodeAddressMapping)],
    // GETTIME
    [6, () => encodeWords([Math.floor(nowMs() / 1_000) >>> 0])],
  ];
  return {
    program: programs.portmapper,
    versions: new Map<number, ReadonlyMap<number, Procedure>>([
      [
        2,
        new Map<number, Procedure>([
          [1, set],
          [2, unset],
          [3, getPort(registered)],
          [4, dump(registered, encodeMapping)],
        ]),
      ],
      [3, new Map(version3)],
      // GETVERSADDR, of version 4 alone
      [4, new Map([...version3, [9, getAddress(registered, "exact")]])],
    ]),
  };
}

/** What changes the table: for callers who may, and with "yes" or "no" as the answer. */
function privileged(change: (mayChange: boolean, reader: XdrReader) => boolean): Procedure {
  return (reader, caller) => {
    const mayChange = isPrivileged(caller);
    const isDone = change(mayChange, reader);
    return mayChange ? encodeWords([isDone ? 1 : 0]) : "refused";
  };
}

/** GETPORT: the port, 0 where there is none. */
function getPort(registered: Registry): Procedure {
  return (reader, caller) => {
    const [program, version, protocol] = [reader.uint32(), reader.uint32(), reader.uint32()];
    reader.uint32();
    const [four, six] = ipProtocols[protocol] ?? [];
    const netid = isV6(caller) ? six : four;
    const found = netid === undefined ? undefined : find(registered, { program, version, netid }, "any");
    return encodeWords([found?.port ?? 0]);
  };
}

/** GETADDR and GETVERSADDR: the universal address where the caller reaches it, empty where there is none. */
function getAddress(registered: Registry, which: "any" | "exact"): Procedure {
  return (reader, caller) => {
    const { program, version, netid: asked } = readAddressMapping(reader);
    const own = netidOf(caller);
    // A name of the other address family is of no use to somebody who came by this one.
    const netid = asked !== undefined && asked.endsWith("6") === own.endsWith("6") ? asked : own;
    const found = find(registered, { program, version, netid }, which);
    return encodeString(found === undefined ? "" : universalAddress(reachable(found, caller), found.port));
  };
}

/**
 * The program in this version, or "any" other: a caller that asks there for a version that is not served hears which ones are.
 */
function find(
  registered: Registry,
  { program, version, netid }: Pick<Registration, "program" | "version" | "netid">,
  which: "any" | "exact",
): Registration | undefined {
  const same = registered.list().filter((one) => one.program === program && one.netid === netid);
  return same.find((one) => one.version === version) ?? (which === "any" ? same[0] : undefined);
}

/** A long list out of a short question: nothing for datagrams, whose sender may be forged. */
function dump(registered: Registry, encode: (one: Registration, caller: Caller) => Uint8Array | undefined): Procedure {
  return (_reader, caller) => {
    if (caller.transport === "udp" && !isLocal(caller)) return "refused";
    const entries = registered.list().flatMap((one) => encode(one, caller) ?? []);
    return concatenate([...entries.flatMap((entry) => [encodeWords([1]), entry]), encodeWords([0])]);
  };
}

function encodeMapping({ program, version, netid, port }: Registration): Uint8Array | undefined {
  // Version 2 has no word for IPv6.
  return netid === "tcp" || netid === "udp" ? encodeWords([program, version, protocolNumbers[netid], port]) : undefined;
}

function encodeAddressMapping({ program, version, netid, address, port }: Registration): Uint8Array {
  const any = netid.endsWith("6") ? "::" : "0.0.0.0";
  return concatenate([
    encodeWords([program, version]),
    encodeString(netid),
    encodeString(universalAddress(address === "" ? any : address, port)),
    encodeString("superuser"),
  ]);
}

/** A mapping of version 2. */
function readMapping(reader: XdrReader): Registration {
  const [program, version, protocol, port] = [reader.uint32(), reader.uint32(), reader.uint32(), reader.uint32()];
  const [netid] = ipProtocols[protocol] ?? [];
  // UNSET ignores protocol and port, and SET without them makes no sense.
  return {
    program,
    version,
    netid: netid ?? "tcp",
    address: "",
    port: port > highestPort || netid === undefined ? 0 : port,
  };
}

/** An rpcb of versions 3 and 4. `netid` is undefined for one that we know nothing of, and "any" for none. */
function readAddressMapping(reader: XdrReader) {
  const [program, version] = [reader.uint32(), reader.uint32()];
  const name = reader.string(longestTextBytes);
  const { address, port } = parseUniversalAddress(reader.string(longestTextBytes));
  reader.string(longestTextBytes);
  const netid = netids.find((known) => known === name);
  return { program, version, netid, isAny: name === "", address, port };
}

/** `192.0.2.1.8.1` is port 2049 (RFC 5665 section 5.2.3.3). The address is empty where it means every one, the port 0 where there is none. */
export function parseUniversalAddress(text: string): { readonly address: string; readonly port: number } {
  if (text === "") return { address: "", port: 0 };
  const [, address = "", high = "", low = ""] = /^(.*)\.(\d{1,3})\.(\d{1,3})$/.exec(text) ?? [];
  if (isIP(address) === 0 || Number(high) > 255 || Number(low) > 255) throw new MalformedMessage("names no address");
  return { address: address === "0.0.0.0" || address === "::" ? "" : address, port: Number(high) * 256 + Number(low) };
}

export function universalAddress(address: string, port: number): string {
  return `${address}.${port >> 8}.${port & 255}`;
}

/** Where the caller reaches a program that listens everywhere: where it reached us. */
function reachable({ address, netid }: Registration, { ownAddress }: Caller): string {
  if (address !== "") return address;
  const [own = ""] = ownAddress.split("%");
  return own === "" ? (netid.endsWith("6") ? "::1" : "127.0.0.1") : own;
}

function netidOf(caller: Caller): Netid {
  const transport = caller.transport === "udp" ? "udp" : "tcp";
  return isV6(caller) ? `${transport}6` : transport;
}

function isV6({ address }: Caller): boolean {
  return address.includes(":");
}
