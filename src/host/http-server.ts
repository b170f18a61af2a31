// A small HTTP server for probes, scrapers and daemons: a few short requests, each on a connection of its own.
import type { ListenAddress } from "../config/values.ts";
import * as native from "native";
import { errnoOf, messageOf } from "../errors.ts";
import { refusal } from "../report/http-answer.ts";
import { readRequest, type Request } from "../report/http-request.ts";
import { mostConnections, takeConnections } from "./listening.ts";
import { closing, preparedOrClosed } from "./opened.ts";
import { lookAt, removeQuietly } from "./small-files.ts";

export interface HttpServerEvents {
  readonly onListening: () => void;
  /** It cannot listen, and tries again; told of each new reason once. */
  readonly onTrouble: (reason: string) => void;
}

export interface HttpAnswers {
  /** The whole answer as it is sent. One that is not there yet may take as long as it likes; `isGone` once its reader has hung up. */
  readonly answer: (request: Request, isGone: () => boolean) => string | Promise<string | StreamedAnswer>;
  /** The longest body that is read; without it none is. */
  readonly longestBodyBytes?: number;
}

/** An answer that goes on until its reader hangs up or reads no more. */
export interface StreamedAnswer {
  readonly head: string;
  /**
   * Called once the head is sent, with what sends more; a text that comes before the last one is sent is left out, so each tells
   * all there is. Gives what is called when it is over; undefined ends it.
   */
  readonly open: (send: (text: string) => void) => (() => void) | undefined;
}

/** Where it listens; whoever has started this process may be listening for it already. */
export type HttpAddress = ListenAddress | { readonly kind: "inherited"; readonly fd: number };

/** The first and the longest pause before it tries again to listen. */
const retryMinMs = 250;
const retryMaxMs = 5_000;
/** Nobody waits for a client: whoever is not done by then is cut off. */
const requestMs = 5_000;
/** Whoever comes at a Unix socket when so many wait is refused. */
const backlog = 1_024;

/** Answers at `address` until it is closed, which takes no time. */
export function serveHttp(
  address: HttpAddress,
  answers: HttpAnswers,
  { onListening, onTrouble }: HttpServerEvents,
): { readonly close: () => void } {
  const connections = new Set<Connection>();
  let socket: number | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let told: string | undefined;
  let pauseMs = retryMinMs;
  let stopTaking = () => {};

  const take = (fd: number): void => {
    // The oldest has had its time: one that has not asked by now is not to keep others out.
    if (connections.size >= mostConnections()) [...connections].find((one) => !one.isAsked())?.end();
    const connection: Connection = answering(fd, answers, () => connections.delete(connection));
    connections.add(connection);
  };
  const makeRoom = (): void => {
    for (const connection of connections) if (!connection.isAsked()) connection.end();
  };
  const listen = (): void => {
    try {
      socket = listenAt(address);
      stopTaking = takeConnections(socket, take, makeRoom);
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
      stopTaking();
      native.close(socket);
      socket = undefined;
      if (address.kind === "socket") removeQuietly(address.path);
    },
  };
}

function listenAt(address: HttpAddress): number {
  if (address.kind === "inherited") return address.fd;
  if (address.kind === "socket") return listenOnPath(address.path, true);
  const fd = native.socket(address.host.includes(":") ? native.AF_INET6 : native.AF_INET, native.SOCK_STREAM);
  return preparedOrClosed(fd, () => {
    native.setsockopt(fd, native.SOL_SOCKET, native.SO_REUSEADDR, 1);
    native.bind(fd, { address: address.host, port: address.port });
    native.listen(fd, backlog);
  });
}

function listenOnPath(path: string, mayReplace: boolean): number {
  try {
    return preparedOrClosed(native.socket(native.AF_UNIX, native.SOCK_STREAM), (fd) => {
      native.bind(fd, { path });
      native.listen(fd, backlog);
    });
  } catch (error) {
    if (mayReplace && errnoOf(error) === "EADDRINUSE" && isLeftSocket(path) && removeQuietly(path)) {
      return listenOnPath(path, false);
    }
    throw error;
  }
}

/** Whether nobody listens on a socket that a killed instance has left. */
function isLeftSocket(path: string): boolean {
  if (lookAt(path)?.type !== "socket") return false;
  return closing(native.socket(native.AF_UNIX, native.SOCK_STREAM), (fd) => {
    try {
      native.connect(fd, { path });
      return false;
    } catch (error) {
      return errnoOf(error) === "ECONNREFUSED";
    }
  });
}

interface Connection {
  readonly end: () => void;
  /** Whether it has asked, and waits for an answer. */
  readonly isAsked: () => boolean;
}

const chunkBytes = 8_192;

/** Reads one request from a connection, answers it, and hangs up. */
function answering(fd: number, { answer: answerTo, longestBodyBytes }: HttpAnswers, onEnd: () => void): Connection {
  let isOver = false;
  let isAsked = false;
  let answer: Uint8Array = new Uint8Array();
  let endStream = () => {};
  const end = () => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    endStream();
    native.unwatch(fd);
    native.close(fd);
    onEnd();
  };
  let timer = setTimeout(end, requestMs);
  const orEnd = (action: () => void) => endOnError(action, end);
  const send = () => {
    while (answer.byteLength > 0) answer = answer.subarray(native.send(fd, answer));
    end();
  };
  const say = (text: string) => {
    if (isOver) return;
    isAsked = false;
    clearTimeout(timer);
    timer = setTimeout(end, requestMs);
    answer = native.encodeUtf8(text);
    native.watch(fd, native.POLLOUT, () => orEnd(send));
  };
  const go = (text: string | StreamedAnswer) => {
    if (typeof text === "string") return say(text);
    if (isOver) return;
    isAsked = false;
    endStream = streaming(fd, text, end);
  };
  const ask = (asked: Request) => {
    const text = answerTo(asked, () => isOver);
    if (typeof text === "string") return say(text);
    isAsked = true;
    clearTimeout(timer);
    // Of a Unix socket only that it is closed, which needs not be asked for: poll(2), POLLHUP.
    native.watch(fd, 0, end);
    // A fault in an answer is the asker's alone.
    text.then(go, () => say(refusal(500)));
  };
  const request = readRequest(longestBodyBytes);
  native.watch(fd, native.POLLIN, () =>
    orEnd(() => {
      const bytes = native.read(fd, chunkBytes);
      if (bytes.byteLength === 0) return end();
      const read = request.push(bytes);
      if (read.kind === "more") return;
      if (read.kind === "request") ask(read.request);
      else say(refusal(read.status));
    }),
  );
  return { end, isAsked: () => isAsked };
}

/** What the kernel keeps for a reader that is slow; without it, megabytes, and it would take long until that reader is noticed. */
const unreadBytes = 32_768;

/** Sends what comes for as long as somebody reads it; gives what is called at the end. */
function streaming(fd: number, { head, open }: StreamedAnswer, end: () => void): () => void {
  native.setsockopt(fd, native.SOL_SOCKET, native.SO_SNDBUF, unreadBytes);
  let unsent: Uint8Array = native.encodeUtf8(head);
  let close: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(end, requestMs);
  const attend = () => {
    const events = unsent.byteLength > 0 ? native.POLLIN | native.POLLOUT : native.POLLIN;
    native.watch(fd, events, (what) => endOnError(() => turn(what), end));
  };
  const push = (text: string) => {
    if (unsent.byteLength > 0) return;
    unsent = native.encodeUtf8(text);
    timer = setTimeout(end, requestMs);
    attend();
  };
  const turn = (events: number) => {
    // Nothing more is asked on it; only that its reader hangs up is to be heard.
    if (events !== native.POLLOUT && native.read(fd, chunkBytes).byteLength === 0) return end();
    while (unsent.byteLength > 0) unsent = unsent.subarray(native.send(fd, unsent));
    clearTimeout(timer);
    attend();
    close ??= open(push);
    if (close === undefined) end();
  };
  attend();
  return () => {
    clearTimeout(timer);
    close?.();
  };
}

function endOnError(action: () => void, end: () => void): void {
  try {
    action();
  } catch (error) {
    if (errnoOf(error) !== "EAGAIN") end();
  }
}
