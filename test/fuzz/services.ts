/**
 * Feeds calls that no honest client makes to the portmapper, the MOUNT service and the status monitor, as datagrams and as streams,
 * from strangers and from this machine: each must be answered as RFC 5531 says or dropped, with a reply that is no longer than may
 * be, and with tables that have an end. The same seed makes the same inputs.
 *
 *     node test/fuzz/services.ts [COUNT] [SEED]
 */

import { mountService } from "../../src/export/v3/mount-service.ts";
import { portmapper, registry } from "../../src/export/v3/portmapper.ts";
import { statusMonitor } from "../../src/export/v3/status-monitor.ts";
import { decodeReply } from "../../src/rpc/message.ts";
import { answerCall, isLocal, longestDatagramReplyBytes, type Caller, type RpcProgram } from "../../src/rpc/service.ts";
import { serveConnection } from "../../src/rpc/served-connection.ts";
import { MalformedMessage } from "../../src/rpc/xdr.ts";
import { random, type Random } from "../unit/fakes/random.ts";
import { fragment, join } from "../unit/fakes/server.ts";
import { calls } from "./calls.ts";
import { distort } from "./messages.ts";

export interface ServiceFuzzResult {
  readonly inputs: number;
  readonly replies: number;
  readonly dropped: number;
  /** Results, as against refusals of every kind. */
  readonly results: number;
  readonly slowestMs: number;
  /** Entries of the tables that callers can fill. */
  readonly registered: number;
  readonly monitored: number;
}

const callers: readonly Caller[] = [
  { transport: "udp", address: "192.0.2.7", port: 900, ownAddress: "192.0.2.1" },
  { transport: "udp", address: "2001:db8::7", port: 40_000, ownAddress: "2001:db8::1" },
  { transport: "tcp", address: "192.0.2.7", port: 900, ownAddress: "192.0.2.1" },
  { transport: "tcp", address: "127.0.0.1", port: 1_000, ownAddress: "127.0.0.1" },
  { transport: "udp", address: "127.0.0.1", port: 1_000, ownAddress: "127.0.0.1" },
  { transport: "local", address: "", port: 0, ownAddress: "" },
];

interface Served {
  readonly programs: readonly RpcProgram[];
  readonly sizes: () => { readonly registered: number; readonly monitored: number };
}

function serve(): Served {
  const registered = registry();
  const monitor = statusMonitor(
    { state: 1, monitored: [], toNotify: [] },
    { save: () => {}, onRestarted: () => {}, onCrashSimulated: () => {} },
  );
  const mount = mountService({
    allow: (_client, path) =>
      Promise.resolve(
        path.startsWith("/srv") ? { kind: "allowed", domain: "*", path } : { kind: "mount-error", status: "ACCES" },
      ),
    fileHandle: () => Promise.resolve({ kind: "handle", handle: new Uint8Array(28) }),
    exports: () => Array.from({ length: 20 }, (_, index) => ({ path: `/srv/${index}`, clients: ["192.0.2.0/24"] })),
  });
  return {
    programs: [portmapper(registered, () => 0), mount, monitor.program],
    sizes: () => ({ registered: registered.list().length, monitored: monitor.records().monitored.length }),
  };
}

function checkReply(reply: Uint8Array, message: Uint8Array, caller: Caller): boolean {
  const { xid, reply: said } = decodeReply(reply);
  if (xid !== new DataView(message.buffer, message.byteOffset).getUint32(0)) throw new Error(`answers ${xid}`);
  if (caller.transport === "udp" && !isLocal(caller) && reply.byteLength > longestDatagramReplyBytes)
    throw new Error(`${reply.byteLength} bytes for a stranger's datagram`);
  if (caller.transport === "udp" && !isLocal(caller) && reply.byteLength > 3 * message.byteLength)
    throw new Error(`${reply.byteLength} bytes for a datagram of ${message.byteLength}`);
  return said.kind === "success";
}

function fault(error: unknown): never {
  throw error;
}

/** A stream in pieces of any size, by the rules of a connection. Gives how many replies came. */
async function stream(programs: readonly RpcProgram[], bytes: Uint8Array, caller: Caller, source: Random) {
  let [at, replies] = [0, 0];
  const connection = {
    receive: () => {
      const piece = bytes.subarray(at, (at += 1 + source.below(64)));
      return Promise.resolve(piece.byteLength === 0 ? undefined : piece);
    },
    send: (reply: Uint8Array) => {
      if (new DataView(reply.buffer, reply.byteOffset).getUint32(0) !== 0x8000_0000 + reply.byteLength - 4)
        throw new Error("a reply that is no record");
      decodeReply(reply.subarray(4));
      replies += 1;
      return Promise.resolve();
    },
  };
  try {
    await serveConnection(
      connection,
      (message) => answerCall(programs, message, caller, fault),
      () => {},
    );
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
  }
  return replies;
}

/** Feeds `count` inputs. Throws at the first that goes wrong, with the bytes that make it again. */
export async function fuzzServices(count: number, seed: number): Promise<ServiceFuzzResult> {
  const source = random(seed);
  const { programs, sizes } = serve();
  const streams = calls.map((one) => fragment(one));
  let [replies, dropped, results, slowestMs] = [0, 0, 0, 0];
  for (let index = 0; index < count; index++) {
    const startedMs = performance.now();
    const caller = source.pick(callers);
    const isStream = caller.transport !== "udp" && source.below(2) === 0;
    const bytes = isStream
      ? join(...Array.from({ length: 1 + source.below(3) }, () => distort(streams, source)))
      : distort(calls, source);
    try {
      if (isStream) {
        const came = await stream(programs, bytes, caller, source);
        if (came === 0) dropped += 1;
        replies += came;
      } else {
        const reply = await answerCall(programs, bytes, caller, fault);
        if (reply === undefined) dropped += 1;
        else {
          replies += 1;
          if (checkReply(reply, bytes, caller)) results += 1;
        }
      }
    } catch (error) {
      const hex = Buffer.from(bytes).toString("hex");
      throw new Error(`seed ${seed}, input ${index}: ${String(error)}\n${hex}`, { cause: error });
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
  }
  return { inputs: count, replies, dropped, results, slowestMs, ...sizes() };
}

if (import.meta.main) {
  const [count = 1_000_000, seed = 1] = process.argv.slice(2).map(Number);
  const startedMs = performance.now();
  const result = await fuzzServices(count, seed);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const { maxRSS } = process.resourceUsage();
  console.log({ ...result, seed, seconds, mostMemoryMiB: Math.round(maxRSS / 1024) });
}
