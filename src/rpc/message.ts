// ONC RPC messages (RFC 5531): a call with its credential, and everything a server can say to it.
import { concatenate, encodeOpaque, encodeWords, MalformedMessage, xdrReader, type XdrReader } from "./xdr.ts";

/** Program numbers (RFC 5531 section 8.3, IANA "RPC program numbers"). */
export const programs = { portmapper: 100_000, nfs: 100_003, mountd: 100_005 } as const;
/** Well-known ports (RFC 1833 section 3.2, RFC 7530 section 3.1). */
export const ports = { portmapper: 111, nfs: 2_049 } as const;

/** Who asks: nobody (AUTH_NONE), or a user of a machine (AUTH_SYS, RFC 5531 appendix A). */
export type Credential =
  | { readonly kind: "none" }
  | {
      readonly kind: "sys";
      /** At most 255 bytes go out. */
      readonly machineName: string;
      readonly uid: number;
      readonly gid: number;
      /** Supplementary groups; at most 16 go out. */
      readonly gids?: readonly number[];
    };

export interface RpcCall {
  /** Transaction id; the reply carries the same. */
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  /** AUTH_NONE unless given. */
  readonly credential?: Credential;
  /** Encoded arguments, a multiple of 4 bytes. */
  readonly args?: Uint8Array;
}

/** What a server can say instead of a result (RFC 5531 section 9). `reason` is for people. */
export type RpcRefusal =
  | { readonly kind: "program-unavailable" }
  /** The program is there, in these versions only. */
  | { readonly kind: "version-mismatch"; readonly lowest: number; readonly highest: number }
  | {
      readonly kind: "refused";
      readonly cause: "procedure-unavailable" | "garbage-arguments" | "system-error";
      readonly reason: string;
    }
  | {
      readonly kind: "refused";
      readonly cause: "rpc-mismatch";
      readonly lowest: number;
      readonly highest: number;
      readonly reason: string;
    }
  /** `stat` is the RFC's name (`AUTH_TOOWEAK`), or a number that it does not name. */
  | { readonly kind: "refused"; readonly cause: "authentication"; readonly stat: string; readonly reason: string };

export type RpcReply = { readonly kind: "success"; readonly result: XdrReader } | RpcRefusal;

/** Why a question has no result. */
export type RpcFailure =
  | RpcRefusal
  /**
   * Nothing came back. `errno` is the system's name of the reason where there is one (`ECONNREFUSED`), and `ETIMEDOUT` too
   * where the caller's own time ran out.
   */
  | { readonly kind: "no-answer"; readonly reason: string; readonly errno?: string }
  /** What came back is not an answer to this question. */
  | { readonly kind: "malformed"; readonly reason: string };

export interface RpcMessage {
  readonly xid: number;
  readonly reply: RpcReply;
}

const msgCall = 0;
const msgReply = 1;
const rpcVersion = 2;
const authNone = 0;
const authSys = 1;
/** RFC 5531 section 8.2: the body of an opaque_auth has at most 400 bytes. */
const longestAuthBytes = 400;
/** RFC 5531 appendix A. */
const longestMachineNameBytes = 255;
const mostGids = 16;

export function encodeCall({ xid, program, version, procedure, credential, args }: RpcCall): Uint8Array {
  return concatenate([
    encodeWords([xid, msgCall, rpcVersion, program, version, procedure]),
    encodeCredential(credential ?? { kind: "none" }),
    encodeWords([authNone, 0]),
    args ?? new Uint8Array(0),
  ]);
}

function encodeCredential(credential: Credential): Uint8Array {
  if (credential.kind === "none") return encodeWords([authNone, 0]);
  const { machineName, uid, gid } = credential;
  const gids = (credential.gids ?? []).slice(0, mostGids);
  const name = new TextEncoder().encode(machineName).subarray(0, longestMachineNameBytes);
  const stamp = 0;
  const body = concatenate([encodeWords([stamp]), encodeOpaque(name), encodeWords([uid, gid, gids.length, ...gids])]);
  return concatenate([encodeWords([authSys]), encodeOpaque(body)]);
}

/** accept_stat that are plain refusals (RFC 5531 section 9). */
const acceptErrors = new Map<number, RpcRefusal>([
  [3, { kind: "refused", cause: "procedure-unavailable", reason: "procedure unavailable" }],
  [4, { kind: "refused", cause: "garbage-arguments", reason: "arguments not understood" }],
  [5, { kind: "refused", cause: "system-error", reason: "system error" }],
]);

/** auth_stat (RFC 5531 section 9). */
const authStats = [
  "AUTH_OK",
  "AUTH_BADCRED",
  "AUTH_REJECTEDCRED",
  "AUTH_BADVERF",
  "AUTH_REJECTEDVERF",
  "AUTH_TOOWEAK",
  "AUTH_INVALIDRESP",
  "AUTH_FAILED",
  "AUTH_KERB_GENERIC",
  "AUTH_TIMEEXPIRE",
  "AUTH_TKT_FILE",
  "AUTH_DECODE",
  "AUTH_NET_ADDR",
  "RPCSEC_GSS_CREDPROBLEM",
  "RPCSEC_GSS_CTXPROBLEM",
];

/** Decodes a reply; the reader of a success stands at its result. Throws `MalformedMessage` where it is none. */
export function decodeReply(bytes: Uint8Array): RpcMessage {
  const reader = xdrReader(bytes);
  const xid = reader.uint32();
  if (reader.uint32() !== msgReply) throw new MalformedMessage("is not a reply");
  const replyStat = reader.uint32();
  if (replyStat === 0) return { xid, reply: decodeAccepted(reader) };
  if (replyStat === 1) return { xid, reply: decodeDenied(reader) };
  throw new MalformedMessage("is neither accepted nor denied");
}

function decodeAccepted(reader: XdrReader): RpcReply {
  reader.uint32();
  reader.opaque(longestAuthBytes);
  const status = reader.uint32();
  if (status === 0) return { kind: "success", result: reader };
  if (status === 1) return { kind: "program-unavailable" };
  if (status === 2) return { kind: "version-mismatch", lowest: reader.uint32(), highest: reader.uint32() };
  const refusal = acceptErrors.get(status);
  if (refusal === undefined) throw new MalformedMessage(`has the unknown status ${status}`);
  return refusal;
}

function decodeDenied(reader: XdrReader): RpcRefusal {
  const status = reader.uint32();
  if (status === 0) {
    const [lowest, highest] = [reader.uint32(), reader.uint32()];
    return { kind: "refused", cause: "rpc-mismatch", lowest, highest, reason: "RPC version mismatch" };
  }
  if (status !== 1) throw new MalformedMessage(`is denied with the unknown status ${status}`);
  const code = reader.uint32();
  const stat = authStats[code] ?? `${code}`;
  return { kind: "refused", cause: "authentication", stat, reason: `authentication refused (${stat})` };
}
