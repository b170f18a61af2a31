// Is the NFS service of a share there: one round of questions to its server, judged.
import { anyOf } from "../../abort.ts";
import { askAddresses } from "../../ask/addresses.ts";
import { unresolvedWords } from "../../ask/names.ts";
import { failureWords, versionRange } from "../../rpc/failure.ts";
import type { Network } from "../../ask/network.ts";
import { askPort, askRegistration, callNull, type Answer, type Registration } from "../../ask/service.ts";
import { askMountHost, mountHostWords, type NfsQuestion } from "./question.ts";
import type { ExactVersion } from "./versions.ts";
import type { Readiness } from "../server.ts";
import { rpcClient } from "../../rpc/client.ts";
import { ports, programs } from "../../rpc/message.ts";
import type { Dial } from "../../rpc/transport.ts";

const version4: readonly ExactVersion[] = ["4.2", "4.1", "4.0"];

/**
 * Asks every address of the server side by side; the first that could serve the share decides. Unless `asksRpcbind`, a server
 * whose port 2049 does not answer is not asked for more.
 */
export async function askServer(
  network: Network,
  question: NfsQuestion,
  signal: AbortSignal,
  asksRpcbind = true,
): Promise<Readiness> {
  const readiness = await askEach(network, question, signal, asksRpcbind);
  // Of version 4 the shorter round says the same.
  const isPartial = readiness.kind === "not-ready" && !asksRpcbind && !question.version4;
  return isPartial ? { ...readiness, isPartial } : readiness;
}

async function askEach(
  network: Network,
  question: NfsQuestion,
  signal: AbortSignal,
  asksRpcbind: boolean,
): Promise<Readiness> {
  const { host } = question;
  const found = await askAddresses(network, question, signal);
  if (found.kind === "unresolved") return notReady(`cannot resolve ${host}: ${unresolvedWords(found)}`);
  if (found.kind === "no-address") return notReady(`${host} has no address`);
  if (found.kind === "wrong-family")
    return notReady(`${host} has no IPv${found.family} address, which proto= asks for`);
  const { addresses } = found;
  // The first address that is ready aborts the questions to the others.
  const enough = new AbortController();
  const answers = addresses.map((address) =>
    askAddress(network, question, address, anyOf(signal, enough.signal), asksRpcbind),
  );
  const ready = await firstReady(answers);
  enough.abort();
  if (ready !== undefined) return ready;
  const [first] = await Promise.all(answers);
  return first ?? notReady(`${host} has no address`);
}

function notReady(reason: string): Readiness {
  return { kind: "not-ready", reason };
}

/** The first answer that says ready, without waiting for the others; undefined where none does. */
async function firstReady(answers: readonly Promise<Readiness>[]): Promise<Readiness | undefined> {
  try {
    return await Promise.any(
      answers.map(async (answer) => {
        const readiness = await answer;
        if (readiness.kind !== "ready") throw new Error(readiness.reason);
        return readiness;
      }),
    );
  } catch {
    return undefined;
  }
}

async function askAddress(
  network: Network,
  question: NfsQuestion,
  address: string,
  signal: AbortSignal,
  asksRpcbind: boolean,
): Promise<Readiness> {
  const port = question.port ?? ports.nfs;
  if (!question.version4) {
    if (!asksRpcbind) {
      const there = await callNull(network.dial, { address, port, program: programs.nfs, version: 3 }, signal);
      if (there.kind === "no-answer") return notReady(`port ${port} of ${address}: ${there.reason}`);
    }
    return askVersion3(network, question, address, signal);
  }
  const answer = await callNull(network.dial, { address, port, program: programs.nfs, version: 4 }, signal);
  switch (answer.kind) {
    case "success":
      return { kind: "ready", unspoken: [], address };
    case "version-mismatch": {
      const tells = `the server speaks NFS ${versionRange(answer)}`;
      if (answer.highest >= 4) return notReady(`${tells} and not 4`);
      if (!question.version3) return notReady(`${tells} only, and the share asks for version 4`);
      const version3 = await askVersion3(network, question, address, signal);
      return version3.kind === "ready" ? { kind: "ready", unspoken: version4, address } : version3;
    }
    case "no-answer":
    case "malformed":
    case "program-unavailable":
    case "refused": {
      // Without port= a version 3 server may serve on another port, which rpcbind knows.
      const reason = `port ${port} of ${address}: ${failureWords(answer)}`;
      const mayBeElsewhere = asksRpcbind && question.version3 && question.port === undefined;
      if (!mayBeElsewhere || isUnreachable(answer) || signal.aborted) return notReady(reason);
      const version3 = await askVersion3(network, question, address, signal);
      if (version3.kind !== "ready") return notReady(reason);
      // A server that came up between the two questions speaks version 4 by now.
      const again = await callNull(network.dial, { address, port, program: programs.nfs, version: 4 }, signal);
      return { kind: "ready", unspoken: again.kind === "success" ? [] : version4, address };
    }
  }
}

/** No other port of such an address answers either. */
function isUnreachable(answer: Answer): boolean {
  return answer.kind === "no-answer" && /^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)$/.test(answer.errno ?? "");
}

/**
 * Version 3 needs the NFS service and mountd, both found by rpcbind unless the options name their ports. rpcbind is asked over one
 * connection, and the two are asked side by side.
 */
async function askVersion3(
  network: Network,
  question: NfsQuestion,
  address: string,
  signal: AbortSignal,
): Promise<Readiness> {
  const { dial } = network;
  const rpcbind = rpcClient(dial, { address, port: ports.portmapper });
  try {
    const nfs = await findService(question.port, () => askRegistration(rpcbind, programs.nfs, 3, signal));
    if (nfs.kind === "missing") return notReady(`NFS 3 of ${address}: ${nfs.reason}`);
    const mountHost = await askMountHost(network, question, address, signal);
    if (mountHost.kind !== "address") return notReady(mountHostWords(question, mountHost));
    const mountd = await findService(question.mountPort, () =>
      mountHost.address === address
        ? askRegistration(rpcbind, programs.mountd, 3, signal)
        : askPort(dial, mountHost.address, programs.mountd, 3, signal),
    );
    if (mountd.kind === "missing") return notReady(`mountd of ${mountHost.address}: ${mountd.reason}`);
    const [nfsTrouble, mountdTrouble] = await Promise.all([
      troubleOf(dial, address, programs.nfs, nfs, signal),
      troubleOf(dial, mountHost.address, programs.mountd, mountd, signal),
    ]);
    if (nfsTrouble !== undefined) return notReady(`NFS 3 of ${address}: ${nfsTrouble}`);
    if (mountdTrouble !== undefined) return notReady(`mountd of ${mountHost.address}: ${mountdTrouble}`);
    return { kind: "ready", unspoken: [], address };
  } finally {
    rpcbind.close();
  }
}

/** Where version 3 of a program is asked. */
type Found =
  | { readonly kind: "port"; readonly port: number }
  /** Over UDP alone, where it is not asked. */
  | { readonly kind: "udp-only" }
  | { readonly kind: "missing"; readonly reason: string };

async function findService(knownPort: number | undefined, askRpcbind: () => Promise<Registration>): Promise<Found> {
  if (knownPort !== undefined) return { kind: "port", port: knownPort };
  const found = await askRpcbind();
  switch (found.kind) {
    case "port":
    case "udp-only":
      return found;
    case "not-registered":
      return { kind: "missing", reason: "not registered with rpcbind" };
    default:
      return { kind: "missing", reason: `rpcbind: ${failureWords(found)}` };
  }
}

/** Why version 3 of a program does not answer where it was found, or undefined where it does. */
async function troubleOf(
  dial: Dial,
  address: string,
  program: number,
  found: Exclude<Found, { kind: "missing" }>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (found.kind === "udp-only") return undefined;
  const { port } = found;
  const answer = await callNull(dial, { address, port, program, version: 3 }, signal);
  return answer.kind === "success" ? undefined : `port ${port}: ${failureWords(answer)}`;
}
