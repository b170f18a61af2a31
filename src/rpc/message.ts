// ONC RPC messages (RFC 5531) and their record marking on TCP (RFC 5531 section 11).
import { encodeWords, MalformedMessage, xdrReader, type XdrReader } from "./xdr.ts";

/** One call without credentials: AUTH_NONE (RFC 5531 section 8.2). */
export interface RpcCall {
  /** Transaction id; the reply carries the same. */
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  /** Encoded arguments, a multiple of 4 bytes. */
  readonly args?: Uint8Array;
}

/** What a server can say to a call (RFC 5531 section 9). */
export type RpcReply =
  | { readonly kind: "success"; readonly result: XdrReader }
  /** The program is there, in these versions only. */
  | { readonly kind: "version-mismatch"; readonly lowest: number; readonly highest: number }
  | { readonly kind: "program-unavailable" }
  /** Any other refusal, in RFC 5531's words. */
  | { readonly kind: "refused"; readonly reason: string };

export interface RpcMessage {
  readonly xid: number;
  readonly reply: RpcReply;
}

const msgCall = 0;
const msgReply = 1;
const rpcVersion = 2;
const authNone = 0;
/** RFC 5531 section 8.2: the body of an opaque_auth has at most 400 bytes. */
const longestAuthBytes = 400;

export function encodeCall({ xid, program, version, procedure, args }: RpcCall): Uint8Array {
  const header = encodeWords([xid, msgCall, rpcVersion, program, version, procedure, authNone, 0, authNone, 0]);
  if (args === undefined) return header;
  const message = new Uint8Array(header.byteLength + args.byteLength);
  message.set(header);
  message.set(args, header.byteLength);
  return message;
}

const acceptErrors: Readonly<Record<number, string>> = {
  3: "procedure unavailable",
  4: "arguments not understood",
  5: "system error",
};

/** Decodes a reply. Throws `MalformedMessage` where it is none. */
export function decodeReply(bytes: Uint8Array): RpcMessage {
  const reader = xdrReader(bytes);
  const xid = reader.uint32();
  if (reader.uint32() !== msgReply) throw new MalformedMessage("is not a reply");
  const denied = reader.uint32();
  if (denied === 1) {
    const mismatch = reader.uint32() === 0;
    return { xid, reply: { kind: "refused", reason: mismatch ? "RPC version mismatch" : "authentication refused" } };
  }
  if (denied !== 0) throw new MalformedMessage("is neither accepted nor denied");
  reader.uint32();
  reader.opaque(longestAuthBytes);
  const status = reader.uint32();
  switch (status) {
    case 0:
      return { xid, reply: { kind: "success", result: reader } };
    case 1:
      return { xid, reply: { kind: "program-unavailable" } };
    case 2:
      return { xid, reply: { kind: "version-mismatch", lowest: reader.uint32(), highest: reader.uint32() } };
    default: {
      const reason = acceptErrors[status];
      if (reason === undefined) throw new MalformedMessage(`has the unknown status ${status}`);
      return { xid, reply: { kind: "refused", reason } };
    }
  }
}

const lastFragment = 0x8000_0000;
/** Replies to the questions asked here are small; anything larger is not an answer to them. */
const longestRecordBytes = 64 * 1024;

/** A message as one record of one fragment. */
export function frameRecord(message: Uint8Array): Uint8Array {
  const record = new Uint8Array(4 + message.byteLength);
  record.set(encodeWords([(lastFragment | message.byteLength) >>> 0]));
  record.set(message, 4);
  return record;
}

/** Puts a TCP stream's chunks together to records. */
export interface RecordAssembler {
  /** Takes a chunk, gives the records that are complete with it. Throws `MalformedMessage` for one that is too long. */
  readonly push: (chunk: Uint8Array) => readonly Uint8Array[];
}

export function recordAssembler(): RecordAssembler {
  let pending = new Uint8Array(0);
  let fragments: Uint8Array[] = [];
  let recordBytes = 0;
  return {
    push: (chunk) => {
      pending = concatenate([pending, chunk]);
      const view = new DataView(pending.buffer, pending.byteOffset, pending.byteLength);
      const records: Uint8Array[] = [];
      let offset = 0;
      while (pending.byteLength - offset >= 4) {
        const mark = view.getUint32(offset);
        const length = mark & 0x7fff_ffff;
        // A fragment without bytes that is not the last would let a server keep us busy for ever.
        if (recordBytes + length > longestRecordBytes || mark === 0) {
          throw new MalformedMessage(`announces a record of ${recordBytes + length} bytes`);
        }
        const end = offset + 4 + length;
        if (pending.byteLength < end) break;
        fragments.push(pending.subarray(offset + 4, end));
        recordBytes += length;
        offset = end;
        if ((mark & lastFragment) !== 0) {
          records.push(concatenate(fragments));
          fragments = [];
          recordBytes = 0;
        }
      }
      pending = pending.slice(offset);
      return records;
    },
  };
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}
