// Tells hosts that a server has started again: clients, so that they take their locks back, and our own lockd of a client.
import { within } from "../../abort.ts";
import type { Clock } from "../../clock.ts";
import { rpcClient, type RpcClient } from "../../rpc/client.ts";
import { ports } from "../../rpc/message.ts";
import { getPort } from "../../rpc/rpcbind.ts";
import type { Dial } from "../../rpc/transport.ts";
import { concatenate, encodeString, encodeWords } from "../../rpc/xdr.ts";
import type { Monitored } from "./monitor-records.ts";
import { statusMonitorProgram } from "./status-monitor.ts";

const notifyProcedure = 6;
const attemptMs = 5_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** Whoever cannot be reached for so long has lost its locks: the grace period is over for long. */
const giveUpMs = 15 * 60_000;
/** Hosts that are told at once. */
const mostAtOnce = 16;

export interface NoticePort {
  readonly dial: Dial;
  /** By what names and addresses clients may know this server, the connection's own address aside. */
  readonly ownNames: readonly string[];
  readonly clock: Clock;
  /** The addresses of a name, or the address itself. */
  readonly resolve: (name: string, signal: AbortSignal) => Promise<readonly string[]>;
}

export interface Notice {
  readonly peer: string;
  readonly isTold: boolean;
}

/**
 * Tells each peer this server's new state until it answers, or for a quarter of an hour; `onDone` hears of each. A peer is told
 * under every name of ours, since it compares them with the one it has mounted from; it passes over those it does not know.
 */
export async function notifyPeers(
  port: NoticePort,
  { peers, state }: { readonly peers: readonly string[]; readonly state: number },
  onDone: (notice: Notice) => void,
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...peers];
  const work = async (): Promise<void> => {
    for (let peer = waiting.shift(); peer !== undefined; peer = waiting.shift()) {
      const told = await notifyPeer(port, peer, state, signal);
      if (told === "ended") return;
      onDone({ peer, isTold: told === "told" });
    }
  };
  await Promise.all(Array.from({ length: Math.min(mostAtOnce, peers.length) }, work));
}

async function notifyPeer(
  port: NoticePort,
  peer: string,
  state: number,
  signal: AbortSignal,
): Promise<"told" | "given-up" | "ended"> {
  const untilMs = port.clock.nowMs() + giveUpMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    if (await tellPeer(port, peer, state, within(port.clock, attemptMs, signal))) return "told";
    if (signal.aborted) return "ended";
    if (port.clock.nowMs() + pauseMs > untilMs) return "given-up";
    await port.clock.sleep(pauseMs, signal).catch(() => {});
  }
}

async function tellPeer(port: NoticePort, peer: string, state: number, signal: AbortSignal): Promise<boolean> {
  for (const address of await port.resolve(peer, signal)) {
    let isTold = false;
    for (const name of port.ownNames) {
      const args = concatenate([encodeString(name), encodeWords([state])]);
      const call = { ...statusMonitorProgram, procedure: notifyProcedure, args };
      isTold = (await callRegistered(port.dial, address, call, signal)) || isTold;
    }
    if (isTold) return true;
  }
  return false;
}

/** Tells our lockd what it has asked to be told (NLM's private procedure 16): that a host has started again. */
export async function tellLockd(dial: Dial, one: Monitored, state: number, signal: AbortSignal): Promise<boolean> {
  const { name, program, version, procedure, priv } = one;
  const args = concatenate([encodeString(name), encodeWords([state]), bytesOf(priv)]);
  return callRegistered(dial, "127.0.0.1", { program, version, procedure, args }, signal);
}

interface Call {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly args: Uint8Array;
}

/** Whether a program that is registered at an address has taken the call. From a low port, as lockd of Linux asks for it. */
async function callRegistered(dial: Dial, address: string, call: Call, signal: AbortSignal): Promise<boolean> {
  const clients: RpcClient[] = [];
  const client = (port: number): RpcClient => {
    const made = rpcClient(dial, { address, port, reserved: true });
    clients.push(made);
    return made;
  };
  try {
    const found = await getPort(client(ports.portmapper), { ...call, transport: "tcp" }, signal);
    if (found.kind !== "port") return false;
    const answer = await client(found.port).ask({ ...call, decode: () => ({ kind: "done" as const }) }, signal);
    return answer.kind === "done";
  } finally {
    for (const one of clients) one.close();
  }
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
