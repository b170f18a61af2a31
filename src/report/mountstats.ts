// /proc/self/mountstats as records (kernel fs/nfs/super.c nfs_show_stats, net/sunrpc/stats.c): what the NFS client counted.
import { unescapeField } from "../shares/escape.ts";

/** Counters of one RPC operation since the share was mounted. */
export interface OperationStats {
  /** As the kernel writes it: `READ`, `GETATTR`. */
  readonly name: string;
  readonly operations: number;
  /** Requests sent, those that were repeated included. */
  readonly transmissions: number;
  readonly timeouts: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Waiting to be sent, in all. */
  readonly queueMs: number;
  /** From sent to answered, in all. */
  readonly rttMs: number;
  /** From asked to done, in all. */
  readonly executionMs: number;
  /** Operations that ended in an error; undefined before statvers 1.1. */
  readonly errors: number | undefined;
}

/** What one mount has counted. All numbers grow from 0 at the mount on; a fresh mount starts anew. */
export interface MountStats {
  readonly source: string;
  readonly target: string;
  /** Since the mount. */
  readonly ageMs: number;
  /** What processes read and wrote, cached or not. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** What of it went over the network. */
  readonly serverReadBytes: number;
  readonly serverWrittenBytes: number;
  /** Over all connections of the mount: made, requests sent, replies received. */
  readonly connects: number;
  readonly sends: number;
  readonly receives: number;
  /** Those that were used. */
  readonly operations: readonly OperationStats[];
}

const deviceLine = /^device (\S*) mounted on (\S+) with fstype (nfs4?) statvers=\S+\s*$/;

/** Records of the NFS mounts in a mountstats text, in its order; what is not understood counts as 0. */
export function parseMountstats(text: string): readonly MountStats[] {
  // Each record begins with a line "device ..."; all other lines of an NFS record are indented.
  return text.split(/^(?=device )/m).flatMap((record) => {
    const stats = parseRecord(record.split("\n"));
    return stats === undefined ? [] : [stats];
  });
}

/** The counters of the share on `target`: those of the mount made last there. */
export function statsOn(records: readonly MountStats[], target: string): MountStats | undefined {
  return records.findLast((record) => record.target === target);
}

function parseRecord([first = "", ...lines]: readonly string[]): MountStats | undefined {
  const [, source, target] = deviceLine.exec(first) ?? [];
  if (source === undefined || target === undefined) return undefined;
  const fields = (key: string): readonly number[] => numbersOf(lines.find((line) => labelOf(line) === key));
  const [normalRead = 0, normalWrite = 0, directRead = 0, directWrite = 0, serverRead = 0, serverWrite = 0] =
    fields("bytes");
  const transports = lines.filter((line) => labelOf(line) === "xprt").map(parseTransport);
  const operations = lines.slice(lines.findIndex((line) => line.trim() === "per-op statistics") + 1);
  return {
    source: unescapeField(source),
    target: unescapeField(target),
    ageMs: (fields("age")[0] ?? 0) * 1_000,
    readBytes: normalRead + directRead,
    writtenBytes: normalWrite + directWrite,
    serverReadBytes: serverRead,
    serverWrittenBytes: serverWrite,
    connects: sum(transports, "connects"),
    sends: sum(transports, "sends"),
    receives: sum(transports, "receives"),
    operations: operations.flatMap(parseOperation),
  };
}

function labelOf(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf(":"))).trim();
}

function numbersOf(line: string | undefined): readonly number[] {
  const fields =
    line === undefined
      ? []
      : line
          .slice(line.indexOf(":") + 1)
          .trim()
          .split(/\s+/);
  return fields.map((field) => Number(field)).map((number) => (Number.isFinite(number) ? number : 0));
}

interface Transport {
  readonly connects: number;
  readonly sends: number;
  readonly receives: number;
}

/** `xprt: tcp port binds connects connect_time idle sends recvs ...`, rdma alike; udp lacks the three about connecting. */
function parseTransport(line: string): Transport {
  const [, , , ...rest] = numbersOf(line);
  const isConnected = !/:\s+udp\b/.test(line);
  const [sends = 0, receives = 0] = isConnected ? rest.slice(3) : rest;
  return { connects: isConnected ? (rest[0] ?? 0) : 0, sends, receives };
}

function sum<Key extends string>(records: readonly Readonly<Record<Key, number>>[], key: Key): number {
  return records.reduce((total, record) => total + record[key], 0);
}

function parseOperation(line: string): readonly OperationStats[] {
  const name = labelOf(line);
  if (!/^[A-Z][A-Z0-9_]*$/.test(name)) return [];
  const [operations = 0, transmissions = 0, timeouts = 0, sentBytes = 0, receivedBytes = 0, ...times] = numbersOf(line);
  const [queueMs = 0, rttMs = 0, executionMs = 0, errors] = times;
  if (operations + transmissions === 0) return [];
  const bytes = { sentBytes, receivedBytes };
  return [{ name, operations, transmissions, timeouts, ...bytes, queueMs, rttMs, executionMs, errors }];
}

/** What happened on a mount in a span of time. */
export interface Traffic {
  readonly spanMs: number;
  readonly operations: number;
  readonly retransmissions: number;
  readonly timeouts: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly operationsPerSecond: number;
  /** Mean time from a request to its reply; undefined where there was none. */
  readonly averageRttMs: number | undefined;
}

/** Counters of an earlier moment. */
export interface Earlier {
  readonly stats: MountStats;
  /** How long ago that was: the kernel gives ages in whole seconds only. */
  readonly agoMs: number;
}

/** What happened since `earlier`, or since the mount where that is not given or was another mount. */
export function trafficOf(now: MountStats, earlier?: Earlier): Traffic {
  const to = totals(now);
  const before = earlier === undefined ? undefined : totals(earlier.stats);
  const isSameMount =
    earlier !== undefined && before !== undefined && earlier.stats.ageMs <= now.ageMs && before.sent <= to.sent;
  const from = isSameMount ? before : totals();
  const spanMs = isSameMount ? earlier.agoMs : now.ageMs;
  const operations = to.operations - from.operations;
  return {
    spanMs,
    operations,
    // An operation under way counts as sent before it counts as done.
    retransmissions: Math.max(0, to.retransmissions - from.retransmissions),
    timeouts: to.timeouts - from.timeouts,
    sentBytes: to.sentBytes - from.sentBytes,
    receivedBytes: to.receivedBytes - from.receivedBytes,
    operationsPerSecond: spanMs === 0 ? 0 : (operations * 1_000) / spanMs,
    averageRttMs: operations === 0 ? undefined : (to.rttMs - from.rttMs) / operations,
  };
}

/** Requests of an operation that were sent again. */
export function retransmissionsOf({ operations, transmissions }: OperationStats): number {
  // An operation under way is sent and not yet counted.
  return Math.max(0, transmissions - operations);
}

function totals(stats?: MountStats) {
  const all = stats?.operations ?? [];
  return {
    operations: sum(all, "operations"),
    sent: sum(all, "transmissions"),
    retransmissions: all.reduce((total, operation) => total + retransmissionsOf(operation), 0),
    timeouts: sum(all, "timeouts"),
    sentBytes: sum(all, "sentBytes"),
    receivedBytes: sum(all, "receivedBytes"),
    rttMs: sum(all, "rttMs"),
  };
}
