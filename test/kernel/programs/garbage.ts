// Sends calls that no honest client makes to one port, in handfuls, each with an honest call at its end whose answer is waited for:
// nothing is lost in a full buffer. `garbage ADDRESS PORT udp|tcp COUNT SEED`; says how it was and ends with 1 where no answer came.
import "../../../src/host/globals.ts";
import * as native from "native";
import { writeAll } from "../../../src/host/children.ts";
import { takeFaults } from "../../../src/host/faults.ts";
import { decodeCall } from "../../../src/rpc/received-call.ts";
import { calls, lockCalls, nfsCalls } from "../../fuzz/calls.ts";
import { distort } from "../../fuzz/messages.ts";
import { random } from "../../unit/fakes/random.ts";
import { fragment, join, words } from "../../unit/fakes/server.ts";

const [, address = "", portText, transport = "udp", countText, seedText = "1"] = native
  .argv()
  .map((bytes) => native.decodeUtf8(bytes));
const [port, count, seed] = [Number(portText), Number(countText), Number(seedText)];

/** What is honestly asked of a port. */
const services: Readonly<
  Record<number, { readonly honest: readonly [number, number]; readonly valid: readonly Uint8Array[] }>
> = {
  111: { honest: [100_000, 2], valid: calls },
  20_048: { honest: [100_005, 3], valid: calls },
  32_765: { honest: [100_024, 1], valid: calls },
  32_768: { honest: [100_021, 4], valid: [...lockCalls, ...nfsCalls.slice(0, 4)] },
  2_049: { honest: [100_003, 4], valid: [...nfsCalls, ...lockCalls.slice(0, 4)] },
};
const service = services[port];
if (service === undefined) throw new Error(`nothing is known of port ${port}`);
const { honest, valid } = service;

const mostInHandful = 50;
/** An honest call is asked again after so long, as a client does, and no more after that. */
const askAgainMs = 2_000;
const giveUpMs = 60_000;
const source = random(seed);
/** The kernel reads on behind what is no call. */
const isKernels = port === 2_049 || port === 32_768;
const framed = valid.map((one) => fragment(one));
let xid = 0x4000_0000;
let sent = 0;
let connections = 0;
let slowestMs = 0;

const honestCall = () => words(++xid, 0, 2, ...honest, 0, 0, 0, 0, 0);
/** The honest call was taken, and with success. */
const isAnswer = (reply: Uint8Array) => {
  const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
  return reply.byteLength === 24 && view.getUint32(0) === xid && view.getUint32(20) === 0;
};

function ask(try_: (untilMs: number) => boolean): void {
  const startedMs = native.bootTimeMs();
  while (!try_(native.bootTimeMs() + askAgainMs)) {
    if (native.bootTimeMs() - startedMs > giveUpMs) {
      writeAll(
        1,
        native.encodeUtf8(`port ${port} does not answer by ${transport} after ${sent} messages, seed ${seed}\n`),
      );
      native.exit(1);
    }
  }
  slowestMs = Math.max(slowestMs, native.bootTimeMs() - startedMs);
}

interface Message {
  readonly bytes: Uint8Array;
  readonly isCall: boolean;
}

/** To make one takes longer than to send it: each is sent a dozen times, each time with another transaction id and, as a datagram, another byte. */
const poolSize = 8_192;
const sentOfPool = 100_000;
let pool: readonly Message[] = [];
let untilNext = 0;

function next(): Message {
  if (untilNext-- <= 0) {
    untilNext = sentOfPool;
    pool = Array.from({ length: Math.min(poolSize, count - sent) }, () => {
      const bytes = distort(valid, source);
      return { bytes, isCall: isCall(bytes) };
    });
  }
  const { bytes, isCall: isRead } = source.pick(pool);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength >= 4) view.setUint32(0, source.below(0x4000_0000));
  if (transport === "udp" && bytes.byteLength > 4) bytes[source.below(bytes.byteLength)] = source.below(256);
  return { bytes, isCall: isRead };
}

/**
 * Over a connection of ours only the last one may be such that the server cannot read it as a call at all: it closes the connection then,
 * and would not see the others.
 */
function handful(): readonly Message[] {
  const messages: Message[] = [];
  const most = Math.min(mostInHandful, count - sent);
  while (messages.length < most) {
    const message = next();
    const isLast = messages.length === most - 1;
    if (transport === "udp" || isKernels || isLast || message.isCall) messages.push(message);
  }
  sent += messages.length;
  return messages;
}

function isCall(message: Uint8Array): boolean {
  try {
    decodeCall(message);
    return true;
  } catch {
    return false;
  }
}

function datagrams(): void {
  const fd = native.socket(native.AF_INET, native.SOCK_DGRAM);
  native.connect(fd, { address, port });
  while (sent < count) {
    for (const { bytes } of handful()) trySend(fd, bytes);
    const call = honestCall();
    ask((untilMs) => {
      trySend(fd, call);
      for (let leftMs = askAgainMs; leftMs > 0; leftMs = Math.ceil(untilMs - native.bootTimeMs())) {
        if (native.poll(fd, native.POLLIN, leftMs) === 0) return false;
        for (let reply = receive(fd); reply !== undefined; reply = receive(fd)) if (isAnswer(reply)) return true;
      }
      return false;
    });
  }
}

function trySend(fd: number, bytes: Uint8Array): void {
  try {
    native.send(fd, bytes);
  } catch {
    // A full buffer, or what an earlier datagram has met with.
  }
}

/** Undefined where nothing is there, empty at the end of a connection. */
function receive(fd: number): Uint8Array | undefined {
  try {
    return native.read(fd, 65_536);
  } catch (error) {
    return String(error).includes("ECONNRESET") ? new Uint8Array(0) : undefined;
  }
}

function connected(): number {
  for (;;) {
    const fd = native.socket(native.AF_INET, native.SOCK_STREAM);
    native.setsockopt(fd, native.IPPROTO_TCP, native.TCP_NODELAY, 1);
    connections++;
    try {
      native.connect(fd, { address, port });
    } catch {
      // It is being made.
    }
    native.poll(fd, native.POLLOUT, askAgainMs);
    try {
      native.takeError(fd);
      return fd;
    } catch {
      native.close(fd);
    }
  }
}

/** The last bytes that came over a connection. */
let tail: Uint8Array = new Uint8Array(0);

/** Whether the answer to the honest call came last; false at the end of the connection, or when the time is over. */
function answered(fd: number, untilMs: number): boolean {
  while (native.bootTimeMs() < untilMs) {
    const bytes = receive(fd);
    if (bytes?.byteLength === 0) return false;
    if (bytes === undefined) native.poll(fd, native.POLLIN, 100);
    else tail = join(tail, bytes).slice(-24);
    if (isAnswer(tail)) return true;
  }
  return false;
}

function streams(): void {
  let fd = connected();
  const anew = () => {
    native.setLingerZero(fd);
    native.close(fd);
    tail = new Uint8Array(0);
    fd = connected();
  };
  while (sent < count) {
    // One in eight lies about lengths: whatever comes of it, the connection is of no use afterwards.
    if (source.below(8) === 0) {
      trySend(fd, distort(framed, source));
      sent++;
      native.poll(fd, native.POLLIN, 1);
      anew();
      continue;
    }
    const messages = handful();
    trySend(fd, join(...messages.map(({ bytes }) => fragment(bytes))));
    // The server has read all of it when it closes the connection.
    if (!isKernels && messages.at(-1)?.isCall === false) {
      const untilMs = native.bootTimeMs() + giveUpMs;
      while (native.bootTimeMs() < untilMs && receive(fd)?.byteLength !== 0) native.poll(fd, native.POLLIN, 1_000);
      anew();
      continue;
    }
    const call = fragment(honestCall());
    trySend(fd, call);
    ask((untilMs) => {
      if (answered(fd, untilMs)) return true;
      anew();
      trySend(fd, call);
      return false;
    });
  }
}

takeFaults();
if (transport === "udp") datagrams();
else streams();
writeAll(1, native.encodeUtf8(`${JSON.stringify({ port, transport, sent, connections, slowestMs })}\n`));
