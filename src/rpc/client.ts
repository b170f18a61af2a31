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
const firstResendMs = 500;
const longestResendMs = 8_000;

const outOfTime: RpcFailure = { kind: "no-answer", reason: "no answer in time", errno: "ETIMEDOUT" };

export function rpcClient(dial: Dial, target: RpcTarget): RpcClient {
  const { address, port, transport = "tcp", reserved = false, credential } = target;
  let open: { readonly life: AbortController; channel?: Channel } | undefined;
  let reservedPort: boolean | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const hangUp = (): void => {
    open?.channel?.close();
    open?.life.abort();
    open = undefined;
  };

  const channelFor = async (signal: AbortSignal): Promise<Channel> => {
    if (open?.channel !== undefined) return open.channel;
    // The connection outlives the question that opened it, so it does not live by that one's signal.
    const life = new AbortController();
    const abort = () => life.abort();
    signal.addEventListener("abort", abort, { once: true });
    open = { life };
    try {
      const connection = await dial(address, port, life.signal, { transport, reserved });
      if (life.signal.aborted) {
        connection.close();
        throw new Error("the connection was given up");
      }
      reservedPort = connection.reservedPort;
      open.channel = openChannel(connection, transport);
      return open.channel;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };

  const call = async (question: Omit<RpcQuestion<unknown>, "decode">, signal: AbortSignal): Promise<RpcReply> => {
    const channel = await channelFor(signal);
    const { longestReplyBytes = longestReplyBytesByDefault, ...procedure } = question;
    const xid = randomXid();
    const message = encodeCall({ ...procedure, xid, ...(credential === undefined ? {} : { credential }) });
    channel.send(message);
    let resendMs = firstResendMs;
    let coming: Promise<Uint8Array> | undefined;
    for (;;) {
      coming ??= channel.next(longestReplyBytes);
      const reply = await (transport === "udp" ? within(resendMs, coming) : coming);
      signal.throwIfAborted();
      if (reply === undefined) {
        channel.send(message);
        resendMs = Math.min(resendMs * 2, longestResendMs);
        continue;
      }
      coming = undefined;
      const answer = decodeReply(reply);
      // Another xid is a reply to a question that was given up.
      if (answer.xid === xid) return answer.reply;
    }
  };

  const ask = async <T>(question: RpcQuestion<T>, signal: AbortSignal): Promise<T | RpcFailure> => {
    const reply = await unlessAborted(call(question, signal), signal).catch((error: unknown): RpcFailure => {
      hangUp();
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
  };

  return {
    address,
    ask: async (question, signal) => {
      const before = turn;
      const { promise: done, resolve: finish } = Promise.withResolvers<void>();
      turn = before.then(() => done);
      try {
        await unlessAborted(before, signal).catch(() => {});
        return signal.aborted ? outOfTime : await ask(question, signal);
      } finally {
        finish();
      }
    },
    reservedPort: () => reservedPort,
    close: hangUp,
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

/** What `promise` settles to within a while, else undefined. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, ms, undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
