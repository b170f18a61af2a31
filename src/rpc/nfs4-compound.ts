// COMPOUND of NFS version 4: a list of operations and their results, as far as a look at a path needs them.
import type { RpcClient } from "./client.ts";
import { programs, type RpcFailure } from "./message.ts";
import { nfs4Status } from "./nfs-status.ts";
import { decodeAttributes, wantedAttributes, type Attributes } from "./nfs4-attributes.ts";
import {
  concatenate,
  encodeOpaque,
  encodeString,
  encodeUint64,
  encodeWords,
  MalformedMessage,
  readArray,
  type XdrReader,
} from "./xdr.ts";

export type MinorVersion = 0 | 1 | 2;

/** nfs_opnum4 (RFC 7530 section 16, RFC 8881 section 18). */
const numbers = {
  ACCESS: 3,
  CLOSE: 4,
  GETATTR: 9,
  GETFH: 10,
  LOOKUP: 15,
  OPEN: 18,
  PUTFH: 22,
  PUTROOTFH: 24,
  READ: 25,
  REMOVE: 28,
  WRITE: 38,
  EXCHANGE_ID: 42,
  CREATE_SESSION: 43,
  DESTROY_SESSION: 44,
  SEQUENCE: 53,
  DESTROY_CLIENTID: 57,
  RECLAIM_COMPLETE: 58,
} as const;
const illegalOperation = 10_044;

/** nfs_argop4. */
export type Operation =
  | { readonly op: "PUTROOTFH" }
  | { readonly op: "PUTFH"; readonly handle: Uint8Array }
  | { readonly op: "LOOKUP"; readonly name: string }
  | { readonly op: "GETFH" }
  /** Asks for the attributes of `Attributes`. */
  | { readonly op: "GETATTR" }
  | { readonly op: "ACCESS"; readonly wanted: number }
  | { readonly op: "EXCHANGE_ID"; readonly verifier: Uint8Array; readonly owner: Uint8Array }
  | { readonly op: "CREATE_SESSION"; readonly clientId: bigint; readonly sequence: number }
  /** On the only slot that the sessions here have. */
  | { readonly op: "SEQUENCE"; readonly session: Uint8Array; readonly sequence: number }
  | { readonly op: "DESTROY_SESSION"; readonly session: Uint8Array }
  | { readonly op: "DESTROY_CLIENTID"; readonly clientId: bigint }
  /** Nothing is held from before: RFC 8881 section 18.51. */
  | { readonly op: "RECLAIM_COMPLETE" }
  /** Opens a file of the current directory to read and write, which is made with mode 0600 where it is not there. Version 4.1 on. */
  | { readonly op: "OPEN"; readonly clientId: bigint; readonly name: string }
  /** These three are about the file that was opened before them in the same COMPOUND. */
  | { readonly op: "WRITE"; readonly data: Uint8Array }
  | { readonly op: "READ"; readonly count: number }
  | { readonly op: "CLOSE" }
  | { readonly op: "REMOVE"; readonly name: string };

/** nfs_resop4 of an operation that went well. */
export type Result =
  | {
      readonly op:
        | "PUTROOTFH"
        | "PUTFH"
        | "LOOKUP"
        | "SEQUENCE"
        | "DESTROY_SESSION"
        | "DESTROY_CLIENTID"
        | "RECLAIM_COMPLETE"
        | "OPEN"
        | "CLOSE"
        | "REMOVE";
    }
  | { readonly op: "WRITE"; readonly count: number }
  | { readonly op: "READ"; readonly data: Uint8Array }
  | { readonly op: "GETFH"; readonly handle: Uint8Array }
  | { readonly op: "GETATTR"; readonly attributes: Attributes }
  | { readonly op: "ACCESS"; readonly granted: number }
  | { readonly op: "EXCHANGE_ID"; readonly clientId: bigint; readonly sequence: number }
  | { readonly op: "CREATE_SESSION"; readonly session: Uint8Array; readonly mostOperations: number };

export type CompoundAnswer =
  | { readonly kind: "done"; readonly results: readonly Result[] }
  /** The operation at `failed` did not go well, those before it did; -1 where the server refused all of them unread. */
  | { readonly kind: "compound-error"; readonly status: string; readonly failed: number }
  | RpcFailure;

/** RFC 7530 section 2.1 and RFC 8881 section 3.1: NFS4_FHSIZE, NFS4_OPAQUE_LIMIT, NFS4_SESSIONID_SIZE. */
const longestHandleBytes = 128;
const longestOpaqueBytes = 1024;
const sessionIdBytes = 16;

/** RFC 8881 section 18.36: what a session may carry; servers grant less, and refuse what is smaller than they can work with. */
const channel = { messageBytes: 16_384, operations: 16, requests: 1 } as const;
const callbackProgram = 0x4000_0000;

/** Asks for operations in one COMPOUND (RFC 7530 section 15.2). */
export function compound(
  nfs: RpcClient,
  minorVersion: MinorVersion,
  operations: readonly Operation[],
  signal: AbortSignal,
): Promise<CompoundAnswer> {
  const args = encodeCompound(minorVersion, operations);
  const decode = (reader: XdrReader) => decodeCompound(reader, operations);
  return nfs.ask({ program: programs.nfs, version: 4, procedure: 1, args, decode }, signal);
}

/** COMPOUND4args without a tag. */
export function encodeCompound(minorVersion: MinorVersion, operations: readonly Operation[]): Uint8Array {
  return concatenate([
    encodeString(""),
    encodeWords([minorVersion, operations.length]),
    ...operations.flatMap((operation) => [encodeWords([numbers[operation.op]]), encodeArguments(operation)]),
  ]);
}

function encodeArguments(operation: Operation): Uint8Array {
  switch (operation.op) {
    case "PUTROOTFH":
    case "GETFH":
      return new Uint8Array(0);
    case "PUTFH":
      return encodeOpaque(operation.handle);
    case "LOOKUP":
      return encodeString(operation.name);
    case "GETATTR":
      return encodeWords([wantedAttributes.length, ...wantedAttributes]);
    case "ACCESS":
      return encodeWords([operation.wanted]);
    case "EXCHANGE_ID":
      // No flags, SP4_NONE, no word on who implemented this client.
      return concatenate([operation.verifier, encodeOpaque(operation.owner), encodeWords([0, 0, 0])]);
    case "CREATE_SESSION": {
      // The same for both channels, although nothing is to come back on the second: no padding, no reply to be kept, no RDMA.
      const { messageBytes, operations, requests } = channel;
      const attributes = [0, messageBytes, messageBytes, 0, operations, requests, 0];
      const authNone = 0;
      return concatenate([
        encodeUint64(operation.clientId),
        encodeWords([operation.sequence, 0, ...attributes, ...attributes, callbackProgram, 1, authNone]),
      ]);
    }
    case "SEQUENCE":
      // Slot 0, which is the highest, and no need to keep the reply.
      return concatenate([operation.session, encodeWords([operation.sequence, 0, 0, 0])]);
    case "DESTROY_SESSION":
      return operation.session;
    case "DESTROY_CLIENTID":
      return encodeUint64(operation.clientId);
    case "RECLAIM_COMPLETE":
      return encodeWords([0]);
    case "OPEN":
      return encodeOpen(operation);
    case "WRITE":
      return concatenate([currentState, encodeWords([0, 0, fileSync]), encodeOpaque(operation.data)]);
    case "READ":
      return concatenate([currentState, encodeWords([0, 0, operation.count])]);
    case "CLOSE":
      return concatenate([encodeWords([0]), currentState]);
    case "REMOVE":
      return encodeString(operation.name);
  }
}

/** The state of the file that was opened before: RFC 8881 section 16.2.3.1.2. */
const currentState = encodeWords([1, 0, 0, 0]);
/** stable_how4: on the disk before the answer. */
const fileSync = 2;

/** OPEN4args: RFC 8881 section 18.16. */
function encodeOpen({ clientId, name }: Extract<Operation, { op: "OPEN" }>): Uint8Array {
  const readAndWrite = 3;
  const noDelegation = 0x400;
  const [create, unchecked, ofName] = [1, 0, 0];
  const attributes = [2, 0, 1 << 1, 4, 0o600];
  return concatenate([
    encodeWords([0, readAndWrite | noDelegation, 0]),
    encodeUint64(clientId),
    encodeString("nfs-init"),
    encodeWords([create, unchecked, ...attributes, ofName]),
    encodeString(name),
  ]);
}

/** COMPOUND4res, the answer to `operations`. */
export function decodeCompound(reader: XdrReader, operations: readonly Operation[]): CompoundAnswer {
  const status = reader.uint32();
  reader.opaque(longestOpaqueBytes);
  const count = reader.uint32();
  if (count > operations.length)
    throw new MalformedMessage(`holds ${count} results of ${operations.length} operations`);
  const results: Result[] = [];
  for (const [index, operation] of operations.slice(0, count).entries()) {
    const number = reader.uint32();
    const itsStatus = reader.uint32();
    if (number !== numbers[operation.op] && !(number === illegalOperation && itsStatus !== 0)) {
      throw new MalformedMessage(`answers operation ${number} where ${operation.op} was asked`);
    }
    if (itsStatus !== 0) return { kind: "compound-error", status: nfs4Status(itsStatus), failed: index };
    results.push(decodeResult(reader, operation));
  }
  if (status !== 0) return { kind: "compound-error", status: nfs4Status(status), failed: count - 1 };
  if (count < operations.length)
    throw new MalformedMessage(`holds ${count} results of ${operations.length} operations`);
  return { kind: "done", results };
}

function decodeResult(reader: XdrReader, { op }: Operation): Result {
  switch (op) {
    case "PUTROOTFH":
    case "PUTFH":
    case "LOOKUP":
    case "DESTROY_SESSION":
    case "DESTROY_CLIENTID":
    case "RECLAIM_COMPLETE":
      return { op };
    case "OPEN":
      decodeOpen(reader);
      return { op };
    case "WRITE": {
      const count = reader.uint32();
      // How it was written, and the verifier of that.
      reader.fixed(4 + 8);
      return { op, count };
    }
    case "READ":
      // Whether that was all.
      reader.bool();
      return { op, data: reader.opaque(longestReadBytes).slice() };
    case "CLOSE":
      reader.fixed(stateIdBytes);
      return { op };
    case "REMOVE":
      reader.fixed(changeBytes);
      return { op };
    case "GETFH":
      return { op, handle: reader.opaque(longestHandleBytes).slice() };
    case "GETATTR":
      return { op, attributes: decodeAttributes(reader) };
    case "ACCESS":
      // The bits that the server can tell at all come first.
      reader.uint32();
      return { op, granted: reader.uint32() };
    case "EXCHANGE_ID":
      // Behind these are the server's flags, protection and name; it is the last operation, so nobody has to read past them.
      return { op, clientId: reader.uint64(), sequence: reader.uint32() };
    case "CREATE_SESSION": {
      const session = reader.fixed(sessionIdBytes).slice();
      // Sequence, flags, and of the fore channel padding, request, reply and kept reply.
      reader.fixed(6 * 4);
      return { op, session, mostOperations: reader.uint32() };
    }
    case "SEQUENCE":
      // The session, then sequence, slot, two highest slots and status flags.
      reader.fixed(sessionIdBytes + 5 * 4);
      return { op };
  }
}

const stateIdBytes = 16;
/** change_info4: whether it is atomic, and the directory's change before and after. */
const changeBytes = 4 + 8 + 8;
const longestReadBytes = 4096;

/** OPEN4resok of a file without a delegation. */
function decodeOpen(reader: XdrReader): void {
  reader.fixed(stateIdBytes + changeBytes);
  // Flags, and the attributes that were set.
  reader.uint32();
  readArray(reader, 8, () => reader.uint32());
  const delegation = reader.uint32();
  const [none, noneExtended] = [0, 3];
  if (delegation === none) return;
  if (delegation !== noneExtended) throw new MalformedMessage("holds a delegation that was not wanted");
  const why = reader.uint32();
  const [contention, resource] = [1, 2];
  if (why === contention || why === resource) reader.bool();
}
