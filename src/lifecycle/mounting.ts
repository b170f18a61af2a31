// What the steps of mounting, taking down and mounting afresh have in common.
import type { Settings } from "../config/config.ts";
import type { MountPlan } from "../plan/plan.ts";
import type { Share } from "../shares/share.ts";
import type { Clock } from "../clock.ts";
import type { Mounter, TargetLock } from "../mount/ports.ts";
import type { UmountResult } from "../mount/umount.ts";
import type { Tell } from "../report/events.ts";
import type { ServerWaiter } from "../wait/wait.ts";
import type { EstablishPorts } from "./establish.ts";
import type { Guards } from "./guards.ts";
import type { ManagedShares } from "./managed-share.ts";
import type { UndoStack } from "./undo.ts";

export interface Mounting {
  readonly plan: MountPlan;
  readonly settings: Settings;
  readonly shares: ManagedShares;
  readonly tell: Tell;
  readonly clock: Clock;
  readonly mounter: Mounter;
  readonly guards: Guards;
  readonly waiter: ServerWaiter;
  readonly undo: UndoStack;
  /** Ends everything. */
  readonly signal: AbortSignal;
  readonly isSidecar: boolean;
  readonly lockTarget: (target: string) => TargetLock;
  /** Waits for the lock on a local directory; undefined where it cannot be had in time. */
  readonly lockDirectory: (path: string) => Promise<(() => void) | undefined>;
  readonly unmount: (share: Share) => Promise<UmountResult>;
  readonly establish: EstablishPorts;
}
