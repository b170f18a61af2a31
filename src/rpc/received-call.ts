// A call as a server reads it, and everything that it can reply (RFC 5531 section 9).
import type { Credential } from "./message.ts";
import { concatenate, encodeWords, MalformedMessage, readArray, xdrReader, type XdrReader } from "./xdr.ts";

/** A call of this RPC version, from whoever it says it is from. */
export interface ReceivedCall {
  readonly kind: "call";
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly credential: Credential;
  /** Stands at the arguments. */
  readonly args: XdrReader;
}

/** A call that is refused before anybody looks at what it asks. */
export interface RefusedCall {
  readonly kind: "refused";
  readonly xid: number;
  readonly reply: Reply;
}

/** What a server says. */
export type Reply =
  | { readonly kind: "success"; readonly result: Uint8Array }
  | { readonly kind: "program-unavailable" }
  | { readonly kind: "version-mismatch"; readonly lowest: number; readonly highest: number }
  | { readonly kind: "procedure-unavailable" }
  | { readonly kind: "garbage-arguments" }
  | { readonly kind: "system-error" }
  /** Another version of RPC than 2. */
  | { readonly kind: "rpc-mismatch" }
  | { readonly kind: "authentication"; readonly stat: AuthStat };

export type AuthStat = "AUTH_BADCRED" | "AUTH_REJECTEDCRED" | "AUTH_TOOWEAK";

const msgCall = 0;
const msgReply = 1;
const rpcVersion = 2;
const authNone = 0;
const authSys = 1;
/** RFC 5531 section 8.2. */
const longestAuthBytes = 400;
/** RFC 5531 appendix A. */
const longestMachineNameBytes = 255;
const mostGids = 16;

const [accepted, denied] = [0, 1];
const [rpcMismatch, authError] = [0, 1];
const acceptStats = {
  success: 0,
  "program-unavailable": 1,
  "version-mismatch": 2,
  "procedure-unavailable": 3,
  "garbage-arguments": 4,
  "system-error": 5,
} as const;
const authStats: Readonly<Record<AuthStat, number>> = { AUTH_BADCRED: 1, AUTH_REJECTEDCRED: 2, AUTH_TOOWEAK: 5 };

/** Throws `MalformedMessage` for what is no call: a reply, or one cut short before its arguments. It deserves no answer. */
export function decodeCall(bytes: Uint8Array): ReceivedCall | RefusedCall {
  const reader = xdrReader(bytes);
  const xid = reader.uint32();
  if (reader.uint32() !== msgCall) throw new MalformedMessage("is not a call");
  if (reader.uint32() !== rpcVersion) return { kind: "refused", xid, reply: { kind: "rpc-mismatch" } };
  const [program, version, procedure] = [reader.uint32(), reader.uint32(), reader.uint32()];
  const flavor = reader.uint32();
  const body = reader.opaque(longestAuthBytes);
  reader.uint32();
  reader.opaque(longestAuthBytes);
  const credential = decodeCredential(flavor, body);
  return typeof credential === "string"
    ? { kind: "refused", xid, reply: { kind: "authentication", stat: credential } }
    : { kind: "call", xid, program, version, procedure, credential, args: reader };
}

function decodeCredential(flavor: number, body: Uint8Array): Credential | AuthStat {
  if (flavor === authNone) return { kind: "none" };
  if (flavor !== authSys) return "AUTH_REJECTEDCRED";
  try {
    const reader = xdrReader(body);
    reader.uint32();
    const machineName = reader.string(longestMachineNameBytes);
    const [uid, gid] = [reader.uint32(), reader.uint32()];
    return { kind: "sys", machineName, uid, gid, gids: readArray(reader, mostGids, () => reader.uint32()) };
  } catch (error) {
    if (error instanceof MalformedMessage) return "AUTH_BADCRED";
    throw error;
  }
}

export function encodeReply(xid: number, reply: Reply): Uint8Array {
  const head = [xid, msgReply];
  switch (reply.kind) {
    case "rpc-mismatch":
      return encodeWords([...head, denied, rpcMismatch, rpcVersion, rpcVersion]);
    case "authentication":
      return encodeWords([...head, denied, authError, authStats[reply.stat]]);
    case "success":
    case "program-unavailable":
    case "version-mismatch":
    case "procedure-unavailable":
    case "garbage-arguments":
    case "system-error":
      return concatenate([
        encodeWords([...head, accepted, authNone, 0, acceptStats[reply.kind]]),
        reply.kind === "success" ? reply.result : new Uint8Array(0),
        reply.kind === "version-mismatch" ? encodeWords([reply.lowest, reply.highest]) : new Uint8Array(0),
      ]);
  }
}
