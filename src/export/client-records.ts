// Which clients hold state on the server, across its restarts: what nfsdcld(8) keeps, and its talk with the kernel (linux/nfsd/cld.h).
import { bytesOfHex, hexOf } from "../text/hex.ts";
import { questionPrefix } from "../rpc/nfs4.ts";

/**
 * Clients by their names, as hexadecimal digits. After a start those of before are `recovering`: they alone may take back what
 * they held. Who comes, or comes back, is `current`. A start in the middle of a recovery begins that recovery again.
 */
export interface ClientRecords {
  readonly recovering: readonly string[];
  readonly current: readonly string[];
}

export const noRecords: ClientRecords = { recovering: [], current: [] };

/** The records at a start. */
export function recordsAtStart({ recovering, current }: ClientRecords): ClientRecords {
  // Those that were still expected stay so, whoever came back before; all others were current.
  return { recovering: [...new Set([...recovering, ...current])], current: [] };
}

const commands = { create: 0, remove: 1, check: 2, graceDone: 3, graceStart: 4, version: 5 } as const;

/** The version of the messages that is spoken: clients by name. */
const spokenVersion = 1;
const headerBytes = 8;
const longestNameBytes = 1_024;
/** In the order of the kernel's errno(3) numbers, as the kernel wants them: below zero. */
const refusal = { access: -13, inProgress: -115, notSupported: -95 } as const;

export interface RecordAnswer {
  /** The records afterwards; the same object where nothing changes. They are kept before the answer goes out. */
  readonly records: ClientRecords;
  /** Messages to write, one after another. */
  readonly replies: readonly Uint8Array[];
}

/**
 * Answers one message of the pipe; undefined for what is none. A reply is as long as its question: the kernel takes no other.
 * Layout: version, command, status (16 bits), transaction (32 bits), then the name's length (16 bits) and the name.
 */
export function answerRecords(records: ClientRecords, message: Uint8Array): RecordAnswer | undefined {
  if (message.byteLength < headerBytes + 2 + longestNameBytes) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const command = view.getUint8(1);
  const name = hexOf(message.subarray(headerBytes + 2, headerBytes + 2 + view.getUint16(headerBytes, true)));
  const without = (list: readonly string[]) => list.filter((one) => one !== name);
  const answer = (changed: ClientRecords, status = 0): RecordAnswer => ({
    records: changed,
    replies: [withStatus(message, status)],
  });
  switch (command) {
    case commands.version: {
      const reply = withStatus(message, 0);
      reply[headerBytes] = spokenVersion;
      return { records, replies: [reply] };
    }
    case commands.graceStart: {
      const uploads = records.recovering.map((one) => withName(withStatus(message, refusal.inProgress), one));
      return { records, replies: [...uploads, withStatus(message, 0)] };
    }
    case commands.create:
      // We ask ourselves whether we serve, and would never come back.
      return answer(
        name.startsWith(ownNames) || records.current.includes(name)
          ? records
          : { ...records, current: [...records.current, name] },
      );
    case commands.remove:
      return answer(records.current.includes(name) ? { ...records, current: without(records.current) } : records);
    case commands.check:
      // Kernels before 5.2 ask for each client that comes back.
      return answer(records, [...records.recovering, ...records.current].includes(name) ? 0 : refusal.access);
    case commands.graceDone:
      return answer({ recovering: [], current: records.current });
    default:
      return answer(records, refusal.notSupported);
  }
}

const ownNames = hexOf(new TextEncoder().encode(questionPrefix));

/** Whether a message says that all clients have come back, or are no longer waited for. */
export function isGraceDone(message: Uint8Array): boolean {
  return message[1] === commands.graceDone;
}

function withStatus(message: Uint8Array, status: number): Uint8Array {
  const reply = message.slice();
  new DataView(reply.buffer).setInt16(2, status, true);
  return reply;
}

function withName(message: Uint8Array, hex: string): Uint8Array {
  const bytes = bytesOfHex(hex);
  new DataView(message.buffer).setUint16(headerBytes, bytes.byteLength, true);
  message.set(bytes, headerBytes + 2);
  return message;
}

/** Records as they lie on disk, with the number of times that they were written. */
export interface WrittenRecords {
  readonly sequence: number;
  readonly records: ClientRecords;
}

/** Records as a file; each line is `recovering NAME` or `current NAME`, the last one says that nothing is missing. */
export function formatRecords({ sequence, records: { recovering, current } }: WrittenRecords): string {
  const lines = [...recovering.map((name) => `recovering ${name}`), ...current.map((name) => `current ${name}`)];
  return [`${firstWords}${sequence}`, ...lines, lastWord, ""].join("\n");
}

const firstWords = "nfs-init client records ";
const lastWord = "end";

/** The records of a file; undefined for one that was not written to its end. */
export function parseRecords(text: string): WrittenRecords | undefined {
  const lines = text.split("\n");
  const [first = ""] = lines;
  const sequence = Number(first.slice(firstWords.length));
  const end = lines.indexOf(lastWord);
  if (!first.startsWith(firstWords) || !Number.isSafeInteger(sequence) || end === -1) return undefined;
  const named = (kind: string) =>
    lines.slice(1, end).flatMap((line) => {
      const [, found, name] = /^(recovering|current) ((?:[0-9a-f]{2}){1,1024})$/.exec(line) ?? [];
      return found === kind && name !== undefined ? [name] : [];
    });
  return { sequence, records: { recovering: named("recovering"), current: named("current") } };
}
