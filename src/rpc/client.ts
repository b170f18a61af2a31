// Questions to one server, one after another over one connection: each gets a result, or the reason why there is none.
import { errnoOf, messageOf } from "../errors.ts";
import { decodeReply, encodeCall, type Credential, type RpcCall, type RpcFailure, type RpcReply } from "./message.ts";
import { openChannel, type Channel, type Dial, type DialOptions } from "./transport.ts";
import { MalformedMessage, type XdrReader } from "./xdr.ts";

/** Where to ask, and as whom. */
export interface RpcTarget extends DialOptions {
  /** An IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
  /** AUTH_NONE unless given. */
  readonly credential?: Credential;
}

/** One procedure call and how its result is read. */
export interface RpcQuestion<T> extends Omit<RpcCall, "xid" | "credential"> {
  /** 64 KiB unless given. */
  readonly longestReplyBytes?: number;
  /** Reads the result; throws `MalformedMessage` where it is none. */
  readonly decode: (result: XdrReader) => T;
}

/**
 * Asks one server. The connection is opened with the first question and kept for the next; one that broke, or on which a
 * question ran out of time, is replaced with the next question. So many questions cost one reserved port.
 */
export interface RpcClient {
  readonly address: string;
  /** Never rejects for anything that the server or the network does; settles when `signal` aborts. */
  readonly ask: <T>(question: RpcQuestion<T>, signal: AbortSignal) => Promise<T | RpcFailure>;
  /** Whether the last connection came from a port below 1024; undefined before there was one. */
  readonly reservedPort: () => boolean | undefined;
  readonly close: () => void;
}

/** For lists whose length nobody limits: exports, registered programs. */
export const longestListBytes = 1024 * 1024;
const longestReplyBytesByDefault = 64 * 1024;
const outOfTime: RpcFailure = { kind: "no-answer", reason: "no answer in time", errno: "ETIMEDOUT" };

export function rpcClient(dial: Dial, target: RpcTarget): RpcClient {
  const line = lineTo(dial, target);
  let turn: Promise<unknown> = Promise.resolve();
  return {
    address: target.address,
    ask: async (question, signal) => {
      const before = turn;
      const { promise: done, resolve: finish } = Promise.withResolvers<void>();
      turn = before.then(() => done);
      try {
        await unlessAborted(before, signal).catch(() => {});
        return signal.aborted ? outOfTime : await ask(line, question, target.credential, signal);
      } finally {
        finish();
      }
    },
    reservedPort: line.reservedPort,
    close: line.hangUp,
  };
}

async function ask<T>(
  line: Line,
  question: RpcQuestion<T>,
  credential: Credential | undefined,
  signal: AbortSignal,
): Promise<T | RpcFailure> {
  const answer = call(line, question, credential, signal);
  const reply = await unlessAborted(answer, signal).catch((error: unknown): RpcFailure => {
    line.hangUp();
    if (signal.aborted) return outOfTime;
    if (error instanceof MalformedMessage) return { kind: "malformed", reason: error.message };
    const errno = errnoOf(error);
    return { kind: "no-answer", reason: messageOf(error), ...(errno === undefined ? {} : { errno }) };
  });
  if (reply.kind !== "success") return reply;
  try {
    return question.decode(reply.result);
  } catch (error) {
    if (error instanceof MalformedMessage) return { kind: "malformed", reason: error.message };
    throw error;
  }
}

async function call(
  line: Line,
  question: Omit<RpcQuestion<unknown>, "decode">,
  credential: Credential | undefined,
  signal: AbortSignal,
): Promise<RpcReply> {
  const channel = await line.channel(signal);
  const { longestReplyBytes = longestReplyBytesByDefault, ...procedure } = question;
  const xid = randomXid();
  channel.send(encodeCall({ ...procedure, xid, ...(credential === undefined ? {} : { credential }) }));
  for (;;) {
    const reply = await channel.next(longestReplyBytes);
    signal.throwIfAborted();
    const answer = decodeReply(reply);
    // Another xid is a reply to a question that was given up.
    if (answer.xid === xid) return answer.reply;
  }
}

/** The one connection of a client: opened when it is needed, and again once it was hung up. */
interface Line {
  readonly channel: (signal: AbortSignal) => Promise<Channel>;
  readonly hangUp: () => void;
  readonly reservedPort: () => boolean | undefined;
}

function lineTo(dial: Dial, { address, port, reserved = false }: RpcTarget): Line {
  let open: { readonly life: AbortController; channel?: Channel } | undefined;
  let reservedPort: boolean | undefined;
  const connect = async (signal: AbortSignal): Promise<Channel> => {
    // The connection outlives the question that opened it, so it does not live by that one's signal.
    const life = new AbortController();
    const abort = () => life.abort();
    signal.addEventListener("abort", abort, { once: true });
    open = { life };
    try {
      const connection = await dial(address, port, life.signal, { reserved });
      if (life.signal.aborted) {
        connection.close();
        throw new Error("the connection was given up");
      }
      reservedPort = connection.reservedPort;
      open.channel = openChannel(connection);
      return open.channel;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
  return {
    channel: async (signal) => open?.channel ?? (await connect(signal)),
    hangUp: () => {
      open?.channel?.close();
      open?.life.abort();
      open = undefined;
    },
    reservedPort: () => reservedPort,
  };
}

function randomXid(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

/** What `promise` settles to, or a rejection as soon as `signal` aborts. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new Error("aborted"));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
