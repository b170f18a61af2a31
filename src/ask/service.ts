// Does a program answer, in which versions, how soon, and on which port: short questions with a connection of their own.
import { rpcClient, type RpcClient } from "../rpc/client.ts";
import { ports, type RpcFailure } from "../rpc/message.ts";
import { getPort } from "../rpc/rpcbind.ts";
import type { Dial } from "../rpc/transport.ts";

/** A program in one version at one address. */
export interface Service {
  readonly address: string;
  readonly port: number;
  readonly program: number;
  readonly version: number;
}

/** The answer to NULL: the server's word, or why there is none. */
export type Answer = { readonly kind: "success" } | RpcFailure;

const procedureNull = 0;
const success = { kind: "success" } as const;

/** Calls the NULL procedure, which every program has and which does nothing (RFC 5531 section 12.1). */
export async function callNull(dial: Dial, service: Service, signal: AbortSignal): Promise<Answer> {
  const answer = await callNulls(dial, service, 1, () => 0, signal);
  return answer.kind === "success" ? success : answer;
}

/** The same with the time that an answer takes: the median of three calls on a connection that is open. */
export async function timeNull(
  dial: Dial,
  service: Service,
  nowMs: () => number,
  signal: AbortSignal,
): Promise<{ readonly kind: "success"; readonly roundTripMs: number } | RpcFailure> {
  // The first pays for the connection.
  const answer = await callNulls(dial, service, 4, nowMs, signal);
  if (answer.kind !== "success") return answer;
  const [, roundTripMs = 0] = answer.tookMs.slice(1).sort((one, other) => one - other);
  return { kind: "success", roundTripMs };
}

/** One call after another; the first without an answer ends it. */
async function callNulls(
  dial: Dial,
  { address, port, program, version }: Service,
  calls: number,
  nowMs: () => number,
  signal: AbortSignal,
): Promise<{ readonly kind: "success"; readonly tookMs: readonly number[] } | RpcFailure> {
  const client = rpcClient(dial, { address, port });
  const decode = (): Answer => success;
  const tookMs: number[] = [];
  try {
    while (tookMs.length < calls) {
      const beganMs = nowMs();
      const answer = await client.ask({ program, version, procedure: procedureNull, decode }, signal);
      if (answer.kind !== "success") return answer;
      tookMs.push(nowMs() - beganMs);
    }
    return { kind: "success", tookMs };
  } finally {
    client.close();
  }
}

/** Where rpcbind has a program. */
export type Registration =
  /** On a TCP port. */
  | { readonly kind: "port"; readonly port: number }
  /** For UDP alone, over which nothing is asked here: rpcbind's word has to do. */
  | { readonly kind: "udp-only" }
  | { readonly kind: "not-registered" }
  | RpcFailure;

/** Asks rpcbind of a server for a program in one version. */
export async function askPort(
  dial: Dial,
  address: string,
  program: number,
  version: number,
  signal: AbortSignal,
): Promise<Registration> {
  const client = rpcClient(dial, { address, port: ports.portmapper });
  try {
    return await askRegistration(client, program, version, signal);
  } finally {
    client.close();
  }
}

/** The same over a connection that serves for more questions. */
export async function askRegistration(
  rpcbind: RpcClient,
  program: number,
  version: number,
  signal: AbortSignal,
): Promise<Registration> {
  const tcp = await getPort(rpcbind, { program, version, transport: "tcp" }, signal);
  if (tcp.kind !== "not-registered") return tcp;
  const udp = await getPort(rpcbind, { program, version, transport: "udp" }, signal);
  return udp.kind === "port" ? { kind: "udp-only" } : udp;
}
