// What one attempt needs of the machine and of who asks for it, and what comes of it.
import type { MountFailure } from "../kinds/failure.ts";
import type { MountAddresses, ReadyServer } from "../kinds/mounting.ts";
import type { Share } from "../shares/share.ts";
import type { Clock } from "../clock.ts";
import type { Mounter, TargetLock } from "./ports.ts";
import type { OptionPorts } from "./refused-option.ts";

export interface AttemptPorts {
  readonly mounter: Mounter;
  readonly clock: Clock;
  /** Takes the lock on a share's target, or gives the one this instance holds already. */
  readonly lock: (share: Share) => TargetLock;
  /**
   * Settles when the share's server could serve it; `notYet` is called each time it was asked and could not. It need not be asked
   * any more once `unneeded` aborts.
   */
  readonly serverReady: (share: Share, notYet: () => void, unneeded?: AbortSignal) => Promise<ReadyServer>;
  readonly serverAnswers: (share: Share, signal: AbortSignal) => Promise<boolean>;
  /** The addresses the kernel is to mount from, the server's being one that was found ready; or why there are none. */
  readonly addresses: (
    share: Share,
    ready: ReadyServer,
    version: string,
    signal: AbortSignal,
  ) => Promise<MountAddresses | string>;
  /** Waits until no other instance is about to change what is mounted on a target, and keeps others out until released. */
  readonly enter: (share: Share) => Promise<() => void>;
  /** Mounts that nobody else sees, as `OptionPorts` has it. */
  readonly tryCalls: OptionPorts["tryCalls"];
  /** Loads modules of the kernel where that is wanted and possible. */
  readonly loadModules: (names: readonly string[]) => Promise<void>;
  readonly tell: (notice: AttemptNotice) => void;
  /** Called before a mount call: from here on a mount may appear, even if the call is cut short. */
  readonly onMounting: (share: Share) => void;
  /** Called before what is mounted on the target is detached, with everything below it. */
  readonly onDetaching: (share: Share) => void;
  /** Called once the mount point is ready: what is under the share from now on is the guard. */
  readonly guard: (share: Share, path: string) => Promise<void>;
  /** Whether the share is to have a guard and has none. */
  readonly lacksGuard: (share: Share) => boolean;
  readonly aside: AsidePorts;
}

/** A share that others lie below is built aside, with their guards, and moved to its mount point as a whole; see aside.ts. */
export interface AsidePorts {
  /** Makes the place and gives its path; undefined where the share needs none, or there is none to be had. */
  readonly open: (share: Share) => Promise<string | undefined>;
  /** Guards the mount points on the share, which is mounted on `at`; gives the reason where one cannot be reached now. */
  readonly guardBelow: (share: Share, at: string) => Promise<string | undefined>;
  /** What is built aside cannot be moved here: from now on `open` gives none. */
  readonly refuse: (share: Share, reason: string) => void;
  /** Takes away what is left at the place. */
  readonly close: (share: Share) => Promise<void>;
}

/** What an attempt wants said, whether or not it succeeds. */
export type AttemptNotice =
  | { readonly kind: "stale-detached"; readonly share: Share }
  | { readonly kind: "replaced-detached"; readonly share: Share; readonly source: string }
  | { readonly kind: "not-empty"; readonly share: Share }
  | { readonly kind: "no-lock"; readonly share: Share; readonly reason: string }
  /** A mount call that has not ended after so long. */
  | { readonly kind: "pending"; readonly share: Share; readonly version: string; readonly forMs: number };

export type AttemptResult =
  | {
      readonly kind: "mounted";
      /** As the mount call was asked for it; undefined for a mount that was there. */
      readonly version: string | undefined;
      /** Whether this instance made the mount, and so takes it down. */
      readonly isOurs: boolean;
    }
  | { readonly kind: "failed"; readonly failure: MountFailure };

/** A failure that may pass. */
export function failed(reason: string): AttemptResult {
  return { kind: "failed", failure: { prospect: "transient", reason } };
}
