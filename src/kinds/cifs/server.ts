// A server of CIFS: it is there when it answers the first question of SMB, not when its port opens.
import { anyOf } from "../../abort.ts";
import { askAddresses } from "../../ask/addresses.ts";
import type { Network } from "../../ask/network.ts";
import type { Connection, Dial } from "../../rpc/transport.ts";
import { optionValue } from "../../shares/options.ts";
import type { Share } from "../../shares/share.ts";
import type { KindServer, Readiness, ServerQuestion } from "../server.ts";
import { negotiateRequest, readNegotiateAnswer } from "./negotiate.ts";

/** SMB over TCP ([MS-SMB2] 2.1). */
const usualPort = 445;

export interface CifsQuestion extends ServerQuestion {
  readonly kind: "cifs";
  readonly port: number;
}

export const cifsServer: KindServer<CifsQuestion> = {
  question: ({ source, options }) => ({ kind: "cifs", host: source.host, port: portOf({ options }) }),
  ask: askServer,
  // Which shares it has is told to users that have logged on.
  askPath: async () => ({ kind: "ready" }),
  mountAddresses: async (_, __, { address }) => ({ server: address, mountd: undefined }),
  answersAt: async (dial, _, address, signal, share) =>
    (await askAddress(dial, address, portOf(share), signal)).kind === "ready",
  // What a user may do is known to the mount alone.
  writeAccess: () => async () => undefined,
};

function portOf({ options }: Pick<Share, "options">): number {
  const port = Number(optionValue(options, "port") ?? usualPort);
  return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : usualPort;
}

/** Asks every address of the server side by side; the first that answers decides. */
async function askServer(network: Network, question: CifsQuestion, signal: AbortSignal): Promise<Readiness> {
  const { host, port } = question;
  const found = await askAddresses(network, { host, family: undefined }, signal);
  if (found.kind === "unresolved") return notReady(`cannot resolve ${host}: ${found.reason}`);
  if (found.kind !== "addresses") return notReady(`${host} has no address`);
  const enough = new AbortController();
  const answers = found.addresses.map((address) =>
    askAddress(network.dial, address, port, anyOf(signal, enough.signal)),
  );
  const whenReady = answers.map(async (answer) => {
    const readiness = await answer;
    if (readiness.kind !== "ready") throw new Error(readiness.reason);
    return readiness;
  });
  const ready = await Promise.any(whenReady).catch(() => undefined);
  enough.abort();
  return ready ?? (await answers[0]) ?? notReady(`${host} has no address`);
}

async function askAddress(dial: Dial, address: string, port: number, signal: AbortSignal): Promise<Readiness> {
  const at = `port ${port} of ${address}`;
  let connection: Connection | undefined;
  try {
    connection = await dial(address, port, signal);
    connection.send(negotiateRequest());
    let got = new Uint8Array(0);
    for (;;) {
      const chunk = await connection.receive();
      if (chunk === undefined)
        return notReady(`${at}: the server closed the connection, as one does that speaks no SMB 2`);
      const more = new Uint8Array(got.byteLength + chunk.byteLength);
      more.set(got);
      more.set(chunk, got.byteLength);
      got = more;
      const answer = readNegotiateAnswer(got);
      if (answer.kind === "answered") return { kind: "ready", address, unspoken: [] };
      if (answer.kind === "other") return notReady(`${at} ${answer.reason}`);
    }
  } catch (error) {
    return notReady(`${at}: ${signal.aborted ? "no answer in time" : (error as Error).message}`);
  } finally {
    connection?.close();
  }
}

function notReady(reason: string): Readiness {
  return { kind: "not-ready", reason };
}
