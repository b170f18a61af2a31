// The metrics: one table of what is measured, and the text Prometheus reads (text format 0.0.4).
import type { ServerUse } from "../export/use.ts";
import { printable } from "../text/printable.ts";
import type { InstanceStatus, SharePhase, ShareStatus } from "../watch/status.ts";
import { isReady, notReadyMs } from "./board.ts";
import { retransmissionsOf, statsOn, type MountStats, type OperationStats } from "./mountstats.ts";

/** What the metrics are computed from, at one moment. */
export interface Snapshot {
  readonly status: InstanceStatus;
  readonly mountstats: readonly MountStats[];
  /** Now, on the boot-time clock. */
  readonly nowMs: number;
  /** Now, since 1970. */
  readonly wallMs: number;
}

/** Every state of a share, in the order in which it may pass through them. */
export const sharePhases = [
  "waiting",
  "mounted",
  "healthy",
  "read-only",
  "unresponsive",
  "server-gone",
  "stale",
  "missing",
  "replaced",
] as const satisfies readonly SharePhase[];

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface Metric {
  readonly name: string;
  readonly type: "gauge" | "counter";
  /** What it says, one sentence without a full stop. */
  readonly help: string;
  /** The labels its samples carry. */
  readonly labels: readonly string[];
  readonly samples: (snapshot: Snapshot) => readonly Sample[];
}

const shareLabels = ["source", "target"] as const;

function labelsOf({ source, target }: ShareStatus): Labels {
  return { source, target };
}

/** A metric of the instance. */
function ofInstance(name: string, type: Metric["type"], help: string, value: (snapshot: Snapshot) => number): Metric {
  return { name, type, help, labels: [], samples: (snapshot) => [{ labels: {}, value: value(snapshot) }] };
}

/** A metric of each share that has a value for it. */
function ofShare(
  name: string,
  type: Metric["type"],
  help: string,
  value: (share: ShareStatus, snapshot: Snapshot) => number | undefined,
): Metric {
  const samples = (snapshot: Snapshot) =>
    snapshot.status.shares.flatMap((share) => {
      const one = value(share, snapshot);
      return one === undefined ? [] : [{ labels: labelsOf(share), value: one }];
    });
  return { name, type, help, labels: shareLabels, samples };
}

/** A counter of the kernel's for each share that is mounted. */
function ofMount(name: string, help: string, value: (stats: MountStats) => number): Metric {
  return ofShare(name, "counter", help, (share, snapshot) => {
    const stats = mountOf(share, snapshot);
    return stats === undefined ? undefined : value(stats);
  });
}

/** A counter of the kernel's for each RPC operation that occurred. */
function ofOperation(name: string, help: string, value: (operation: OperationStats) => number | undefined): Metric {
  const samples = (snapshot: Snapshot) =>
    snapshot.status.shares.flatMap((share) =>
      (mountOf(share, snapshot)?.operations ?? []).flatMap((operation) => {
        const one = value(operation);
        const labels = { ...labelsOf(share), operation: operation.name };
        return one === undefined ? [] : [{ labels, value: one }];
      }),
    );
  return { name, type: "counter", help, labels: [...shareLabels, "operation"], samples };
}

function mountOf({ realTarget }: ShareStatus, { mountstats }: Snapshot): MountStats | undefined {
  return statsOn(mountstats, realTarget);
}

function seconds(ms: number): number {
  return ms / 1_000;
}

function flag(isSo: boolean): number {
  return isSo ? 1 : 0;
}

/** Whether a share is mounted and answers, be it read-only. */
function isUp(share: ShareStatus): boolean {
  return isReady(share) || share.phase === "read-only";
}

/** A number of `serve`, once it was looked at. */
function ofServer(name: string, type: Metric["type"], help: string, valueOf: (use: ServerUse) => number): Metric {
  const samples = ({ status }: Snapshot) =>
    status.use === undefined ? [] : [{ labels: {}, value: valueOf(status.use) }];
  return { name, type, help, labels: [], samples };
}

/** Every metric, in the order of the text. */
export const metrics: readonly Metric[] = [
  {
    name: "nfs_init_info",
    type: "gauge",
    help: "The running nfs-init, always 1",
    labels: ["version", "role"],
    samples: ({ status }) => [{ labels: { version: status.program, role: status.role }, value: 1 }],
  },
  ofInstance(
    "nfs_init_start_time_seconds",
    "gauge",
    "When nfs-init started, in seconds since 1970",
    ({ status, nowMs, wallMs }) => Math.round(seconds(wallMs - (nowMs - status.startedMs))),
  ),
  ofInstance(
    "nfs_init_restarts_total",
    "counter",
    "Starts of the process on fresh mounts after a share was lost",
    ({ status }) => status.restarts,
  ),
  {
    name: "nfs_init_export_served",
    type: "gauge",
    help: "Whether an export of serve answered the last question over the wire, 1 or 0",
    labels: ["path"],
    samples: ({ status }) =>
      (status.exports ?? []).map(({ path, phase }) => ({ labels: { path }, value: flag(phase === "served") })),
  },
  {
    name: "nfs_init_export_available_bytes",
    type: "gauge",
    help: "What can still be written to an export of serve by others than root",
    labels: ["path"],
    samples: ({ status }) =>
      (status.exports ?? []).flatMap(({ path, space }) =>
        space === undefined ? [] : [{ labels: { path }, value: space.availableBytes }],
      ),
  },
  ofServer("nfs_init_server_clients", "gauge", "Clients of version 4 that the server knows", (use) => use.clientCount),
  ofServer(
    "nfs_init_server_operations_total",
    "counter",
    "Calls that the kernel's server has taken since it was started",
    (use) => use.operations,
  ),
  ofServer("nfs_init_server_read_bytes_total", "counter", "Bytes that clients have read", (use) => use.readBytes),
  ofServer(
    "nfs_init_server_written_bytes_total",
    "counter",
    "Bytes that clients have written",
    (use) => use.writtenBytes,
  ),
  {
    name: "nfs_init_volume_references",
    type: "gauge",
    help: "How many containers have a Docker volume of plugin",
    labels: ["volume"],
    samples: ({ status }) =>
      (status.volumes ?? []).map(({ name, references }) => ({ labels: { volume: name }, value: references })),
  },
  {
    name: "nfs_init_volume_lost",
    type: "gauge",
    help: "Whether a Docker volume is in use and its share is lost, or could not be mounted",
    labels: ["volume"],
    samples: ({ status }) =>
      (status.volumes ?? []).map(({ name, phase }) => ({
        labels: { volume: name },
        value: flag(phase === "lost" || phase === "waiting"),
      })),
  },
  {
    name: "nfs_init_share_info",
    type: "gauge",
    help: "A configured share, always 1; version is that of its mount, empty while there is none",
    labels: [...shareLabels, "version", "ours", "nofail"],
    samples: ({ status }) =>
      status.shares.map((share) => {
        const { version = "", isOurs, nofail } = share;
        return { labels: { ...labelsOf(share), version, ours: `${isOurs}`, nofail: `${nofail}` }, value: 1 };
      }),
  },
  ofShare("nfs_init_share_up", "gauge", "Whether the share is mounted and answers", (share) => flag(isUp(share))),
  ofShare(
    "nfs_init_share_ready",
    "gauge",
    "Whether the share is mounted, answers, and can be written to if it could at first",
    (share) => flag(isReady(share)),
  ),
  ofShare(
    "nfs_init_share_lost",
    "gauge",
    "Whether the share is lost: only a fresh mount can bring it back",
    ({ isLost }) => flag(isLost),
  ),
  {
    name: "nfs_init_share_state",
    type: "gauge",
    help: `The state of the share: 1 for the one it is in, 0 for the others (${sharePhases.join(", ")})`,
    labels: [...shareLabels, "state"],
    samples: ({ status }) =>
      status.shares.flatMap((share) =>
        sharePhases.map((state) => ({ labels: { ...labelsOf(share), state }, value: flag(share.phase === state) })),
      ),
  },
  ofShare("nfs_init_share_state_age_seconds", "gauge", "How long the share has been in its state", (share, { nowMs }) =>
    seconds(Math.max(0, nowMs - share.sinceMs)),
  ),
  ofShare(
    "nfs_init_share_answer_age_seconds",
    "gauge",
    "How long ago the share was last seen to answer",
    ({ answeredMs }, { nowMs }) => (answeredMs === undefined ? undefined : seconds(Math.max(0, nowMs - answeredMs))),
  ),
  ofShare("nfs_init_share_probe_duration_seconds", "gauge", "How long the last look at the share took", ({ probeMs }) =>
    probeMs === undefined ? undefined : seconds(probeMs),
  ),
  ofShare(
    "nfs_init_share_not_ready_seconds_total",
    "counter",
    "Time in which the share was not ready since it was first mounted",
    (share, { nowMs }) => seconds(notReadyMs(share, nowMs)),
  ),
  ofShare(
    "nfs_init_share_remounts_total",
    "counter",
    "Fresh mounts in place of a lost one",
    ({ remounts }) => remounts,
  ),
  ofShare("nfs_init_share_size_bytes", "gauge", "Size of the file system", ({ space }) => space?.totalBytes),
  ofShare("nfs_init_share_free_bytes", "gauge", "Free space of the file system", ({ space }) => space?.freeBytes),
  ofShare(
    "nfs_init_share_available_bytes",
    "gauge",
    "Space of the file system that users without privileges can still write",
    ({ space }) => space?.availableBytes,
  ),
  ofMount(
    "nfs_init_share_read_bytes_total",
    "Bytes that processes read from the share, cached or not",
    ({ readBytes }) => readBytes,
  ),
  ofMount(
    "nfs_init_share_written_bytes_total",
    "Bytes that processes wrote to the share, cached or not",
    ({ writtenBytes }) => writtenBytes,
  ),
  ofMount(
    "nfs_init_share_server_read_bytes_total",
    "File data read from the server",
    ({ serverReadBytes }) => serverReadBytes,
  ),
  ofMount(
    "nfs_init_share_server_written_bytes_total",
    "File data written to the server",
    ({ serverWrittenBytes }) => serverWrittenBytes,
  ),
  ofMount("nfs_init_share_connects_total", "Connections made to the server", ({ connects }) => connects),
  ofMount(
    "nfs_init_share_rpc_sends_total",
    "RPC requests sent to the server; while it is away they grow and the replies do not",
    ({ sends }) => sends,
  ),
  ofMount("nfs_init_share_rpc_receives_total", "RPC replies received from the server", ({ receives }) => receives),
  ofOperation("nfs_init_share_rpc_operations_total", "RPC operations done", ({ operations }) => operations),
  ofOperation("nfs_init_share_rpc_retransmissions_total", "RPC requests sent again", retransmissionsOf),
  ofOperation("nfs_init_share_rpc_timeouts_total", "RPC requests that ran out of time", ({ timeouts }) => timeouts),
  ofOperation("nfs_init_share_rpc_errors_total", "RPC operations that ended in an error", ({ errors }) => errors),
  ofOperation("nfs_init_share_rpc_sent_bytes_total", "Bytes of RPC requests", ({ sentBytes }) => sentBytes),
  ofOperation("nfs_init_share_rpc_received_bytes_total", "Bytes of RPC replies", ({ receivedBytes }) => receivedBytes),
  ofOperation("nfs_init_share_rpc_queue_seconds_total", "Time that RPC requests waited to be sent", ({ queueMs }) =>
    seconds(queueMs),
  ),
  ofOperation("nfs_init_share_rpc_rtt_seconds_total", "Time from RPC requests sent to their replies", ({ rttMs }) =>
    seconds(rttMs),
  ),
  ofOperation(
    "nfs_init_share_rpc_execution_seconds_total",
    "Time that RPC operations took in all, waiting included",
    ({ executionMs }) => seconds(executionMs),
  ),
];

/** The content type of the text below. */
export const metricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/** The text of /metrics; a metric without samples is left out. */
export function formatMetrics(snapshot: Snapshot): string {
  return metrics.map((metric) => formatMetric(metric, metric.samples(snapshot))).join("");
}

function formatMetric({ name, type, help }: Metric, samples: readonly Sample[]): string {
  if (samples.length === 0) return "";
  const lines = samples.map(({ labels, value }) => `${name}${formatLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** The format has `\n` for a line end; what else cannot be printed is written as everywhere, and reads so in Prometheus too. */
function escapeLabel(value: string): string {
  return value
    .split("\n")
    .map((line) =>
      printable(line)
        .replaceAll("\\", String.raw`\\`)
        .replaceAll('"', String.raw`\"`),
    )
    .join(String.raw`\n`);
}
