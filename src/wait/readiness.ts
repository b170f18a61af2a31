// Is the NFS service of a share there: one round of questions to its server, judged.
import type { Share } from "../shares/share.ts";
import { hasOption, optionValue } from "../shares/options.ts";
import { versionsToTry, type ExactVersion } from "../kinds/nfs/versions.ts";
import type { MountAddresses } from "../kinds/mounting.ts";
import { ports, programs } from "../rpc/message.ts";
import type { Network } from "../ask/network.ts";
import { askPort, callNull, type Answer } from "../ask/service.ts";
import type { Dial } from "../rpc/transport.ts";

const version4: readonly ExactVersion[] = ["4.2", "4.1", "4.0"];

/** What to ask which server; shares with equal questions share the answer. */
export interface ServerQuestion {
  readonly host: string;
  /** Port of the NFS service, undefined where only rpcbind knows it (version 3) or 2049 is meant (version 4). */
  readonly port: number | undefined;
  /** Where mountd is asked for, undefined where it is the server itself. */
  readonly mountHost: string | undefined;
  readonly mountPort: number | undefined;
  /** 4, 6, or undefined for both. */
  readonly family: 4 | 6 | undefined;
  readonly version4: boolean;
  readonly version3: boolean;
}

export type Readiness =
  /** The service answers at `address`; `unspoken` are the versions the server itself said it does not speak. */
  | { readonly kind: "ready"; readonly unspoken: readonly ExactVersion[]; readonly address: string }
  | { readonly kind: "not-ready"; readonly reason: string };

/** The question whose answer tells whether `share` could be mounted now. */
export function questionOf(share: Pick<Share, "source" | "options" | "version">): ServerQuestion {
  const { options } = share;
  const versions = versionsToTry(share.version);
  const protocol = optionValue(options, "proto") ?? "";
  return {
    host: share.source.host,
    port: portIn(options, "port"),
    mountHost: optionValue(options, "mountaddr") ?? optionValue(options, "mounthost"),
    mountPort: portIn(options, "mountport"),
    family: protocol.endsWith("6") ? 6 : hasOption(options, "proto") ? 4 : undefined,
    version4: versions.some((version) => version !== "3"),
    version3: versions.includes("3"),
  };
}

function portIn(options: readonly string[], name: string): number | undefined {
  const value = Number(optionValue(options, name) ?? Number.NaN);
  return Number.isInteger(value) && value > 0 && value <= 65_535 ? value : undefined;
}

/** The addresses for a mount in `version` from a server that was found ready; or why there are none. */
export async function mountAddresses(
  network: Pick<Network, "resolveName">,
  { host, mountHost, family }: ServerQuestion,
  { address }: { readonly address: string },
  version: string,
  signal: AbortSignal,
): Promise<MountAddresses | string> {
  if (version !== "3" || mountHost === undefined || mountHost === host) return { server: address, mountd: undefined };
  const resolved = await network.resolveName(mountHost, signal, family);
  if (resolved.kind === "unresolved") return `cannot resolve mountaddr ${mountHost}: ${resolved.reason}`;
  const mountd = resolved.addresses.find((one) => family === undefined || (family === 6) === one.includes(":"));
  return mountd === undefined
    ? `mountaddr ${mountHost} has no address of the server's family`
    : { server: address, mountd };
}

/**
 * Asks every address of the server side by side; the first that could serve the share decides. Unless `asksRpcbind`, a server
 * whose port 2049 does not answer is not asked for more.
 */
export async function askServer(
  network: Network,
  question: ServerQuestion,
  signal: AbortSignal,
  asksRpcbind = true,
): Promise<Readiness> {
  const resolved = await network.resolveName(question.host, signal, question.family);
  if (resolved.kind === "unresolved") {
    return { kind: "not-ready", reason: `cannot resolve ${question.host}: ${resolved.reason}` };
  }
  const addresses = resolved.addresses.filter(
    (address) => question.family === undefined || (question.family === 6) === address.includes(":"),
  );
  if (addresses.length === 0) {
    return {
      kind: "not-ready",
      reason: `${question.host} has no IPv${question.family} address, which proto= asks for`,
    };
  }
  // The first address that is ready aborts the questions to the others.
  const enough = new AbortController();
  const answers = addresses.map((address) =>
    askAddress(network, question, address, AbortSignal.any([signal, enough.signal]), asksRpcbind),
  );
  const ready = await firstReady(answers);
  enough.abort();
  if (ready !== undefined) return ready;
  const [first] = await Promise.all(answers);
  return first ?? { kind: "not-ready", reason: `${question.host} has no address` };
}

/** `askServer` over a network, as the waiter asks. */
export function asking(network: Network) {
  return (question: ServerQuestion, signal: AbortSignal, asksRpcbind: boolean): Promise<Readiness> =>
    askServer(network, question, signal, asksRpcbind);
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
  question: ServerQuestion,
  address: string,
  signal: AbortSignal,
  asksRpcbind: boolean,
): Promise<Readiness> {
  const port = question.port ?? ports.nfs;
  if (!question.version4) {
    if (!asksRpcbind) {
      const there = await callNull(network.dial, { address, port, program: programs.nfs, version: 3 }, signal);
      if (there.kind === "no-answer")
        return { kind: "not-ready", reason: `port ${port} of ${address}: ${there.reason}` };
    }
    return askVersion3(network, question, address, signal);
  }
  const answer = await callNull(network.dial, { address, port, program: programs.nfs, version: 4 }, signal);
  switch (answer.kind) {
    case "success":
      return { kind: "ready", unspoken: [], address };
    case "version-mismatch": {
      const tells = `the server speaks NFS ${spoken(answer.lowest, answer.highest)}`;
      if (answer.highest >= 4) return { kind: "not-ready", reason: `${tells} and not 4` };
      if (!question.version3) return { kind: "not-ready", reason: `${tells} only, and the share asks for version 4` };
      const version3 = await askVersion3(network, question, address, signal);
      return version3.kind === "ready" ? { kind: "ready", unspoken: version4, address } : version3;
    }
    case "no-answer":
    case "malformed":
    case "program-unavailable":
    case "refused": {
      // Without port= a version 3 server may serve on another port, which rpcbind knows.
      const reason = `port ${port} of ${address}: ${wordsFor(answer)}`;
      const mayBeElsewhere = asksRpcbind && question.version3 && question.port === undefined;
      if (!mayBeElsewhere || isUnreachable(answer) || signal.aborted) return { kind: "not-ready", reason };
      const version3 = await askVersion3(network, question, address, signal);
      if (version3.kind !== "ready") return { kind: "not-ready", reason };
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

function spoken(lowest: number, highest: number): string {
  return lowest === highest ? `${lowest}` : `${lowest} to ${highest}`;
}

/** Version 3 needs the NFS service and mountd, both found by rpcbind unless the options name their ports. */
async function askVersion3(
  network: Network,
  question: ServerQuestion,
  address: string,
  signal: AbortSignal,
): Promise<Readiness> {
  const { dial } = network;
  const nfs = await askRegistered(dial, address, programs.nfs, question.port, signal);
  if (nfs !== undefined) return { kind: "not-ready", reason: `NFS 3 of ${address}: ${nfs}` };
  let mountAddress = address;
  if (question.mountHost !== undefined && question.mountHost !== question.host) {
    const resolved = await network.resolveName(question.mountHost, signal, question.family);
    if (resolved.kind === "unresolved") {
      return { kind: "not-ready", reason: `cannot resolve mountaddr ${question.mountHost}: ${resolved.reason}` };
    }
    mountAddress = resolved.addresses[0] ?? address;
  }
  const mountd = await askRegistered(dial, mountAddress, programs.mountd, question.mountPort, signal);
  return mountd === undefined
    ? { kind: "ready", unspoken: [], address }
    : { kind: "not-ready", reason: `mountd of ${mountAddress}: ${mountd}` };
}

/** Why version 3 of a program does not answer, or undefined where it does. */
async function askRegistered(
  dial: Dial,
  address: string,
  program: number,
  knownPort: number | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  let port = knownPort;
  if (port === undefined) {
    const registered = await askPort(dial, address, program, 3, signal);
    if (registered.kind !== "port") return `rpcbind: ${wordsFor(registered)}`;
    if (registered.port === 0) return "not registered with rpcbind";
    // Registered for UDP only: rpcbind's word has to do.
    if (registered.protocol === "udp") return undefined;
    port = registered.port;
  }
  const answer = await callNull(dial, { address, port, program, version: 3 }, signal);
  return answer.kind === "success" ? undefined : `port ${port}: ${wordsFor(answer)}`;
}

function wordsFor(answer: Exclude<Answer, { kind: "success" }>): string {
  switch (answer.kind) {
    case "no-answer":
    case "malformed":
    case "refused":
      return answer.reason;
    case "program-unavailable":
      return "another service answers there";
    case "version-mismatch":
      return `the server speaks version ${spoken(answer.lowest, answer.highest)} only`;
  }
}
