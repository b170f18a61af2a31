// How messages travel: connections as the machine gives them, and record marking on TCP (RFC 5531 section 11).
import { encodeWords, concatenate, MalformedMessage } from "./xdr.ts";

/** A TCP connection. */
export interface Connection {
  /** Whether its own port is below 1024, as servers ask for that do not export with `insecure`. */
  readonly reservedPort: boolean;
  /** Sends bytes. */
  readonly send: (bytes: Uint8Array) => void;
  /** The next bytes; undefined at the end of the stream. Rejects when the connection breaks. */
  readonly receive: () => Promise<Uint8Array | undefined>;
  readonly close: () => void;
}

export interface DialOptions {
  /** From a port below 1024 where this process may have one, else from any. */
  readonly reserved?: boolean;
}

/**
 * Opens a connection to an address; rejects with the system's error, or when `signal` aborts, which ends the connection
 * later on as well. The sockets room implements it.
 */
export type Dial = (address: string, port: number, signal: AbortSignal, options?: DialOptions) => Promise<Connection>;

/** Whole messages over a connection. */
export interface Channel {
  readonly reservedPort: boolean;
  readonly send: (message: Uint8Array) => void;
  /** The next message of at most `longestBytes`. Rejects when the connection ends, or with `MalformedMessage`. */
  readonly next: (longestBytes: number) => Promise<Uint8Array>;
  readonly close: () => void;
}

export function openChannel(connection: Connection): Channel {
  const { reservedPort, close } = connection;
  const receive = async (): Promise<Uint8Array> => {
    const bytes = await connection.receive();
    if (bytes === undefined) throw new Error("the server closed the connection");
    return bytes;
  };
  const assembler = recordAssembler();
  const records: Uint8Array[] = [];
  return {
    reservedPort,
    close,
    send: (message) => connection.send(frameRecord(message)),
    next: async (longestBytes) => {
      for (;;) {
        const record = records.shift();
        if (record !== undefined) return record;
        for (const whole of assembler.push(await receive(), longestBytes)) records.push(whole);
      }
    },
  };
}

const lastFragment = 0x8000_0000;

/** A message as one record of one fragment. */
export function frameRecord(message: Uint8Array): Uint8Array {
  return concatenate([encodeWords([(lastFragment | message.byteLength) >>> 0]), message]);
}

/** Puts a TCP stream's chunks together to records. */
export interface RecordAssembler {
  /**
   * Takes a chunk, gives the records that are complete with it. Throws `MalformedMessage` for one that is longer than
   * `longestBytes`, at once when that is announced; what is announced is not allocated before it has come.
   */
  readonly push: (chunk: Uint8Array, longestBytes: number) => readonly Uint8Array[];
}

export function recordAssembler(): RecordAssembler {
  let mark = 0;
  let markBytes = 0;
  let fragmentLeft = 0;
  let record = new Uint8Array(0);
  let recordBytes = 0;

  const append = (part: Uint8Array): void => {
    const needed = recordBytes + part.byteLength;
    if (needed > record.byteLength) {
      const larger = new Uint8Array(Math.max(needed, record.byteLength * 2));
      larger.set(record.subarray(0, recordBytes));
      record = larger;
    }
    record.set(part, recordBytes);
    recordBytes = needed;
  };

  return {
    push: (chunk, longestBytes) => {
      const records: Uint8Array[] = [];
      for (let offset = 0; offset < chunk.byteLength;) {
        if (markBytes < 4) {
          mark = ((mark << 8) | (chunk[offset] ?? 0)) >>> 0;
          markBytes += 1;
          offset += 1;
          if (markBytes < 4) continue;
          fragmentLeft = mark & 0x7fff_ffff;
          // A fragment without bytes that is not the last would let a server keep us busy for ever.
          if (recordBytes + fragmentLeft > longestBytes || mark === 0) {
            throw new MalformedMessage(`announces a record of ${recordBytes + fragmentLeft} bytes`);
          }
        }
        const part = chunk.subarray(offset, offset + fragmentLeft);
        append(part);
        offset += part.byteLength;
        fragmentLeft -= part.byteLength;
        if (fragmentLeft > 0) break;
        markBytes = 0;
        if (mark < lastFragment) continue;
        records.push(record.subarray(0, recordBytes));
        record = new Uint8Array(0);
        recordBytes = 0;
      }
      return records;
    },
  };
}
