// TCP connections of this machine, and the way to an address.
import * as native from "native";
import type { PortFact, RouteFact } from "../doctor/facts.ts";
import { soonest } from "../ask/soonest.ts";
import { errnoOf } from "../errors.ts";
import type { Connection, DialOptions } from "../rpc/transport.ts";
import { clock } from "./clock.ts";
import { connectionWords } from "./errno.ts";
import { closing } from "./opened.ts";

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
export function dial(
  address: string,
  port: number,
  signal: AbortSignal,
  options: DialOptions = {},
): Promise<Connection> {
  return soonest(clock, (given) => dialOnce(address, port, given, options), signal);
}

async function dialOnce(
  address: string,
  port: number,
  signal: AbortSignal,
  { reserved = false }: DialOptions,
): Promise<Connection> {
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
  const first = Math.floor(clock.random() * count);
  for (let index = 0; index < count; index++) yield lowestReservedPort + ((first + index) % count);
}

async function open(address: string, port: number, signal: AbortSignal, localPort?: number): Promise<Connection> {
  const fd = socketFor(address, native.SOCK_STREAM);
  try {
    if (localPort !== undefined)
      native.bind(fd, { address: address.includes(":") ? "::" : "0.0.0.0", port: localPort });
    await connected(fd, address, port, signal);
    native.setsockopt(fd, native.IPPROTO_TCP, native.TCP_NODELAY, 1);
    const own = native.getsockname(fd);
    const reservedPort = "port" in own && own.port <= highestReservedPort;
    return carry(fd, signal, { reservedPort, isReset: localPort !== undefined });
  } catch (error) {
    native.close(fd);
    throw plain(error);
  }
}

function socketFor(address: string, type: number): number {
  try {
    return native.socket(address.includes(":") ? native.AF_INET6 : native.AF_INET, type);
  } catch (error) {
    throw plain(error);
  }
}

/** Connects; rejects with the kernel's error, or when `signal` aborts. */
async function connected(fd: number, address: string, port: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw outOfTime();
  try {
    return native.connect(fd, { address, port });
  } catch (error) {
    if (errnoOf(error) !== "EINPROGRESS") throw error;
  }
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      native.unwatch(fd);
      reject(outOfTime());
    };
    signal.addEventListener("abort", abort, { once: true });
    native.watch(fd, native.POLLOUT, () => {
      native.unwatch(fd);
      signal.removeEventListener("abort", abort);
      resolve();
    });
  });
  native.takeError(fd);
}

/** As much may wait to be received; a server that sends more waits itself. */
const mostWaitingBytes = 256 * 1024;
const chunkBytes = 65_536;

/** What has come and was not taken yet. */
interface Inbox {
  readonly put: (bytes: Uint8Array) => void;
  readonly isFull: () => boolean;
  /** Nothing more comes; `failure` where that is no end. */
  readonly end: (failure?: Error) => void;
  readonly isEnded: () => boolean;
  /** The next bytes, undefined at the end. Rejects with the failure behind the last. */
  readonly take: () => Promise<Uint8Array | undefined>;
}

function inbox(): Inbox {
  const received: Uint8Array[] = [];
  let waitingBytes = 0;
  let isEnded = false;
  let ending: Error | undefined;
  let wake = () => {};
  return {
    put: (bytes) => {
      received.push(bytes);
      waitingBytes += bytes.byteLength;
      wake();
    },
    isFull: () => waitingBytes >= mostWaitingBytes,
    end: (failure) => {
      if (!isEnded) ending = failure;
      isEnded = true;
      wake();
    },
    isEnded: () => isEnded,
    take: async () => {
      while (received.length === 0 && !isEnded) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const bytes = received.shift();
      if (bytes === undefined && ending !== undefined) throw ending;
      waitingBytes -= bytes?.byteLength ?? 0;
      return bytes;
    },
  };
}

interface Kind {
  readonly reservedPort: boolean;
  /** A close resets it. */
  readonly isReset: boolean;
}

/** A connected socket as a connection; `signal` ends it. */
function carry(fd: number, signal: AbortSignal, { reservedPort, isReset }: Kind): Connection {
  const { put, isFull, end: endInbox, isEnded, take } = inbox();
  const unsent: Uint8Array[] = [];
  let isClosed = false;

  const end = (error?: unknown) => {
    endInbox(error === undefined ? undefined : plain(error));
    if (!isClosed) native.unwatch(fd);
  };
  const close = () => {
    if (isClosed) return;
    end();
    isClosed = true;
    signal.removeEventListener("abort", abort);
    if (isReset) native.setLingerZero(fd);
    native.close(fd);
  };
  const abort = () => {
    end(outOfTime());
    close();
  };
  const attempt = (action: () => void) => {
    try {
      action();
    } catch (error) {
      if (errnoOf(error) !== "EAGAIN") end(error);
    }
  };
  const read = () => {
    const bytes = native.read(fd, chunkBytes);
    if (bytes.byteLength === 0) end();
    else put(bytes);
  };
  const flush = () => {
    for (let next = unsent[0]; next !== undefined; next = unsent[0]) {
      const sent = native.send(fd, next);
      if (sent === next.byteLength) unsent.shift();
      else unsent[0] = next.subarray(sent);
    }
  };
  const listen = () => {
    if (isEnded()) return;
    const events = (isFull() ? 0 : native.POLLIN) | (unsent.length > 0 ? native.POLLOUT : 0);
    if (events === 0) return native.unwatch(fd);
    native.watch(fd, events, (ready) => {
      if ((ready & native.POLLOUT) !== 0) attempt(flush);
      if (!isEnded() && (ready & ~native.POLLOUT) !== 0) attempt(read);
      listen();
    });
  };
  signal.addEventListener("abort", abort, { once: true });
  listen();
  return {
    reservedPort,
    send: (bytes) => {
      if (isEnded()) return;
      unsent.push(bytes);
      attempt(flush);
      listen();
    },
    receive: async () => {
      const bytes = await take();
      listen();
      return bytes;
    },
    close,
  };
}

function outOfTime(): Error {
  return new Error("no answer in time");
}

/** The same error with a short text. */
function plain(error: unknown): Error {
  const code = errnoOf(error);
  if (code === undefined) return error instanceof Error ? error : new Error(String(error));
  return Object.assign(new Error(connectionWords[code] ?? code, { cause: error }), { code });
}

/** A connection attempt's end: the name of the errno, ETIMEDOUT where `signal` ends it. */
export async function tryPort(address: string, port: number, signal: AbortSignal): Promise<PortFact> {
  try {
    const connection = await open(address, port, signal);
    connection.close();
    return { kind: "open", port };
  } catch (error) {
    const errno = errnoOf(error) ?? "ETIMEDOUT";
    return { kind: "closed", port, errno, reason: connectionWords[errno] ?? errno };
  }
}

const discardPort = 9;

/** The way to an address: a connected UDP socket sends nothing and lets the kernel choose. */
export function routeTo(address: string): RouteFact {
  try {
    return closing(socketFor(address, native.SOCK_DGRAM), (fd) => {
      native.connect(fd, { address, port: discardPort });
      const own = native.getsockname(fd);
      return { kind: "route", localAddress: "address" in own ? own.address : "" };
    });
  } catch (error) {
    return { kind: "no-route", reason: plain(error).message };
  }
}
