// Programs that are served: a table of procedures, and the answer to a call, whoever sends it and whatever it holds.
import { isIPv4 } from "../address.ts";
import { decodeCall, encodeReply, type ReceivedCall, type Reply } from "./received-call.ts";
import { MalformedMessage, type XdrReader } from "./xdr.ts";

/** Who asks, and which way. */
export interface Caller {
  /** A Unix socket's callers have no address. */
  readonly transport: "tcp" | "udp" | "local";
  /** An IP address, empty for a Unix socket. */
  readonly address: string;
  readonly port: number;
  /** The address of ours that was asked, empty for a Unix socket. */
  readonly ownAddress: string;
}

/** What a procedure gives: its encoded result, or "refused", as for somebody who may not ask this. */
export type Result = Uint8Array | "refused";

/**
 * Reads its arguments and acts. `MalformedMessage` means that the arguments are none; whatever else it throws is a fault of
 * ours, and the caller hears of a system error.
 */
export type Procedure = (args: XdrReader, caller: Caller) => Result | Promise<Result>;

/** A program: its versions, and each one's procedures by number. Procedure 0 of each is there by itself, and does nothing. */
export interface RpcProgram {
  readonly program: number;
  readonly versions: ReadonlyMap<number, ReadonlyMap<number, Procedure>>;
}

/** Calls that are longer are no business of ours: the longest names a path and a credential. */
export const longestCallBytes = 4_096;

/**
 * As much goes out to a stranger for a datagram, whose sender may be forged: a file handle of 64 bytes fits. A call has 40 bytes
 * at least, so that nobody gains by having us answer in somebody else's place.
 */
export const longestDatagramReplyBytes = 112;

const procedureNull = 0;

/**
 * The reply to a message, undefined where none is due: to what is no call. It never rejects; `onFault` hears of faults of ours.
 */
export async function answerCall(
  programs: readonly RpcProgram[],
  message: Uint8Array,
  caller: Caller,
  onFault: (error: unknown) => void,
): Promise<Uint8Array | undefined> {
  const call = decodeOrDrop(message);
  if (call === undefined) return undefined;
  const reply = call.kind === "refused" ? call.reply : await replyTo(programs, call, caller, onFault);
  const bytes = encodeReply(call.xid, reply);
  const isTooLong = caller.transport === "udp" && !isLocal(caller) && bytes.byteLength > longestDatagramReplyBytes;
  return isTooLong ? encodeReply(call.xid, { kind: "system-error" }) : bytes;
}

function decodeOrDrop(message: Uint8Array): ReturnType<typeof decodeCall> | undefined {
  try {
    return decodeCall(message);
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined;
    throw error;
  }
}

async function replyTo(
  programs: readonly RpcProgram[],
  call: ReceivedCall,
  caller: Caller,
  onFault: (error: unknown) => void,
): Promise<Reply> {
  try {
    return await callProcedure(programs, call, caller);
  } catch (error) {
    if (error instanceof MalformedMessage) return { kind: "garbage-arguments" };
    onFault(error);
    return { kind: "system-error" };
  }
}

async function callProcedure(programs: readonly RpcProgram[], call: ReceivedCall, caller: Caller): Promise<Reply> {
  const versions = programs.find(({ program }) => program === call.program)?.versions;
  if (versions === undefined) return { kind: "program-unavailable" };
  const procedures = versions.get(call.version);
  if (procedures === undefined) {
    const known = [...versions.keys()];
    return { kind: "version-mismatch", lowest: Math.min(...known), highest: Math.max(...known) };
  }
  const procedure = procedures.get(call.procedure);
  if (procedure === undefined) {
    if (call.procedure === procedureNull) return { kind: "success", result: new Uint8Array(0) };
    return { kind: "procedure-unavailable" };
  }
  const result = await procedure(call.args, caller);
  return result === "refused" ? { kind: "authentication", stat: "AUTH_TOOWEAK" } : { kind: "success", result };
}

/** Whether the caller is a process of this machine: by a Unix socket, or from and to the loopback interface. */
export function isLocal({ transport, address }: Caller): boolean {
  return transport === "local" || address === "::1" || (isIPv4(address) && address.startsWith("127."));
}

/** The highest port that only root may use, unless the system says otherwise. */
const highestReservedPort = 1023;

/** Whether it is one of root's, the kernel's say. Our Unix socket lets in nobody else. */
export function isPrivileged(caller: Caller): boolean {
  return caller.transport === "local" || (isLocal(caller) && caller.port <= highestReservedPort);
}
