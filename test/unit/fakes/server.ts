// NFS servers without a network: what answers at which address and port, through the Dial port, with a log of the questions.
// The messages are put together here by hand from RFC 5531, not by the code under test.
import type { Dial } from "../../../src/rpc/probe.ts";
import type { Network } from "../../../src/wait/readiness.ts";

export interface SeenCall {
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly args: readonly number[];
}

/** What a server sends next: bytes, the end of its stream, or a broken connection. After the last it stays silent. */
export type Chunk = Uint8Array | "end" | "break";
export type Service = (call: SeenCall) => readonly Chunk[];

export function words(...numbers: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(numbers.length * 4);
  numbers.forEach((number, index) => new DataView(bytes.buffer).setUint32(index * 4, number));
  return bytes;
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A fragment of a record; the last one unless said otherwise. */
export function fragment(body: Uint8Array, isLast = true): Uint8Array {
  return join(words(((isLast ? 0x8000_0000 : 0) + body.byteLength) >>> 0), body);
}

/** MSG_ACCEPTED with an empty verifier. */
export function accepted(xid: number, status: number, ...more: readonly number[]): Uint8Array {
  return words(xid, 1, 0, 0, 0, status, ...more);
}

/** A server that speaks `versions` of a program. */
export function serves(program: number, versions: readonly number[]): Service {
  return (call) => {
    if (call.program !== program) return [fragment(accepted(call.xid, 1))];
    if (versions.includes(call.version)) return [fragment(accepted(call.xid, 0))];
    return [fragment(accepted(call.xid, 2, Math.min(...versions), Math.max(...versions)))];
  };
}

/** rpcbind with ports by `program/version/protocol`. */
export function rpcbind(registered: Readonly<Record<string, number>>): Service {
  return (call) => {
    const [program, version, protocol] = call.args;
    const name = protocol === 6 ? "tcp" : "udp";
    return [fragment(accepted(call.xid, 0, registered[`${program}/${version}/${name}`] ?? 0))];
  };
}

export interface FakeNetwork extends Network {
  /** What was asked, in order: `resolve nas`, `192.0.2.1:2049 100003/4/0`. */
  readonly actions: string[];
  /** Connections that were opened and not closed again. */
  readonly open: () => number;
}

/** Services by `address:port`; any other port refuses the connection, one that is `silent` takes it and says nothing. */
export function fakeNetwork(
  services: Readonly<Record<string, Service | "silent">>,
  names: Readonly<Record<string, readonly string[]>> = { nas: ["192.0.2.1"] },
): FakeNetwork {
  const actions: string[] = [];
  let open = 0;
  const dial: Dial = (address, port, signal) => {
    const service = services[`${address}:${port}`];
    if (service === undefined) {
      actions.push(`${address}:${port} refused`);
      return Promise.reject(new Error("connection refused"));
    }
    open += 1;
    const chunks: Chunk[] = [];
    return Promise.resolve({
      send: (bytes) => {
        const call = readCall(bytes);
        actions.push(`${address}:${port} ${call.program}/${call.version}/${call.procedure}`);
        if (service !== "silent") chunks.push(...service(call));
      },
      receive: async () => {
        const chunk = chunks.shift();
        if (chunk === "end") return undefined;
        if (chunk === "break") throw new Error("connection reset by the server");
        return chunk ?? never(signal);
      },
      close: () => {
        open -= 1;
      },
    });
  };
  return {
    actions,
    open: () => open,
    dial,
    resolveName: (name) => {
      actions.push(`resolve ${name}`);
      const addresses = names[name] ?? (/^[0-9.]+$|:/.test(name) ? [name] : undefined);
      return Promise.resolve(
        addresses === undefined ? { kind: "unresolved", reason: "name not known" } : { kind: "addresses", addresses },
      );
    },
  };
}

/** Rejects when `signal` aborts, and settles in no other way. */
function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(new Error("aborted"));
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

/** Reads a call of one fragment without credentials. Throws where it is none. */
function readCall(bytes: Uint8Array): SeenCall {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (word: number) => view.getUint32(word * 4);
  if (at(0) !== 0x8000_0000 + bytes.byteLength - 4) throw new Error("is not one whole record");
  if (at(2) !== 0 || at(3) !== 2) throw new Error("is not a call of RPC version 2");
  if ([7, 8, 9, 10].some((word) => at(word) !== 0)) throw new Error("has credentials");
  const args = Array.from({ length: bytes.byteLength / 4 - 11 }, (_, index) => at(11 + index));
  return { xid: at(1), program: at(4), version: at(5), procedure: at(6), args };
}
