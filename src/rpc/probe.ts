// One question to one server: does this program answer, in which versions, and on which port.
import { messageOf } from "../errors.ts";
import { decodeReply, encodeCall, frameRecord, recordAssembler, type RpcReply } from "./message.ts";
import { encodeWords } from "./xdr.ts";

/** Program numbers (RFC 5531 section 8.3, IANA "RPC program numbers"). */
export const programs = { portmapper: 100_000, nfs: 100_003, mountd: 100_005 } as const;
/** Well-known ports (RFC 1833, RFC 7530 section 3.1). */
export const ports = { portmapper: 111, nfs: 2_049 } as const;

/** A TCP connection as the probe needs it. */
export interface Connection {
  readonly send: (bytes: Uint8Array) => void;
  /** The next bytes; undefined at the end of the stream. Rejects when the connection breaks. */
  readonly receive: () => Promise<Uint8Array | undefined>;
  readonly close: () => void;
}

/** Opens a TCP connection; rejects with the system's error, or when `signal` aborts. The sockets room implements it. */
export type Dial = (address: string, port: number, signal: AbortSignal) => Promise<Connection>;

/** A program in one version at one address. */
export interface Service {
  readonly address: string;
  readonly port: number;
  readonly program: number;
  readonly version: number;
}

/** The answer to a question: the server's word, or why there is none. */
export type Answer = RpcReply | { readonly kind: "no-answer"; readonly reason: string };

const procedureNull = 0;
const getPort = 3;
const protocolTcp = 6;
const protocolUdp = 17;

/** Calls the NULL procedure, which every program has and which does nothing (RFC 5531 section 12.1). */
export function callNull(dial: Dial, service: Service, signal: AbortSignal): Promise<Answer> {
  return call(dial, service, procedureNull, undefined, signal);
}

/**
 * The TCP port of a program by rpcbind's GETPORT (RFC 1833 section 3.2), else its UDP port; 0 where it is not registered.
 */
export async function askPort(
  dial: Dial,
  address: string,
  program: number,
  version: number,
  signal: AbortSignal,
): Promise<
  | { readonly kind: "port"; readonly port: number; readonly protocol: "tcp" | "udp" }
  | Exclude<Answer, { kind: "success" }>
> {
  const portmapper = { address, port: ports.portmapper, program: programs.portmapper, version: 2 };
  for (const [protocol, number] of [
    ["tcp", protocolTcp],
    ["udp", protocolUdp],
  ] as const) {
    const args = encodeWords([program, version, number, 0]);
    const answer = await call(dial, portmapper, getPort, args, signal);
    if (answer.kind !== "success") return answer;
    if (answer.result.remaining() < 4) return { kind: "no-answer", reason: "rpcbind's answer is cut off" };
    const port = answer.result.uint32();
    if (port > 65_535) return { kind: "no-answer", reason: `rpcbind's answer names port ${port}` };
    if (port !== 0) return { kind: "port", port, protocol };
  }
  return { kind: "port", port: 0, protocol: "tcp" };
}

async function call(
  dial: Dial,
  { address, port, program, version }: Service,
  procedure: number,
  args: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  let connection: Connection | undefined;
  try {
    connection = await dial(address, port, signal);
    const xid = Math.floor(Math.random() * 2 ** 32);
    const message = encodeCall({ xid, program, version, procedure, ...(args === undefined ? {} : { args }) });
    connection.send(frameRecord(message));
    const assembler = recordAssembler();
    for (;;) {
      const chunk = await connection.receive();
      if (chunk === undefined) return { kind: "no-answer", reason: "the server closed the connection" };
      for (const record of assembler.push(chunk)) {
        const answer = decodeReply(record);
        if (answer.xid === xid) return answer.reply;
      }
    }
  } catch (error) {
    return { kind: "no-answer", reason: signal.aborted ? "no answer in time" : messageOf(error) };
  } finally {
    connection?.close();
  }
}
