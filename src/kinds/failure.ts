// A mount call that failed, and what to do about it.

/**
 * What to do after a failed mount call:
 * - `transient`: repeat; also every text that is not known.
 * - `ambiguous`: repeat and warn; a server that is still starting says the same as one that will never serve.
 * - `unsupported`: repeat for a while (a module or a server may still be starting), then give up.
 * - `permanent`: give up; `everyVersion` where no other protocol version can help.
 * - `look`: mountinfo knows whether it is mounted.
 */
export type Verdict = "transient" | "ambiguous" | "unsupported" | "permanent" | "look";

export interface MountFailure {
  readonly verdict: Verdict;
  /** The helper's own words, in one line. */
  readonly reason: string;
  /** What to check, where that is known. */
  readonly hint?: string;
  readonly everyVersion?: boolean;
  /** The call was killed: what it asked for may still come about. */
  readonly cutShort?: boolean;
  /** The kernel or mount.nfs refuses one of the options. */
  readonly option?: boolean;
  /** The server cannot be reached: trying other versions in this round is in vain. */
  readonly unreachable?: boolean;
}
