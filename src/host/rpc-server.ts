// Sockets on which RPC programs are served to whoever comes: TCP, UDP and Unix ones, with bounds on all that a caller can take.
import * as native from "native";
import { errnoOf } from "../errors.ts";
import { MalformedMessage } from "../rpc/xdr.ts";
import { answerCall, isLocal, longestCallBytes, type Caller, type RpcProgram } from "../rpc/service.ts";
import { serveConnection, type ServedConnection } from "../rpc/served-connection.ts";
import { mostConnections, takeConnections } from "./listening.ts";
import { preparedOrClosed } from "./opened.ts";
import { lookAt, removeQuietly } from "./small-files.ts";

/** Where to listen; port 0 takes any. A path's socket is for root alone, and replaces one that lies there. */
export type RpcAddress =
  | { readonly transport: "tcp" | "udp"; readonly address: string; readonly port: number }
  | { readonly transport: "local"; readonly path: string };

export interface RpcServer {
  /** Throws the system's error where it cannot listen. Gives the port, 0 for a path. */
  readonly listen: (at: RpcAddress, programs: readonly RpcProgram[]) => number;
  /** Stops at once: no connection is waited for. */
  readonly close: () => void;
}

const backlog = 128;
/** Datagrams that are being answered; what comes meanwhile is dropped, as the network may do at any time. */
const mostDatagrams = 64;

/** What callers may take. */
export interface RpcLimits {
  /** Connections of all together; the one that was answered the longest ago makes room, a stranger's first. */
  readonly connections: number;
  /** Connections of one address that is not this machine's own. */
  readonly ofAddress: number;
  /** A connection on which nothing was answered for so long is closed. */
  readonly idleMs: number;
}

function usualLimits(): RpcLimits {
  return { connections: mostConnections(), ofAddress: 16, idleMs: 30_000 };
}

interface Open {
  readonly caller: Caller;
  readonly end: () => void;
}

/** `onFault` hears of faults of ours that an answer met with. */
export function rpcServer(onFault: (error: unknown) => void, limits: RpcLimits = usualLimits()): RpcServer {
  const closers: (() => void)[] = [];
  /** The one that was answered the longest ago first. */
  const connections = new Set<Open>();

  const serve = (fd: number, caller: Caller, programs: readonly RpcProgram[]): void => {
    makeRoom(connections, caller, limits);
    const stream = openStream(fd);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open: Open = {
      caller,
      end: () => {
        clearTimeout(timer);
        connections.delete(open);
        stream.close();
      },
    };
    const wasAnswered = (): void => {
      if (stream.isClosed()) return;
      connections.delete(open);
      connections.add(open);
      clearTimeout(timer);
      // The kernel could not connect again by a path, which only whoever started the server can resolve.
      if (caller.transport !== "local") timer = setTimeout(open.end, limits.idleMs);
    };
    wasAnswered();
    serveConnection(stream, (message) => answerCall(programs, message, caller, onFault), wasAnswered)
      .catch((error: unknown) => {
        if (errnoOf(error) === undefined && !(error instanceof MalformedMessage) && !stream.isClosed()) onFault(error);
      })
      .finally(open.end);
  };
  const acceptFrom = (socket: number, transport: "tcp" | "local", programs: readonly RpcProgram[]) => {
    const take = (fd: number): void => {
      const caller = callerOf(fd, transport);
      if (caller === undefined) native.close(fd);
      else serve(fd, caller, programs);
    };
    return takeConnections(socket, take, () => {
      [...connections].find((one) => one.caller.transport !== "local")?.end();
    });
  };
  return {
    listen: (at, programs) => {
      const socket = bound(at);
      const stop =
        at.transport === "udp"
          ? answerDatagrams(socket, programs, onFault)
          : acceptFrom(socket, at.transport, programs);
      closers.push(() => {
        stop();
        native.close(socket);
        if (at.transport === "local") removeQuietly(at.path);
      });
      const own = native.getsockname(socket);
      return "port" in own ? own.port : 0;
    },
    close: () => {
      for (const close of closers.splice(0)) close();
      for (const one of connections) one.end();
    },
  };
}

/** Ends a connection where another one would be more than may be, of an address or of all. */
function makeRoom(connections: ReadonlySet<Open>, caller: Caller, limits: RpcLimits): void {
  const strangers = [...connections].filter((one) => !isLocal(one.caller));
  const same = strangers.filter((one) => one.caller.address === caller.address);
  if (!isLocal(caller) && same.length >= limits.ofAddress) same[0]?.end();
  else if (connections.size >= limits.connections) (strangers[0] ?? [...connections][0])?.end();
}

function bound(at: RpcAddress): number {
  const isV6 = at.transport !== "local" && at.address.includes(":");
  const family = at.transport === "local" ? native.AF_UNIX : isV6 ? native.AF_INET6 : native.AF_INET;
  const type = at.transport === "udp" ? native.SOCK_DGRAM : native.SOCK_STREAM;
  return preparedOrClosed(native.socket(family, type), (fd) => {
    if (isV6) native.setsockopt(fd, native.IPPROTO_IPV6, native.IPV6_V6ONLY, 1);
    if (at.transport === "local") bindPath(fd, at.path);
    else {
      if (at.transport === "tcp") native.setsockopt(fd, native.SOL_SOCKET, native.SO_REUSEADDR, 1);
      else if (isV6) native.setsockopt(fd, native.IPPROTO_IPV6, native.IPV6_RECVPKTINFO, 1);
      else native.setsockopt(fd, native.IPPROTO_IP, native.IP_PKTINFO, 1);
      native.bind(fd, { address: at.address, port: at.port });
    }
    if (at.transport !== "udp") native.listen(fd, backlog);
  });
}

function bindPath(fd: number, path: string): void {
  if (lookAt(path)?.type === "socket") removeQuietly(path);
  const before = native.umask(0o177);
  try {
    native.bind(fd, { path });
  } finally {
    native.umask(before);
  }
}

function callerOf(fd: number, transport: "tcp" | "local"): Caller | undefined {
  if (transport === "local") return { transport, address: "", port: 0, ownAddress: "" };
  try {
    const [peer, own] = [native.getpeername(fd), native.getsockname(fd)];
    if (!("port" in peer) || !("port" in own)) return undefined;
    return { transport, address: peer.address, port: peer.port, ownAddress: own.address };
  } catch {
    // It has hung up already.
    return undefined;
  }
}

/** A connection as a stream; what waits rejects when it is closed. */
function openStream(fd: number): ServedConnection & { readonly close: () => void; readonly isClosed: () => boolean } {
  let isClosed = false;
  let giveUp = (_reason: Error): void => {};
  const ready = (events: number): Promise<void> =>
    new Promise((resolve, reject) => {
      giveUp = reject;
      if (isClosed) return reject(new Error("closed"));
      native.watch(fd, events, () => {
        native.unwatch(fd);
        resolve();
      });
    });
  /** What the call gives once it need not wait. */
  const whenReady = async <T>(events: number, call: () => T): Promise<T> => {
    for (;;) {
      await ready(events);
      if (isClosed) throw new Error("closed");
      try {
        return call();
      } catch (error) {
        if (errnoOf(error) !== "EAGAIN") throw error;
      }
    }
  };
  return {
    receive: async () => {
      const bytes = await whenReady(native.POLLIN, () => native.read(fd, longestCallBytes));
      return bytes.byteLength === 0 ? undefined : bytes;
    },
    send: async (bytes) => {
      for (let unsent = bytes; unsent.byteLength > 0;) {
        const rest = unsent;
        unsent = rest.subarray(await whenReady(native.POLLOUT, () => native.send(fd, rest)));
      }
    },
    close: () => {
      if (isClosed) return;
      isClosed = true;
      native.unwatch(fd);
      native.close(fd);
      giveUp(new Error("closed"));
    },
    isClosed: () => isClosed,
  };
}

/** Gives what stops it before the socket is closed. */
function answerDatagrams(socket: number, programs: readonly RpcProgram[], onFault: (error: unknown) => void) {
  let isStopped = false;
  /** Askers and their transaction ids: a call that is asked again while it is being answered is asked once. */
  const asked = new Set<string>();
  native.watch(socket, native.POLLIN, () => {
    const datagram = receive(socket);
    if (datagram === undefined || asked.size >= mostDatagrams) return;
    const { bytes, caller } = datagram;
    const key = `${caller.address} ${caller.port} ${bytes.subarray(0, 4).join(" ")}`;
    if (asked.has(key)) return;
    asked.add(key);
    void answerCall(programs, bytes, caller, onFault)
      .then((reply) => {
        if (reply !== undefined && !isStopped) sendQuietly(socket, reply, caller);
      })
      .catch(onFault)
      .finally(() => asked.delete(key));
  });
  return () => {
    isStopped = true;
    native.unwatch(socket);
  };
}

function receive(socket: number): { readonly bytes: Uint8Array; readonly caller: Caller } | undefined {
  try {
    const { bytes, isWhole, from, to } = native.recvmsg(socket, longestCallBytes);
    if (!isWhole || !("port" in from) || to === undefined) return undefined;
    return { bytes, caller: { transport: "udp", address: from.address, port: from.port, ownAddress: to } };
  } catch {
    // An error that an earlier answer brought back (ICMP), or nothing at all.
    return undefined;
  }
}

/** An answer that cannot be sent is lost, as any datagram may be: the caller asks again. */
function sendQuietly(socket: number, reply: Uint8Array, { address, port, ownAddress }: Caller): void {
  try {
    native.sendmsg(socket, reply, { address, port }, ownAddress);
  } catch {
    // As said.
  }
}
