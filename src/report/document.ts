// The document of `status --json` and /mounts: every share with its state, its space and its traffic.
import type { ExportStatus, InstanceStatus, SharePhase, ShareStatus, VolumeStatus } from "../watch/status.ts";
import type { RecentWork, ServerClient, ServerWork } from "../export/use.ts";
import type { Space } from "../mount/ports.ts";
import { isReady, notReadyMs } from "./board.ts";
import { statsOn, trafficOf, type MountStats } from "./mountstats.ts";
import { schemaVersion } from "./state.ts";

/** Times are spans that end now: the boot-time clock means nothing elsewhere. What is not known is null. */
export interface StatusDocument {
  readonly schemaVersion: typeof schemaVersion;
  /** Version of nfs-init. */
  readonly version: string;
  readonly role: string;
  readonly upMs: number;
  /** Since the state was published; 0 from the instance itself. */
  readonly ageMs: number;
  readonly restarts: number;
  readonly shares: readonly ShareDocument[];
  /** What `serve` exports; absent for other roles. */
  readonly exports?: readonly ExportDocument[];
  /** Who uses the server of `serve`, and how much since the kernel's server was started; null until it was looked at. */
  readonly server?: ServerDocument | null;
  /** The Docker volumes of `plugin`; absent for other roles. */
  readonly volumes?: readonly VolumeDocument[];
}

export interface ServerDocument extends ServerWork {
  /** As many of version 4 as are told of. */
  readonly clients: readonly ClientDocument[];
  readonly clientCount: number;
  /** Between the last two looks; null until there were two. */
  readonly recent: RecentWork | null;
}

export interface ClientDocument extends Omit<ServerClient, "sinceMs"> {
  readonly knownForMs: number;
}

export interface VolumeDocument {
  readonly name: string;
  readonly source: string;
  readonly target: string;
  readonly state: VolumeStatus["phase"];
  /** How many containers have it. */
  readonly references: number;
  readonly reason: string | null;
}

export interface ExportDocument {
  readonly path: string;
  readonly state: ExportStatus["phase"];
  readonly stateForMs: number;
  readonly reason: string | null;
  readonly space: Space | null;
}

export interface ShareDocument {
  readonly source: string;
  readonly target: string;
  readonly version: string | null;
  readonly state: SharePhase;
  readonly stateForMs: number;
  readonly reason: string | null;
  readonly isReady: boolean;
  readonly isLost: boolean;
  readonly isOurs: boolean;
  readonly nofail: boolean;
  readonly answeredAgoMs: number | null;
  readonly probeMs: number | null;
  readonly notReadyMs: number;
  readonly remounts: number;
  readonly remountedAgoMs: number | null;
  readonly space: Space | null;
  readonly traffic: TrafficDocument | null;
}

/** What happened on the mount, over `spanMs`: since it was made, or since the document before. */
export interface TrafficDocument {
  readonly spanMs: number;
  readonly operations: number;
  readonly operationsPerSecond: number;
  readonly averageRttMs: number | null;
  readonly retransmissions: number;
  readonly timeouts: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The counters of all mounts at a moment of the boot-time clock. */
export interface Counters {
  readonly nowMs: number;
  readonly mountstats: readonly MountStats[];
}

/** Describes an instance at a moment; with the counters of an earlier one, `before`, traffic is since then. */
export function describeStatus(status: InstanceStatus, now: Counters, before?: Counters): StatusDocument {
  const { nowMs } = now;
  return {
    schemaVersion,
    version: status.program,
    role: status.role,
    upMs: span(status.startedMs, nowMs),
    ageMs: span(status.updatedMs, nowMs),
    restarts: status.restarts,
    shares: status.shares.map((share) => describeShare(share, now, before)),
    ...(status.exports === undefined
      ? {}
      : {
          server: describeServer(status, nowMs),
          exports: status.exports.map(({ path, phase, sinceMs, reason = null, space = null }) => ({
            path,
            state: phase,
            stateForMs: span(sinceMs, nowMs),
            reason,
            space,
          })),
        }),
    ...(status.volumes === undefined ? {} : { volumes: describeVolumes(status.volumes) }),
  };
}

function describeServer({ use, recentWork }: InstanceStatus, nowMs: number): ServerDocument | null {
  if (use === undefined) return null;
  const { clients, ...rest } = use;
  const described = clients.map(({ sinceMs, ...client }) => ({ ...client, knownForMs: span(sinceMs, nowMs) }));
  return { ...rest, clients: described, recent: recentWork ?? null };
}

export function describeVolumes(volumes: readonly VolumeStatus[]): readonly VolumeDocument[] {
  return volumes.map(({ name, source, target, phase, references, reason = null }) => ({
    name,
    source,
    target,
    state: phase,
    references,
    reason,
  }));
}

function describeShare(share: ShareStatus, { nowMs, mountstats }: Counters, before?: Counters): ShareDocument {
  return {
    source: share.source,
    target: share.target,
    version: share.version ?? null,
    state: share.phase,
    stateForMs: span(share.sinceMs, nowMs),
    reason: share.reason ?? null,
    isReady: isReady(share),
    isLost: share.isLost,
    isOurs: share.isOurs,
    nofail: share.nofail,
    answeredAgoMs: share.answeredMs === undefined ? null : span(share.answeredMs, nowMs),
    probeMs: share.probeMs === undefined ? null : Math.round(share.probeMs * 10) / 10,
    notReadyMs: Math.round(notReadyMs(share, nowMs)),
    remounts: share.remounts,
    remountedAgoMs: share.remountedMs === undefined ? null : span(share.remountedMs, nowMs),
    space: share.space ?? null,
    traffic: describeTraffic(share, { nowMs, mountstats }, before),
  };
}

function describeTraffic({ realTarget }: ShareStatus, now: Counters, before?: Counters): TrafficDocument | null {
  const stats = statsOn(now.mountstats, realTarget);
  if (stats === undefined) return null;
  const earlier = before === undefined ? undefined : statsOn(before.mountstats, realTarget);
  const agoMs = now.nowMs - (before?.nowMs ?? 0);
  const { averageRttMs = null, ...traffic } = trafficOf(stats, earlier && { stats: earlier, agoMs });
  return { ...traffic, spanMs: Math.round(traffic.spanMs), averageRttMs };
}

function span(fromMs: number, toMs: number): number {
  return Math.max(0, Math.round(toMs - fromMs));
}
