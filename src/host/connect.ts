// Connects as the kernel tells it: Bun reports every failed connect(2) of TCP as refused, and one of UDP not at all.
import { setTimeout as sleep } from "node:timers/promises";
import type { PortFact, RouteFact } from "../doctor/facts.ts";
import { connectionWords, errnoName } from "./errno.ts";
import { cString, lastErrno, openLibc } from "./libc.ts";

function openCalls() {
  return openLibc({
    close: { args: ["i32"], returns: "i32" },
    connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
    getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
    if_nametoindex: { args: ["ptr"], returns: "u32" },
    inet_ntop: { args: ["i32", "ptr", "ptr", "u32"], returns: "ptr" },
    inet_pton: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  });
}
let opened: ReturnType<typeof openCalls> | undefined;
function calls() {
  return (opened ??= openCalls());
}

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o200_0000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const EINPROGRESS = 115;
const POLLOUT = 4;
/** The first pause between two looks at a connection that is being made, which doubles, and the longest. */
const pollMs = { first: 10, longest: 250 };

/** A connection attempt's end: the name of the errno, "" where it is made, ETIMEDOUT where `signal` ends it. */
export async function tryPort(address: string, port: number, signal: AbortSignal): Promise<PortFact> {
  const errno = await connectErrno(address, port, signal);
  if (errno === "") return { kind: "open", port };
  return { kind: "closed", port, errno, reason: connectionWords[errno] ?? errno };
}

/** Connects and hangs up: the name of the errno, "" where it went well, ETIMEDOUT where `signal` ended it. */
export async function connectErrno(address: string, port: number, signal: AbortSignal): Promise<string> {
  const fd = openSocket(address, SOCK_STREAM);
  if (fd < 0) return errnoName(lastErrno());
  try {
    const failure = connectTo(fd, address, port);
    if (failure === 0) return "";
    if (failure !== EINPROGRESS) return errnoName(failure);
    const request = new Int32Array([fd, POLLOUT]);
    for (let pauseMs = pollMs.first; !signal.aborted; pauseMs = Math.min(2 * pauseMs, pollMs.longest)) {
      if (calls().poll(request, 1n, 0) > 0) {
        const error = new Int32Array(1);
        calls().getsockopt(fd, SOL_SOCKET, SO_ERROR, error, new Uint32Array([4]));
        return error[0] === 0 ? "" : errnoName(error[0] ?? 0);
      }
      await sleep(pauseMs);
    }
    return "ETIMEDOUT";
  } finally {
    calls().close(fd);
  }
}

/** The way to an address: a connected UDP socket sends nothing and lets the kernel choose. */
export function routeTo(address: string): RouteFact {
  const fd = openSocket(address, SOCK_DGRAM);
  const noRoute = (errno: number): RouteFact => {
    const name = errnoName(errno);
    return { kind: "no-route", reason: connectionWords[name] ?? name };
  };
  if (fd < 0) return noRoute(lastErrno());
  try {
    const failure = connectTo(fd, address, discardPort);
    if (failure !== 0) return noRoute(failure);
    const own = new Uint8Array(28);
    if (calls().getsockname(fd, own, new Uint32Array([own.byteLength])) !== 0) return noRoute(lastErrno());
    return { kind: "route", localAddress: addressIn(own) };
  } finally {
    calls().close(fd);
  }
}

const discardPort = 9;

function openSocket(address: string, type: number): number {
  return calls().socket(address.includes(":") ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/** connect(2); 0, or errno. */
function connectTo(fd: number, address: string, port: number): number {
  const sockaddr = encodeAddress(address, port);
  return calls().connect(fd, sockaddr, sockaddr.byteLength) === 0 ? 0 : lastErrno();
}

/** struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)); the family in the machine's byte order, little-endian on all we build for. */
function encodeAddress(address: string, port: number): Uint8Array {
  const isV6 = address.includes(":");
  const bytes = new Uint8Array(isV6 ? 28 : 16);
  const view = new DataView(bytes.buffer);
  const family = isV6 ? AF_INET6 : AF_INET;
  view.setUint16(0, family, true);
  view.setUint16(2, port);
  const [bare = "", zone] = address.split("%");
  const binary = new Uint8Array(16);
  calls().inet_pton(family, cString(bare), binary);
  bytes.set(isV6 ? binary : binary.subarray(0, 4), isV6 ? 8 : 4);
  if (zone !== undefined) {
    view.setUint32(24, /^\d+$/.test(zone) ? Number(zone) : calls().if_nametoindex(cString(zone)), true);
  }
  return bytes;
}

function addressIn(sockaddr: Uint8Array): string {
  const family = sockaddr[0] ?? AF_INET;
  const text = new Uint8Array(64);
  calls().inet_ntop(family, sockaddr.slice(family === AF_INET6 ? 8 : 4), text, text.byteLength);
  const end = text.indexOf(0);
  return new TextDecoder().decode(text.subarray(0, end === -1 ? 0 : end));
}
