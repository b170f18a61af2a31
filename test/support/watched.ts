// One watched COMMAND in the lab: nfs-init under a shell that tells afterwards what it left behind.
import { eventually } from "./eventually.ts";
import { logged, logLines, quote, server, type LogLine } from "./box.ts";
import type { Job, Lab } from "./lab/lab.ts";

/** Says what reaches it, and ends with 5 on TERM. */
export const politeCommand = `trap 'echo got TERM; exit 5' TERM; echo ready; while :; do sleep 0.2; done`;

export interface Watched {
  readonly job: Job;
  /** Waits until COMMAND runs. */
  readonly started: () => Promise<LogLine>;
  readonly logged: (msg: string, matches?: (line: LogLine) => boolean) => Promise<LogLine>;
  /** The log lines so far with this message. */
  readonly lines: (msg: string) => readonly LogLine[];
  readonly ended: () => Promise<End>;
}

export interface End {
  /** Exit code of nfs-init. */
  readonly exitCode: number;
  /** What COMMAND wrote. */
  readonly stdout: readonly string[];
  /** Mounts of ours and processes of COMMAND that are still there. */
  readonly left: { readonly mounts: number; readonly processes: number };
  readonly lines: readonly LogLine[];
  /** From the last call of `mark` to the end of nfs-init, or from its start. */
  readonly tookMs: number;
}

export interface WatchedStart {
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: string;
  readonly mountPoint: string;
}

/** Short times, so that a test need not wait for the defaults. */
const quick = {
  NFS_HOST: server,
  NFS_HOST_MOUNT: "/srv/exp",
  NFS_WATCH_INTERVAL: "500ms",
  NFS_WATCH_TIMEOUT: "3s",
  NFS_STOP_GRACE: "2s",
  NFS_FSTAB: "none",
};

export function startWatched(lab: Lab, { env = {}, command = politeCommand, mountPoint }: WatchedStart): Watched {
  const variables = Object.entries({ ...quick, NFS_MOUNT_POINT: mountPoint, ...env })
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(" ");
  const script = `nfs-init -- sh -c ${quote(command)} watched; code=$?
echo "left $code $(grep -c -e ' nfs' -e nfs-init-guard /proc/self/mountinfo) $(grep -lsx watched /proc/[0-9]*/comm | wc -l)"`;
  const job = lab.start(`${variables} container c1 --name box -- sh -c ${quote(script)}`);
  const startedMs = Date.now();
  return {
    job,
    started: async () => {
      const line = await logged(job, "starting the process");
      await eventually("COMMAND", () => job.stdout().includes("ready"));
      return line;
    },
    logged: (msg, matches) => logged(job, msg, matches),
    lines: (msg) => logLines(job.stderr()).filter((line) => line.msg === msg),
    ended: async () => {
      const { stdout, stderr } = await job.done;
      const lines = stdout.trim().split("\n");
      const [, exitCode, mounts, processes] = (lines.pop() ?? "").split(" ");
      return {
        exitCode: Number(exitCode),
        stdout: lines,
        left: { mounts: Number(mounts), processes: Number(processes) },
        lines: logLines(stderr),
        tookMs: Date.now() - startedMs,
      };
    },
  };
}

export const nothingLeft = { mounts: 0, processes: 0 };
