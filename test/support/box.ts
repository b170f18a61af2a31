// A place for one container of nfs-init in the lab: an fstab with foreign lines and mount points with files under them,
// kept outside the container so that what became of them can be looked at afterwards.
import { expect } from "vitest";
import { eventually } from "./eventually.ts";
import type { Job, JobResult, Lab } from "./lab/lab.ts";
import { quote } from "./quote.ts";

export { quote } from "./quote.ts";

/** The server's address in the lab. */
export const server = "10.77.0.1";

/** Lines that are not ours: comments, odd blanks, an entry, bytes that are no UTF-8, no newline at the end. */
const foreignFstab = String.raw`# kept\n\nUUID=ab-cd\t/boot ext4 defaults 0 2\r\n\xff\xfe  # odd`;
const fileUnderMount = "what was here before";

export interface Start {
  readonly env: Readonly<Record<string, string>>;
  /** Shell text that COMMAND is: `sh -c COMMAND`. */
  readonly command?: string;
  /** Options of `container`. */
  readonly options?: string;
  /** Which client. */
  readonly host?: "c1" | "c2";
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly stage: string;
  readonly reason?: string;
  readonly hint?: string;
  readonly source?: string;
  readonly target?: string;
  readonly version?: string;
  readonly exitCode?: number;
}

export interface Box {
  /** Mount point number `n` of the box, with a file under it. */
  readonly mountPoint: (n?: number) => string;
  readonly fstabPath: string;
  /** Starts nfs-init as PID 1 of a container called "box". */
  readonly start: (start: Start) => Job;
  readonly run: (start: Start) => Promise<JobResult>;
  /** Fails unless foreign fstab lines, mode, owner, and files under the mount points are what they were. */
  readonly expectIntact: () => Promise<void>;
}

const folder = "/lab/state/box";

/** Makes a fresh box; `mountPoints` may carry names with blanks. */
export async function openBox(lab: Lab, mountPoints: readonly string[] = ["data", "other"]): Promise<Box> {
  const paths = mountPoints.map((name) => `${folder}/${name}`);
  const makeMountPoints = paths
    .map((path) => `mkdir -p ${quote(path)}; echo ${quote(fileUnderMount)} >${quote(`${path}/before`)}`)
    .join("\n");
  await lab.sh(`set -e; rm -rf ${folder}; mkdir -p ${folder}
${makeMountPoints}
printf '${foreignFstab}' >${folder}/fstab; cp ${folder}/fstab ${folder}/fstab.before
chown 7:8 ${folder}/fstab; chmod 640 ${folder}/fstab`);
  const fstabPath = `${folder}/fstab`;

  const script = ({ env, command = "true", options = "", host = "c1" }: Start) => {
    const variables = Object.entries({ NFS_FSTAB: fstabPath, ...env })
      .map(([name, value]) => `${name}=${quote(value)}`)
      .join(" ");
    return `${variables} container ${host} --name box ${options} -- nfs-init -- sh -c ${quote(command)}`;
  };
  return {
    mountPoint: (n = 0) => paths[n] ?? "",
    fstabPath,
    start: (start) => lab.start(script(start)),
    run: (start) => lab.run(script(start), { timeoutMs: 110_000 }),
    expectIntact: async () => {
      const found = await lab.sh(`stat -c '%a %u:%g' ${fstabPath}
sed '/^# nfs-init begin$/,/^# nfs-init end$/d' ${fstabPath} | head -c $(stat -c %s ${fstabPath}.before) | busybox cmp - ${fstabPath}.before && echo kept
for d in ${paths.map(quote).join(" ")}; do cat "$d/before"; done`);
      expect(found.split("\n")).toEqual(["640 7:8", "kept", ...paths.map(() => fileUnderMount)]);
    },
  };
}

/** The log lines among a job's stderr. */
export function logLines(stderr: string): readonly LogLine[] {
  return stderr
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line) as LogLine);
}

/** Waits until nfs-init has logged a line with this message, and returns it. */
export async function logged(
  job: Job,
  msg: string,
  matches: (line: LogLine) => boolean = () => true,
): Promise<LogLine> {
  return eventually(
    `the log line "${msg}"`,
    () => logLines(job.stderr()).find((line) => line.msg === msg && matches(line)),
    { timeoutMs: 20_000 },
  );
}
