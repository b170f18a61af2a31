// A small HTTP server for probes and scrapers: a few short requests, each on a connection of its own.
import type { ListenAddress } from "../config/values.ts";
import * as native from "native";
import { errnoOf, messageOf } from "../errors.ts";
import { answerTo, refusal, type Respond } from "../report/http-answer.ts";
import { readRequest } from "../report/http-request.ts";
import { lookAt, removeQuietly } from "./small-files.ts";

export interface HttpServerEvents {
  readonly onListening: () => void;
  /** It cannot listen, and tries again; told of each new reason once. */
  readonly onTrouble: (reason: string) => void;
}

/** The first and the longest pause before it tries again to listen. */
const retryMinMs = 250;
const retryMaxMs = 5_000;
/** Nobody waits for a client: whoever is not done by then is cut off. */
const requestMs = 5_000;
const backlog = 128;

/**
 * Descriptors are finite, and nfs-init needs some itself to ask servers and start workers: a quarter of what it may have is for
 * connections. Few enough of those, and a client that opens many and asks nothing would keep the probes out.
 */
function mostConnections(): number {
  return Math.max(8, Math.min(256, Math.floor(native.getrlimitNofile().soft / 4)));
}

/** Answers GET and HEAD at `address` until it is closed, which takes no time. */
export function serveHttp(
  address: ListenAddress,
  respond: Respond,
  { onListening, onTrouble }: HttpServerEvents,
): { readonly close: () => void } {
  const connections = new Set<Connection>();
  let socket: number | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let told: string | undefined;
  let pauseMs = retryMinMs;

  const take = (): void => {
    if (socket === undefined) return;
    let fd: number;
    try {
      fd = native.accept(socket);
    } catch (error) {
      const errno = errnoOf(error);
      // It has hung up already.
      if (errno === "EAGAIN" || errno === "ECONNABORTED") return;
      // No descriptor is free, and whoever waits would wake us again at once.
      for (const connection of connections) connection.end();
      native.unwatch(socket);
      retry = setTimeout(attend, retryMinMs);
      return;
    }
    // The oldest has had its time: one that has not asked by now is not to keep others out.
    if (connections.size >= mostConnections()) [...connections][0]?.end();
    const connection: Connection = answering(fd, respond, () => connections.delete(connection));
    connections.add(connection);
  };
  const attend = (): void => {
    if (socket !== undefined) native.watch(socket, native.POLLIN, take);
  };
  const listen = (): void => {
    try {
      socket = listenAt(address);
      attend();
      told = undefined;
      onListening();
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== told) onTrouble(reason);
      told = reason;
      retry = setTimeout(listen, pauseMs);
      pauseMs = Math.min(2 * pauseMs, retryMaxMs);
    }
  };
  listen();
  return {
    close: () => {
      clearTimeout(retry);
      for (const connection of connections) connection.end();
      if (socket === undefined) return;
      native.unwatch(socket);
      native.close(socket);
      socket = undefined;
      if (address.kind === "socket") removeQuietly(address.path);
    },
  };
}

function listenAt(address: ListenAddress): number {
  if (address.kind === "socket") return listenOnPath(address.path, true);
  const fd = native.socket(address.host.includes(":") ? native.AF_INET6 : native.AF_INET, native.SOCK_STREAM);
  return bound(fd, () => {
    native.setsockopt(fd, native.SOL_SOCKET, native.SO_REUSEADDR, 1);
    native.bind(fd, { address: address.host, port: address.port });
  });
}

function listenOnPath(path: string, mayReplace: boolean): number {
  const fd = native.socket(native.AF_UNIX, native.SOCK_STREAM);
  try {
    return bound(fd, () => native.bind(fd, { path }));
  } catch (error) {
    if (mayReplace && errnoOf(error) === "EADDRINUSE" && isLeftSocket(path) && removeQuietly(path)) {
      return listenOnPath(path, false);
    }
    throw error;
  }
}

function bound(fd: number, bind: () => void): number {
  try {
    bind();
    native.listen(fd, backlog);
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

/** Whether nobody listens on a socket that a killed instance has left. */
function isLeftSocket(path: string): boolean {
  if (lookAt(path)?.type !== "socket") return false;
  const fd = native.socket(native.AF_UNIX, native.SOCK_STREAM);
  try {
    native.connect(fd, { path });
    return false;
  } catch (error) {
    return errnoOf(error) === "ECONNREFUSED";
  } finally {
    native.close(fd);
  }
}

interface Connection {
  readonly end: () => void;
}

const chunkBytes = 8_192;

/** Reads one request from a connection, answers it, and hangs up. */
function answering(fd: number, respond: Respond, onEnd: () => void): Connection {
  let isOver = false;
  let answer: Uint8Array = new Uint8Array();
  const end = () => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    native.unwatch(fd);
    native.close(fd);
    onEnd();
  };
  const timer = setTimeout(end, requestMs);
  const orEnd = (action: () => void) => {
    try {
      action();
    } catch (error) {
      if (errnoOf(error) !== "EAGAIN") end();
    }
  };
  const send = () => {
    while (answer.byteLength > 0) answer = answer.subarray(native.send(fd, answer));
    end();
  };
  const request = readRequest();
  native.watch(fd, native.POLLIN, () =>
    orEnd(() => {
      const bytes = native.read(fd, chunkBytes);
      if (bytes.byteLength === 0) return end();
      const read = request.push(bytes);
      if (read.kind === "more") return;
      answer = native.encodeUtf8(read.kind === "request" ? answerTo(read.request, respond) : refusal(read.status));
      native.watch(fd, native.POLLOUT, () => orEnd(send));
    }),
  );
  return { end };
}
