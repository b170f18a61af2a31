// The servers of each kind of share: the one table of what is asked over the network.
import type { Network } from "../ask/network.ts";
import type { Dial } from "../rpc/transport.ts";
import type { KindName, Share } from "../shares/share.ts";
import { cifsServer, type CifsQuestion } from "./cifs/server.ts";
import { efsServer } from "./efs/server.ts";
import type { MountAddresses, ReadyServer } from "./mounting.ts";
import type { NfsQuestion } from "./nfs/question.ts";
import { nfsServer } from "./nfs/server.ts";
import type { AskWriteAccess, KindServer, PathReadiness, Readiness } from "./server.ts";

interface Questions {
  readonly cifs: CifsQuestion;
  readonly efs: NfsQuestion;
  readonly nfs: NfsQuestion;
}

const servers: { readonly [Kind in KindName]: KindServer<Questions[Kind]> } = {
  cifs: cifsServer,
  efs: efsServer,
  nfs: nfsServer,
};

/** What to ask which server; shares with equal questions share the answer. */
export type ServerQuestion = Questions[KindName];

/** How the server of a share is asked. */
export function serverOf({ kind }: Pick<Share, "kind">): KindServer<ServerQuestion> {
  // A question goes to the kind that it names, so that each is asked its own alone.
  return servers[kind] as KindServer<ServerQuestion>;
}

/** The question whose answer tells whether `share` could be mounted now. */
export function questionOf(share: Pick<Share, "kind" | "source" | "options" | "version">): ServerQuestion {
  return serverOf(share).question(share);
}

/** One round of questions to a server; settles when `signal` aborts. Unless `asksAll`, what costs much is left out. */
export function askServer(
  network: Network,
  question: ServerQuestion,
  signal: AbortSignal,
  asksAll = true,
): Promise<Readiness> {
  return serverOf(question).ask(network, question, signal, asksAll);
}

/** `askServer` over a network, as the waiter asks. */
export function asking(network: Network) {
  return (question: ServerQuestion, signal: AbortSignal, asksAll: boolean): Promise<Readiness> =>
    askServer(network, question, signal, asksAll);
}

/** Asks a server that is ready for what the share names, as a client would that mounts it. */
export function askPath(
  network: Network,
  share: Pick<Share, "kind" | "source" | "options" | "version">,
  server: ReadyServer,
  signal: AbortSignal,
): Promise<PathReadiness> {
  return serverOf(share).askPath(network, share, server, signal);
}

/** The addresses for a mount in a version from a server that was found ready; or why there are none, a clause. */
export function mountAddresses(
  network: Pick<Network, "resolveName">,
  question: ServerQuestion,
  server: Pick<ReadyServer, "address">,
  version: string,
  signal: AbortSignal,
): Promise<MountAddresses | string> {
  return serverOf(question).mountAddresses(network, question, server, version, signal);
}

/** Gives the function that asks the servers of shares who may write. */
export function writeAccessAsker(dial: Dial) {
  const askers = new Map<KindName, AskWriteAccess>();
  return (
    share: Pick<Share, "kind" | "source">,
    ...asked: Parameters<AskWriteAccess> extends [unknown, ...infer Rest] ? Rest : never
  ) => {
    const { kind } = share;
    const asker = askers.get(kind) ?? serverOf(share).writeAccess(dial);
    askers.set(kind, asker);
    return asker(share, ...asked);
  };
}
