// A mount call that failed, and what to do about it.

/**
 * What a failed mount call leaves to hope for:
 * - `transient`: repeat; also every failure that is not known.
 * - `ambiguous`: repeat and warn; a server that is still starting says the same as one that will never serve.
 * - `unsupported`: repeat for a while (a module or a server may still be starting), then give up.
 * - `permanent`: give up; `everyVersion` where no other protocol version can help.
 * - `look`: mountinfo knows whether it is mounted.
 */
export type Prospect = "transient" | "ambiguous" | "unsupported" | "permanent" | "look";

/** What a failure means, whoever told of it. */
export interface FailureMeaning {
  readonly prospect: Prospect;
  /** What to check, where that is known. */
  readonly hint?: string;
  readonly everyVersion?: boolean;
  /** The kernel or the mount helper refuses one of the options. */
  readonly option?: boolean;
  /** The server cannot be reached: trying other versions in this round is in vain. */
  readonly unreachable?: boolean;
}

export interface MountFailure extends FailureMeaning {
  /** The helper's own words, or those for an errno, in one line. */
  readonly reason: string;
  /** The errno, or the name of what a helper found wrong; undefined where that is not known. */
  readonly cause?: string;
  /** The call was killed: what it asked for may still come about. */
  readonly cutShort?: boolean;
}
