// Short questions with a connection of their own: does this program answer, in which versions, and on which port.
import { rpcClient } from "../rpc/client.ts";
import { ports, type RpcFailure } from "../rpc/message.ts";
import { getPort, type Transport } from "../rpc/rpcbind.ts";
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

/** Calls the NULL procedure, which every program has and which does nothing (RFC 5531 section 12.1). */
export async function callNull(dial: Dial, service: Service, signal: AbortSignal): Promise<Answer> {
  const { address, port, program, version } = service;
  const client = rpcClient(dial, { address, port });
  try {
    const decode = (): Answer => ({ kind: "success" });
    return await client.ask({ program, version, procedure: procedureNull, decode }, signal);
  } finally {
    client.close();
  }
}

/** The TCP port of a program by rpcbind, else its UDP port; 0 where it is not registered. */
export async function askPort(
  dial: Dial,
  address: string,
  program: number,
  version: number,
  signal: AbortSignal,
): Promise<{ readonly kind: "port"; readonly port: number; readonly protocol: Transport } | RpcFailure> {
  const client = rpcClient(dial, { address, port: ports.portmapper });
  try {
    for (const protocol of ["tcp", "udp"] as const) {
      const answer = await getPort(client, { program, version, transport: protocol }, signal);
      if (answer.kind === "port") return { kind: "port", port: answer.port, protocol };
      if (answer.kind !== "not-registered") return answer;
    }
    return { kind: "port", port: 0, protocol: "tcp" };
  } finally {
    client.close();
  }
}
