// What a kind asks its servers over the network: apart from kind.ts, as nobody who only reads a configuration needs it.
import type { Network } from "../ask/network.ts";
import type { User } from "../ask/path.ts";
import type { Dial } from "../rpc/transport.ts";
import type { MountRecord } from "../shares/mountinfo.ts";
import type { KindName, Share } from "../shares/share.ts";
import type { MountAddresses, ReadyServer } from "./mounting.ts";

/** What to ask which server; shares with equal questions share the answer. */
export interface ServerQuestion {
  readonly kind: KindName;
  readonly host: string;
}

export type Readiness =
  | ({ readonly kind: "ready" } & ReadyServer)
  | {
      readonly kind: "not-ready";
      /** A clause. */
      readonly reason: string;
      /** Whether a round that asks less may give another reason although nothing has changed. */
      readonly isPartial?: boolean;
    };

/** Whether what a share names is there on a server that is ready. */
export type PathReadiness =
  /** It is there, or the server's refusal has a cause that a mount would not meet. */
  { readonly kind: "ready" } | { readonly kind: "not-ready"; readonly reason: string };

/** Asks the server whether a user may write to a mount of the share; undefined where it says nothing to that. */
export type AskWriteAccess = (
  share: Pick<Share, "source">,
  mount: MountRecord,
  user: User,
  signal: AbortSignal,
) => Promise<boolean | undefined>;

export interface KindServer<Question extends ServerQuestion> {
  /** The question whose answer tells whether a share could be mounted now. */
  readonly question: (share: Pick<Share, "source" | "options" | "version">) => Question;
  /** One round of questions; settles when `signal` aborts. Unless `asksAll`, what costs much is left out. */
  readonly ask: (network: Network, question: Question, signal: AbortSignal, asksAll: boolean) => Promise<Readiness>;
  /** Asks a server that is ready for what the share names, as a client would that mounts it. */
  readonly askPath: (
    network: Network,
    share: Pick<Share, "source" | "options" | "version">,
    server: ReadyServer,
    signal: AbortSignal,
  ) => Promise<PathReadiness>;
  /** The addresses for a mount in a version from a server that was found ready; or why there are none, a clause. */
  readonly mountAddresses: (
    network: Pick<Network, "resolveName">,
    question: Question,
    server: Pick<ReadyServer, "address">,
    version: string,
    signal: AbortSignal,
  ) => Promise<MountAddresses | string>;
  /** Whether the service that `mount` was made from answers at `address`. */
  readonly answersAt: (
    dial: Dial,
    mount: MountRecord,
    address: string,
    signal: AbortSignal,
    share: Pick<Share, "options">,
  ) => Promise<boolean>;
  readonly writeAccess: (dial: Dial) => AskWriteAccess;
}
