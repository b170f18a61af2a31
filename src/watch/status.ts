// What is known of an instance and its shares at a moment: what the state file, `check`, `status` and the metrics tell.
import type { RecentWork, ServerUse } from "../export/use.ts";
import type { Space } from "../mount/ports.ts";
import type { ShareState } from "./staleness.ts";

/** Where a share stands, from the configuration on. */
export type SharePhase = "waiting" | "mounted" | ShareState;

export interface ShareStatus {
  /** As mountinfo writes it. */
  readonly source: string;
  readonly target: string;
  /** The target with symlinks resolved, as mountinfo and mountstats write it. */
  readonly realTarget: string;
  readonly phase: SharePhase;
  /** When this phase began, on the boot-time clock. */
  readonly sinceMs: number;
  /** NFS version of the mount, undefined while there is none or where another process made it. */
  readonly version: string | undefined;
  /** Whether this instance mounted it and takes it down. */
  readonly isOurs: boolean;
  /** Whether COMMAND may start without it. */
  readonly nofail: boolean;
  /** Why it is not mounted, or why it is lost, a clause. */
  readonly reason: string | undefined;
  readonly isLost: boolean;
  /** When it was last seen to answer, on the boot-time clock. */
  readonly answeredMs: number | undefined;
  /** How long the last look at it took. */
  readonly probeMs: number | undefined;
  /** What the last look that was answered said. */
  readonly space: Space | undefined;
  /** Fresh mounts in place of a lost one, since the instance started. */
  readonly remounts: number;
  /** When the last of them came, on the boot-time clock. */
  readonly remountedMs: number | undefined;
  /** Time in which it was not ready since it was first mounted, not counting what lasts at this moment. */
  readonly awayMs: number;
}

/** An export of `serve`. */
export interface ExportStatus {
  readonly path: string;
  /** `starting` until it was asked over the wire for the first time and answered. */
  readonly phase: "starting" | "served" | "not-served";
  /** When this phase began, on the boot-time clock. */
  readonly sinceMs: number;
  /** Why it is not served, or takes no file, a clause. */
  readonly reason: string | undefined;
  /** What the last look at its disk said. */
  readonly space?: Space | undefined;
}

/** A volume of `plugin`. */
export interface VolumeStatus {
  readonly name: string;
  /** As it was configured. */
  readonly source: string;
  readonly target: string;
  /** `waiting`: it is in use and not mounted. */
  readonly phase: "unused" | "waiting" | "mounted" | "lost";
  /** How many containers have it. */
  readonly references: number;
  /** Why it is lost, or could not be mounted last, a clause. */
  readonly reason: string | undefined;
}

export interface InstanceStatus {
  /** Version of nfs-init. */
  readonly program: string;
  readonly role: string;
  /** /proc/sys/kernel/random/boot_id: times on the boot-time clock mean nothing after another boot. */
  readonly bootId: string;
  /** When the instance started, on the boot-time clock. */
  readonly startedMs: number;
  /** When this was written, on the boot-time clock. */
  readonly updatedMs: number;
  /** After how long without a newer one this is not to be believed. */
  readonly staleAfterMs: number;
  /** How often COMMAND was started again on fresh mounts. */
  readonly restarts: number;
  /** When COMMAND was last started again, on the boot-time clock. */
  readonly restartedMs: number | undefined;
  readonly shares: readonly ShareStatus[];
  /** What is exported; undefined for roles that export nothing. */
  readonly exports?: readonly ExportStatus[];
  /** Who uses the server, as far as the last look told. */
  readonly use?: ServerUse | undefined;
  /** What the server has done lately; undefined until it was looked at twice. */
  readonly recentWork?: RecentWork | undefined;
  /** What Docker was promised; undefined for roles that have none. */
  readonly volumes?: readonly VolumeStatus[];
}
