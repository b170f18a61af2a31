// A small HTTP server for probes and scrapers: a few short requests, each on a connection of its own.
import { lstatSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import type { ListenAddress } from "../config/values.ts";
import { errnoOf, messageOf } from "../errors.ts";
import type { Response } from "../report/responses.ts";
import { openFileLimits } from "./libc.ts";

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
const longestHeadersBytes = 8_192;
/**
 * Descriptors are finite, and nfs-init needs some itself to ask servers and start workers: a quarter of what it may have is for
 * connections. Few enough of those, and a client that opens many and asks nothing would keep the probes out.
 */
function mostConnections(): { readonly kept: number; readonly atOnce: number } {
  const atOnce = Math.max(8, Math.min(1_024, Math.floor(Number(openFileLimits().soft) / 4)));
  return { kept: Math.min(256, Math.floor(atOnce / 2)), atOnce };
}

/** Answers GET and HEAD at `address` until it is closed, which takes no time. Without it the process may end. */
export function serveHttp(
  address: ListenAddress,
  respond: (method: string, url: string) => Response,
  { onListening, onTrouble }: HttpServerEvents,
): { readonly close: () => void } {
  let server: Server | undefined;
  let retry: NodeJS.Timeout | undefined;
  let isClosed = false;
  let isBound = false;
  let told: string | undefined;
  let pauseMs = retryMinMs;

  const listen = (): void => {
    if (isClosed) return;
    server = createAnswering(respond);
    server.on("error", (error) => void failed(error));
    server.on("listening", () => {
      if (isClosed) return server?.close();
      isBound = true;
      told = undefined;
      onListening();
    });
    server.listen(address.kind === "socket" ? { path: address.path } : { host: address.host, port: address.port });
    server.unref();
  };
  const failed = async (error: Error): Promise<void> => {
    if (isClosed || isBound) return;
    if (address.kind === "socket" && (await removeLeftSocket(address.path, error))) return listen();
    const reason = messageOf(error);
    if (reason !== told) onTrouble(reason);
    told = reason;
    retry = setTimeout(listen, pauseMs);
    pauseMs = Math.min(2 * pauseMs, retryMaxMs);
    retry.unref();
  };
  listen();
  return {
    close: () => {
      isClosed = true;
      clearTimeout(retry);
      if (!isBound) return;
      server?.close();
      server?.closeAllConnections();
      if (address.kind === "socket") removeQuietly(address.path);
    },
  };
}

function createAnswering(respond: (method: string, url: string) => Response): Server {
  const limits = {
    maxHeaderSize: longestHeadersBytes,
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: 1_000,
  };
  const server = createServer(limits, (request, response) => {
    const { method = "", url = "" } = request;
    const { status, contentType, body } = answer(respond, method, url);
    response.writeHead(status, {
      connection: "close",
      "content-type": contentType,
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      ...(status === 405 ? { allow: "GET, HEAD" } : {}),
    });
    response.end(method === "HEAD" ? undefined : body);
    // A request's body is nobody's concern here.
    request.resume();
  });
  const { kept, atOnce } = mostConnections();
  server.maxConnections = atOnce;
  // The oldest has to go for one more: it has had its time, and a probe must not be kept out. It goes only once all that have come
  // together are let in, so that more are for a moment.
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    const [oldest] = open;
    if (open.size > kept) oldest?.destroy();
    // One that does not read its answer.
    socket.setTimeout(requestMs, () => socket.destroy());
    socket.on("error", () => {});
    socket.unref();
  });
  return server;
}

interface Answer extends Omit<Response, "status"> {
  readonly status: number;
}

/** A fault in an answer is the asker's alone. */
function answer(respond: (method: string, url: string) => Response, method: string, url: string): Answer {
  try {
    return respond(method, url);
  } catch (error) {
    return { status: 500, contentType: "text/plain; charset=utf-8", body: `${messageOf(error)}\n` };
  }
}

/** Removes the socket that a killed instance left, which nobody listens on; whether there was one. */
async function removeLeftSocket(path: string, error: Error): Promise<boolean> {
  if (errnoOf(error) !== "EADDRINUSE" || lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return false;
  const isDead = await new Promise<boolean>((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (refused) => resolve(errnoOf(refused) === "ECONNREFUSED"));
  });
  return isDead && removeQuietly(path);
}

function removeQuietly(path: string): boolean {
  try {
    rmSync(path, { force: true });
    return true;
  } catch {
    return false;
  }
}
