/**
 * Feeds answers that no honest server gives to every decoder and every question of src/rpc: each must be read or refused, soon,
 * and without taking more memory than the answer has bytes. The same seed makes the same inputs.
 *
 *     node test/fuzz/decoder.ts [COUNT] [SEED]
 */

import { rpcClient, type RpcClient } from "../../src/rpc/client.ts";
import { decodeReply } from "../../src/rpc/message.ts";
import { decodeExports, decodeMount, listExports, mountPath } from "../../src/rpc/mountd.ts";
import { checkAccess, decodeAccess } from "../../src/rpc/nfs3.ts";
import { lookupPath } from "../../src/rpc/nfs4.ts";
import { decodeCompound, type Operation } from "../../src/rpc/nfs4-compound.ts";
import {
  decodeAddress,
  decodeAddressList,
  decodePort,
  decodePortList,
  dumpPorts,
  getPort,
} from "../../src/rpc/rpcbind.ts";
import { recordAssembler } from "../../src/rpc/transport.ts";
import { MalformedMessage, xdrReader, type XdrReader } from "../../src/rpc/xdr.ts";
import { random, type Random } from "../unit/fakes/random.ts";
import { distort, replies, results, streams } from "./messages.ts";

export interface FuzzResult {
  readonly inputs: number;
  /** How many were read as an answer, and how many refused. */
  readonly read: number;
  readonly refused: number;
  readonly slowestMs: number;
}

interface Target {
  readonly name: string;
  readonly valid: readonly Uint8Array[];
  readonly decode: (bytes: Uint8Array, source: Random) => unknown;
}

const reading = (name: keyof typeof results, decode: (reader: XdrReader) => unknown): Target => ({
  name,
  valid: results[name],
  decode: (bytes) => decode(xdrReader(bytes)),
});

const compound = (name: keyof typeof results, operations: readonly Operation[]): Target =>
  reading(name, (reader) => decodeCompound(reader, operations));

const none = new Uint8Array(0);
const longestRecordBytes = 96;

const targets: readonly Target[] = [
  { name: "reply", valid: replies, decode: decodeReply },
  { name: "stream", valid: streams, decode: decodeStream },
  reading("port", decodePort),
  reading("address", decodeAddress),
  reading("portList", decodePortList),
  reading("addressList", decodeAddressList),
  reading("exports", decodeExports),
  reading("mount", decodeMount),
  reading("access", decodeAccess),
  compound("lookup", [
    { op: "PUTROOTFH" },
    { op: "LOOKUP", name: "a" },
    { op: "GETATTR" },
    { op: "ACCESS", wanted: 12 },
  ]),
  compound("handle", [{ op: "PUTROOTFH" }, { op: "LOOKUP", name: "a" }, { op: "GETFH" }]),
  compound("exchangeId", [{ op: "EXCHANGE_ID", verifier: none, owner: none }]),
  compound("createSession", [{ op: "CREATE_SESSION", clientId: 0n, sequence: 0 }]),
  compound("sequence", [{ op: "SEQUENCE", session: none, sequence: 1 }, { op: "PUTROOTFH" }]),
];

/** A stream in chunks of any size. */
function decodeStream(bytes: Uint8Array, source: Random): readonly Uint8Array[] {
  const assembler = recordAssembler();
  const records: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    const end = at + 1 + source.below(64);
    for (const record of assembler.push(bytes.subarray(at, end), longestRecordBytes)) {
      if (record.byteLength > longestRecordBytes) throw new Error(`a record of ${record.byteLength} bytes`);
      records.push(record);
    }
    at = end;
  }
  return records;
}

const questions: readonly ((client: RpcClient, signal: AbortSignal) => Promise<{ readonly kind: string }>)[] = [
  (client, signal) => getPort(client, { program: 1, version: 1, transport: "tcp" }, signal),
  dumpPorts,
  listExports,
  (client, signal) => mountPath(client, "/a", signal),
  (client, signal) => checkAccess(client, none, signal),
  (client, signal) => lookupPath(client, { path: "/a/b", minorVersion: 0 }, signal),
  (client, signal) => lookupPath(client, { path: "/a/b", minorVersion: 2 }, signal),
];

/** Asks a whole question of a server that answers with distorted replies, and checks that nothing is left open. */
async function question(source: Random): Promise<string> {
  let open = 0;
  let sent = 0;
  const address = source.below(2) === 0 ? "192.0.2.1" : "2001:db8::1";
  const client = rpcClient(
    () => {
      open += 1;
      const chunks: Uint8Array[] = [];
      return Promise.resolve({
        reservedPort: false,
        send: (bytes: Uint8Array) => {
          sent += 1;
          // A reply that carries the call's xid gets further.
          const reply = source.below(4) === 0 ? source.pick(replies).slice() : distort(replies, source);
          const xid = bytes.subarray(4, 8);
          if (reply.byteLength >= 4) reply.set(xid);
          const mark = new Uint8Array(4);
          new DataView(mark.buffer).setUint32(0, 0x8000_0000 + reply.byteLength);
          chunks.push(mark, reply);
        },
        receive: () => Promise.resolve(chunks.shift()),
        close: () => {
          open -= 1;
        },
      });
    },
    { address, port: 1 },
  );
  const { kind } = await source.pick(questions)(client, new AbortController().signal);
  client.close();
  if (open !== 0) throw new Error("a connection was left open");
  if (sent > 8) throw new Error(`${sent} calls for one question`);
  return kind;
}

/** How much a decoded answer holds: a unit for each value and for each byte and character. */
function weigh(value: unknown): number {
  if (typeof value === "string") return 1 + value.length;
  if (value instanceof Uint8Array) return 1 + value.byteLength;
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, part) => sum + weigh(part), 1);
}

/** Feeds `count` inputs. Throws at the first that is a crash, with the bytes that make it again. */
export async function fuzz(count: number, seed: number): Promise<FuzzResult> {
  const source = random(seed);
  let [read, refused, slowestMs] = [0, 0, 0];
  for (let index = 0; index < count; index++) {
    const startedMs = performance.now();
    if (index % 16 === 0) {
      const kind = await question(source);
      if (kind === "malformed") refused += 1;
      else read += 1;
    } else {
      const { name, valid, decode } = source.pick(targets);
      const bytes = distort(valid, source);
      try {
        const weight = weigh(decode(bytes, source));
        if (weight > 200 + bytes.byteLength * 4) throw new Error(`${weight} units out of ${bytes.byteLength} bytes`);
        read += 1;
      } catch (error) {
        if (!(error instanceof MalformedMessage)) {
          const hex = Buffer.from(bytes).toString("hex");
          throw new Error(`${name}, seed ${seed}, input ${index}: ${String(error)}\n${hex}`, { cause: error });
        }
        refused += 1;
      }
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
  }
  return { inputs: count, read, refused, slowestMs };
}

if (import.meta.main) {
  const [count = 1_000_000, seed = 1] = process.argv.slice(2).map(Number);
  const startedMs = performance.now();
  const result = await fuzz(count, seed);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const { maxRSS } = process.resourceUsage();
  console.log({ ...result, seed, seconds, mostMemoryMiB: Math.round(maxRSS / 1024) });
}
