// TCP connections, UDP sockets and name resolution of this machine.
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { errnoOf } from "../errors.ts";
import { within } from "../rpc/client.ts";
import type { Connection, DialOptions } from "../rpc/transport.ts";
import { nameNotKnown, nameResolver } from "../wait/names.ts";
import { connectionWords } from "./errno.ts";

/** Source ports as nfs-utils and the kernel's client choose them (`sunrpc.min_resvport`, `max_resvport`). */
const lowestReservedPort = 665;
const highestReservedPort = 1023;

/**
 * Opens a connection; rejects with a short text such as "connection refused", or when `signal` aborts, which ends the
 * connection later on as well.
 *
 * With `reserved` it comes from a free port below 1024, at random as bindresvport(3) does it, or from any port where the
 * system allows no such (EACCES) or has none left; `reservedPort` tells which it was. A reserved TCP connection is reset when
 * it is closed: a proper close would keep its port in TIME_WAIT for a minute, and there are 359 of them for all mounts of the
 * machine. Its owner has read all answers by then, so nothing is lost.
 */
export async function dial(
  address: string,
  port: number,
  signal: AbortSignal,
  options: DialOptions = {},
): Promise<Connection> {
  if (options.transport === "udp") return dialOnce(address, port, signal, options);
  const truth = kernelsWord(address, port, signal);
  // What is not refused at once is unreachable, or silent: then the kernel's word is asked for side by side.
  const timer = setTimeout(() => void truth.ask(), freshMs);
  try {
    return await soonest((given) => dialOnce(address, port, given, options), signal);
  } catch (error) {
    // One that was asked for while the server was silent waits for the kernel's next SYN; what refuses now may serve before that.
    throw errnoOf(error) === "ECONNREFUSED" ? ((await within(freshMs, truth.ask())) ?? error) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** After this time a connection that is still being made is given company by a fresh one. */
const freshMs = 1_000;
/** So many are being made at most: a server that is farther away than this many seconds is out of reach. */
const mostTries = 2;

/**
 * A connection by the first of several tries that is made. The kernel repeats an unanswered SYN after 1, 3, 7 and 15 s
 * (tcp(7), tcp_syn_retries): a server that comes up in between would be noticed seconds late by one try alone.
 */
async function soonest(open: (signal: AbortSignal) => Promise<Connection>, signal: AbortSignal): Promise<Connection> {
  const { promise: made, resolve, reject } = Promise.withResolvers<Connection>();
  const tries: AbortController[] = [];
  let first: AbortController | undefined;
  const start = () => {
    const life = new AbortController();
    tries.push(life);
    if (tries.length > mostTries) tries.shift()?.abort();
    open(AbortSignal.any([signal, life.signal])).then(
      (connection) => {
        if (first !== undefined) return connection.close();
        first = life;
        resolve(connection);
      },
      (error: unknown) => {
        if (!life.signal.aborted) reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  };
  const timer = setInterval(start, freshMs);
  start();
  try {
    return await made;
  } finally {
    clearInterval(timer);
    for (const life of tries) if (life !== first) life.abort();
  }
}

async function dialOnce(
  address: string,
  port: number,
  signal: AbortSignal,
  { transport = "tcp", reserved = false }: DialOptions,
): Promise<Connection> {
  const open = transport === "tcp" ? openTcp : openUdp;
  if (reserved) {
    for (const localPort of reservedPorts()) {
      try {
        return await open(address, port, signal, localPort);
      } catch (error) {
        const errno = errnoOf(error);
        if (signal.aborted) throw error;
        if (errno === "EACCES" || errno === "EPERM") break;
        // EADDRNOTAVAIL: another connection between the two ports is there, or waits to be forgotten.
        if (errno !== "EADDRINUSE" && errno !== "EADDRNOTAVAIL") throw error;
      }
    }
  }
  return open(address, port, signal);
}

/** All of them, beginning with any. */
function* reservedPorts(): Generator<number> {
  const count = highestReservedPort - lowestReservedPort + 1;
  const first = Math.floor(Math.random() * count);
  for (let index = 0; index < count; index++) yield lowestReservedPort + ((first + index) % count);
}

/** What has come and was not received yet. Told of the end once, it stays ended. */
interface Inbox {
  readonly put: (bytes: Uint8Array) => void;
  readonly end: (failure?: Error) => void;
  readonly bytes: () => number;
  readonly receive: Connection["receive"];
}

function inbox(onTaken: () => void = () => {}): Inbox {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  let ended = false;
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  return {
    put: (bytes) => {
      chunks.push(bytes);
      byteCount += bytes.byteLength;
      wake?.();
    },
    end: (error) => {
      if (!ended) failure = error;
      ended = true;
      wake?.();
    },
    bytes: () => byteCount,
    receive: async () => {
      while (chunks.length === 0 && !ended) {
        await new Promise<void>((woken) => {
          wake = woken;
        });
      }
      const chunk = chunks.shift();
      if (chunk === undefined && failure !== undefined) throw failure;
      byteCount -= chunk?.byteLength ?? 0;
      onTaken();
      return chunk;
    },
  };
}

/** As much may wait to be received; a server that sends more waits itself, or with UDP loses it. */
const mostWaitingBytes = 256 * 1024;

function openTcp(address: string, port: number, signal: AbortSignal, localPort?: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(outOfTime());
    const socket = connect({ host: address, port, ...(localPort === undefined ? {} : { localPort }) });
    const received = inbox(() => {
      if (received.bytes() < mostWaitingBytes) socket.resume();
    });
    const fail = (error: Error) => {
      received.end(error);
      reject(error);
    };
    const close = () => {
      // A reset waits for the connection; one that is still being made is just given up.
      if (localPort === undefined || socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    };
    const abort = () => {
      close();
      fail(outOfTime());
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => {
      received.put(chunk);
      if (received.bytes() >= mostWaitingBytes) socket.pause();
    });
    socket.on("end", () => received.end());
    socket.on("close", () => {
      signal.removeEventListener("abort", abort);
      received.end();
    });
    socket.on("error", (error) => fail(plain(error)));
    socket.on("connect", () =>
      resolve({
        reservedPort: (socket.localPort ?? highestReservedPort + 1) <= highestReservedPort,
        send: (bytes) => socket.write(bytes),
        receive: received.receive,
        close,
      }),
    );
  });
}

/**
 * How long what the kernel said of an address and port is taken for what it would say again. That a host cannot be reached ends
 * when it comes up, and then it is the ports that refuse.
 */
const learntMs = { refused: 10_000, other: 1_000 } as const;
const learnt = new Map<string, { readonly error: Error | undefined; readonly untilMs: number }>();

/**
 * Bun reports every connect(2) that fails as refused. Why it really did is learnt by one of our own, which costs packets;
 * undefined where that one went well, and under another runtime.
 */
function kernelsWord(address: string, port: number, signal: AbortSignal) {
  const key = `${address} ${port}`;
  let asked: Promise<Error | undefined> | undefined;
  const learn = async (): Promise<Error | undefined> => {
    if (!("bun" in process.versions)) return undefined;
    const known = learnt.get(key);
    if (known !== undefined && known.untilMs > performance.now()) return known.error;
    const { connectErrno } = await import("./connect.ts");
    const code = await connectErrno(address, port, signal);
    const error = code === "" ? undefined : plain(Object.assign(new Error(code), { code }));
    const lastsMs = code === "ECONNREFUSED" ? learntMs.refused : learntMs.other;
    if (!signal.aborted) learnt.set(key, { error, untilMs: performance.now() + lastsMs });
    return error;
  };
  return { ask: () => (asked ??= learn()) };
}

function openUdp(address: string, port: number, signal: AbortSignal, localPort = 0): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(outOfTime());
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    const received = inbox();
    let closed = false;
    const close = () => {
      if (closed) return;
      closed = true;
      signal.removeEventListener("abort", abort);
      received.end();
      socket.close();
    };
    const fail = (error: Error) => {
      received.end(error);
      reject(error);
      close();
    };
    const abort = () => fail(outOfTime());
    signal.addEventListener("abort", abort, { once: true });
    socket.on("error", (error) => fail(plain(error)));
    socket.on("message", (datagram: Uint8Array) => {
      if (received.bytes() + datagram.byteLength <= mostWaitingBytes) received.put(datagram);
    });
    socket.on("connect", () =>
      resolve({
        reservedPort: socket.address().port <= highestReservedPort,
        send: (bytes) => {
          if (!closed) socket.send(bytes, (error) => error !== null && fail(plain(error)));
        },
        receive: received.receive,
        close,
      }),
    );
    // Only datagrams of this server come in, and its "port unreachable" as ECONNREFUSED.
    socket.bind(localPort, () => {
      if (!closed) socket.connect(port, address);
    });
  });
}

function outOfTime(): Error {
  return new Error("no answer in time");
}

/** The same error with a short text. */
function plain(error: Error): Error {
  const code = errnoOf(error);
  return Object.assign(new Error(describe(error), { cause: error }), code === undefined ? {} : { code });
}

const resolverWords: Readonly<Record<string, string>> = {
  ENOTFOUND: nameNotKnown,
  EAI_AGAIN: "name server does not answer",
};

function describe(error: Error): string {
  const code = errnoOf(error) ?? "";
  return connectionWords[code] ?? resolverWords[code] ?? error.message;
}

/** The addresses of a name, asked anew by getaddrinfo(3) as mount.nfs does. */
export const resolveName = nameResolver({
  nowMs: () => performance.now(),
  lookup: async (name, family) => {
    try {
      const found = await lookup(name, { all: true, family });
      return { kind: "addresses", addresses: found.map(({ address }) => address) };
    } catch (error) {
      return { kind: "unresolved", reason: error instanceof Error ? describe(error) : String(error) };
    }
  },
});
