// Registers programs with the portmapper of somebody else on this machine, and takes them away again (RFC 1833).
import { rpcClient, type RpcClient } from "../../rpc/client.ts";
import { ports, programs } from "../../rpc/message.ts";
import type { Dial } from "../../rpc/transport.ts";
import { concatenate, encodeString, encodeWords } from "../../rpc/xdr.ts";
import { universalAddress, type Registration } from "./portmapper.ts";

const loopback = "127.0.0.1";
const [setProcedure, unsetProcedure] = [1, 2];

/** Whether a portmapper answers on this machine. */
export async function hasPortmapper(dial: Dial, signal: AbortSignal): Promise<boolean> {
  const client = rpcClient(dial, { address: loopback, port: ports.portmapper });
  try {
    const decode = () => ({ kind: "there" as const });
    const answer = await client.ask({ program: programs.portmapper, version: 2, procedure: 0, decode }, signal);
    return answer.kind === "there";
  } finally {
    client.close();
  }
}

/** Those that it did not take. What an earlier instance of ours left there is replaced. */
export function register(
  dial: Dial,
  registrations: readonly Registration[],
  signal: AbortSignal,
): Promise<readonly Registration[]> {
  return withRpcbind(dial, async (client) => {
    const refused: Registration[] = [];
    for (const one of registrations) {
      await change(client, unsetProcedure, one, signal);
      if (!(await change(client, setProcedure, one, signal))) refused.push(one);
    }
    return refused;
  });
}

export function unregister(dial: Dial, registrations: readonly Registration[], signal: AbortSignal): Promise<void> {
  return withRpcbind(dial, async (client) => {
    for (const one of registrations) await change(client, unsetProcedure, one, signal);
  });
}

/** From a low port: it believes root alone. */
async function withRpcbind<T>(dial: Dial, work: (client: RpcClient) => Promise<T>): Promise<T> {
  const client = rpcClient(dial, { address: loopback, port: ports.portmapper, reserved: true });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

async function change(
  client: RpcClient,
  procedure: number,
  { program, version, netid, port }: Registration,
  signal: AbortSignal,
): Promise<boolean> {
  const any = netid.endsWith("6") ? "::" : "0.0.0.0";
  const args = concatenate([
    encodeWords([program, version]),
    encodeString(netid),
    encodeString(universalAddress(any, port)),
    encodeString("superuser"),
  ]);
  const decode = (reader: { readonly bool: () => boolean }) => ({ kind: "answer" as const, isDone: reader.bool() });
  const answer = await client.ask({ program: programs.portmapper, version: 4, procedure, args, decode }, signal);
  return answer.kind === "answer" && answer.isDone;
}
