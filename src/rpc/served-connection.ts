// A connection that somebody made to us: records come in, one at a time is answered, and nothing is read ahead of that.
import { longestCallBytes } from "./service.ts";
import { frameRecord, recordAssembler } from "./transport.ts";

/** A stream as the machine gives it. All promises reject when it breaks or is closed from this side. */
export interface ServedConnection {
  /** The next bytes; undefined at the end. */
  readonly receive: () => Promise<Uint8Array | undefined>;
  /** Settles when the system has taken all of them. */
  readonly send: (bytes: Uint8Array) => Promise<void>;
}

/**
 * Answers the calls on a connection until it ends, or until something comes that is no call. `onAnswered` is told after each.
 * It holds at most one call, what came with it in a piece, and its reply: a caller that does not read its replies waits itself.
 * Rejects when the connection breaks, and with `MalformedMessage` where the stream holds no records.
 */
export async function serveConnection(
  connection: ServedConnection,
  answer: (message: Uint8Array) => Promise<Uint8Array | undefined>,
  onAnswered: () => void,
): Promise<void> {
  const assembler = recordAssembler();
  for (;;) {
    const bytes = await connection.receive();
    if (bytes === undefined) return;
    for (const record of assembler.push(bytes, longestCallBytes)) {
      const reply = await answer(record);
      if (reply === undefined) return;
      await connection.send(frameRecord(reply));
      onAnswered();
    }
  }
}
