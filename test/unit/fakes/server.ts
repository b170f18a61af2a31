// NFS servers without a network: what answers at which address and port, through the Dial port, with a log of the questions.
// The messages are put together here by hand from RFC 5531, not by the code under test.
import type { Dial } from "../../../src/rpc/transport.ts";
import type { Network } from "../../../src/ask/network.ts";

export interface SeenCall {
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly args: readonly number[];
  /** Flavor and body of the credential. */
  readonly credential: { readonly flavor: number; readonly body: Uint8Array };
  /** The whole call as it was sent, without its record mark. */
  readonly message: Uint8Array;
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
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}

/** Variable-length opaque data or a string: its length, its bytes, and zeros up to a multiple of four (RFC 4506). */
export function opaque(data: Uint8Array | string): Uint8Array {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return join(words(bytes.byteLength), bytes, new Uint8Array((4 - (bytes.byteLength % 4)) % 4));
}

/** Bytes as they are written in a dump: `00 00 00 2a`. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.split(/\s+/).filter(Boolean), (byte) => Number.parseInt(byte, 16));
}

/** A fragment of a record; the last one unless said otherwise. */
export function fragment(body: Uint8Array, isLast = true): Uint8Array {
  return join(words(((isLast ? 0x8000_0000 : 0) + body.byteLength) >>> 0), body);
}

/** MSG_ACCEPTED with an empty verifier. */
export function accepted(xid: number, status: number, ...more: readonly number[]): Uint8Array {
  return words(xid, 1, 0, 0, 0, status, ...more);
}

/** A record with a success and its result. */
export function answers({ xid }: SeenCall, ...result: readonly Uint8Array[]): Chunk[] {
  return [fragment(join(accepted(xid, 0), ...result))];
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
  /** Connections that were opened, in order: `192.0.2.1:2049`, `192.0.2.1:2049 reserved`. */
  readonly dialed: string[];
  /** Connections that were opened and not closed again. */
  readonly open: () => number;
}

/** Services by `address:port`; any other port refuses the connection, one that is `silent` takes it and says nothing. */
export function fakeNetwork(
  services: Readonly<Record<string, Service | "silent">>,
  names: Readonly<Record<string, readonly string[]>> = { nas: ["192.0.2.1"] },
  { privileged = true }: { readonly privileged?: boolean } = {},
): FakeNetwork {
  const actions: string[] = [];
  const dialed: string[] = [];
  let open = 0;
  const dial: Dial = (address, port, signal, { reserved = false } = {}) => {
    const service = services[`${address}:${port}`];
    dialed.push(`${address}:${port}${reserved ? " reserved" : ""}`);
    if (service === undefined) {
      actions.push(`${address}:${port} refused`);
      return Promise.reject(new Error("connection refused"));
    }
    open += 1;
    const chunks: Chunk[] = [];
    let wake = () => {};
    return Promise.resolve({
      reservedPort: reserved && privileged,
      send: (bytes) => {
        const call = readCall(unframed(bytes));
        actions.push(`${address}:${port} ${call.program}/${call.version}/${call.procedure}`);
        if (service !== "silent") chunks.push(...service(call));
        wake();
      },
      receive: async () => {
        while (chunks.length === 0) {
          const sent = new Promise<void>((resolve) => {
            wake = resolve;
          });
          await Promise.race([sent, never(signal)]);
        }
        const chunk = chunks.shift();
        if (chunk === "break") throw new Error("connection reset by the server");
        return chunk === "end" ? undefined : chunk;
      },
      close: () => {
        open -= 1;
      },
    });
  };
  return {
    actions,
    dialed,
    open: () => open,
    dial,
    resolveName: (name) => {
      actions.push(`resolve ${name}`);
      const addresses = names[name] ?? (/^[0-9.]+$|:/.test(name) ? [name] : undefined);
      return Promise.resolve(
        addresses === undefined
          ? { kind: "unresolved", cause: "unknown", reason: "name not known" }
          : { kind: "addresses", addresses },
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

/** A record's one fragment. Throws where it is none. */
function unframed(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== 0x8000_0000 + bytes.byteLength - 4) throw new Error("is not one whole record");
  return bytes.subarray(4);
}

/** Reads a call. Throws where it is none. */
function readCall(message: Uint8Array): SeenCall {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const at = (word: number) => view.getUint32(word * 4);
  if (message.byteLength % 4 !== 0) throw new Error("does not end with a word");
  if (at(1) !== 0 || at(2) !== 2) throw new Error("is not a call of RPC version 2");
  const credentialBytes = at(7);
  const verifier = 8 + Math.ceil(credentialBytes / 4);
  if (at(verifier) !== 0 || at(verifier + 1) !== 0) throw new Error("has a verifier");
  const first = verifier + 2;
  return {
    xid: at(0),
    program: at(3),
    version: at(4),
    procedure: at(5),
    args: Array.from({ length: message.byteLength / 4 - first }, (_, index) => at(first + index)),
    credential: { flavor: at(6), body: message.subarray(32, 32 + credentialBytes) },
    message: message.slice(),
  };
}
