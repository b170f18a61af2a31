// The status monitor of version 3's locks: whom to tell when this server starts again, and whom to believe that it has started again.
// The protocol is NSM of X/Open, "Protocols for Interworking: XNFS", chapter 11; lockd of Linux calls it (fs/lockd/mon.c).
import { isIP } from "../../address.ts";
import { isPrivileged, type Procedure, type RpcProgram } from "../../rpc/service.ts";
import { encodeWords, type XdrReader } from "../../rpc/xdr.ts";
import { isMonitored, type Monitored, type MonitorRecords } from "./monitor-records.ts";

export const statusMonitorProgram = { program: 100_024, version: 1 } as const;

export interface MonitorPort {
  /** Keeps the records, so that they are there after a crash of the machine; throws where they cannot be kept. */
  readonly save: (records: MonitorRecords) => void;
  /** A host that holds or gives locks has started again, and is in this state now: whoever asked is to be told. */
  readonly onRestarted: (monitored: Monitored, state: number) => void;
  /** Everybody is to be told that this server has started again: its state has been made a new one. */
  readonly onCrashSimulated: () => void;
}

export interface StatusMonitor {
  readonly program: RpcProgram;
  readonly records: () => MonitorRecords;
  /** Peers that have been told, or cannot be. */
  readonly forget: (peers: readonly string[]) => void;
}

/** SM_MAXSTRLEN and SM_PRIV_SIZE. */
const longestNameBytes = 1_024;
const privateBytes = 16;
/** More clients with locks than the kernel's server is ever given. */
const mostMonitored = 4_096;

const [succeeded, failed] = [0, 1];

export function statusMonitor(start: MonitorRecords, port: MonitorPort): StatusMonitor {
  let records = start;
  /** Whether the change could be kept; if not, nothing has changed. */
  const change = (changed: MonitorRecords): boolean => {
    try {
      port.save(changed);
    } catch {
      return false;
    }
    records = changed;
    return true;
  };
  const remove = (isGone: (one: Monitored) => boolean): Uint8Array => {
    const monitored = records.monitored.filter((one) => !isGone(one));
    if (monitored.length < records.monitored.length) change({ ...records, monitored });
    return encodeWords([records.state]);
  };
  const monitor: Procedure = (reader) => {
    const one = { ...readMonId(reader), priv: hexOf(reader.fixed(privateBytes)) };
    const others = records.monitored.filter((known) => !isSame(known, one));
    const isKnown = isMonitored(records.monitored, one);
    const isKept = isKnown || (others.length < mostMonitored && change({ ...records, monitored: [...others, one] }));
    return encodeWords([isKept ? succeeded : failed, records.state]);
  };
  const simulateCrash: Procedure = () => {
    const names = records.monitored.map(({ name }) => name);
    const toNotify = [...new Set([...records.toNotify, ...names])];
    if (change({ ...records, state: records.state + 2, toNotify })) port.onCrashSimulated();
    return new Uint8Array(0);
  };
  const notify: Procedure = (reader, { address }) => {
    const name = reader.string(longestNameBytes);
    const state = reader.uint32();
    for (const one of records.monitored) if (isFrom(one, name, address)) port.onRestarted(one, state);
    return new Uint8Array(0);
  };
  const procedures: readonly (readonly [number, Procedure])[] = [
    [1, ours((reader) => (reader.string(longestNameBytes), encodeWords([succeeded, records.state])))],
    [2, ours(monitor)],
    [3, ours((reader) => remove(matching(readMonId(reader))))],
    [4, ours((reader) => remove(matching(readMyId(reader))))],
    [5, ours(simulateCrash)],
    [6, notify],
  ];
  return {
    program: {
      program: statusMonitorProgram.program,
      versions: new Map([[statusMonitorProgram.version, new Map(procedures)]]),
    },
    records: () => records,
    forget: (peers) => {
      const toNotify = records.toNotify.filter((peer) => !peers.includes(peer));
      if (toNotify.length < records.toNotify.length) change({ ...records, toNotify });
    },
  };
}

/** For lockd alone: others could fill the records, or have locks freed. */
function ours(procedure: Procedure): Procedure {
  return (reader, caller) => (isPrivileged(caller) ? procedure(reader, caller) : "refused");
}

/**
 * Whether the host that says it has started again is this one. lockd of Linux names hosts by address: then only that address is
 * believed, or anybody could have another's locks freed.
 */
function isFrom({ name }: Monitored, told: string, address: string): boolean {
  return isIP(name) === 0 ? name === told : name === address;
}

type MyId = Pick<Monitored, "myName" | "program" | "version" | "procedure">;

function readMonId(reader: XdrReader): Omit<Monitored, "priv"> {
  const name = reader.string(longestNameBytes);
  return { name, ...readMyId(reader) };
}

function readMyId(reader: XdrReader): MyId {
  const myName = reader.string(longestNameBytes);
  const [program, version, procedure] = [reader.uint32(), reader.uint32(), reader.uint32()];
  return { myName, program, version, procedure };
}

function isSame(one: Omit<Monitored, "priv">, other: Omit<Monitored, "priv">): boolean {
  return matching(one)(other);
}

/** Those with the same program to be told, and the same name where it says one. */
function matching(wanted: MyId & { readonly name?: string }): (one: Omit<Monitored, "priv">) => boolean {
  return (one) =>
    (wanted.name === undefined || wanted.name === one.name) &&
    wanted.myName === one.myName &&
    wanted.program === one.program &&
    wanted.version === one.version &&
    wanted.procedure === one.procedure;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
