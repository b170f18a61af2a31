// Words nfs-init's log for a person.

export interface LogText {
  readonly text: string;
  /** When it was logged, by the lab's clock; undefined for what is not a line of nfs-init. */
  readonly timeMs?: number;
}

interface LogLine {
  readonly time: string;
  readonly msg: string;
  readonly source?: string;
  readonly target?: string;
  readonly version?: string;
  readonly reason?: string;
  readonly exitCode?: number;
}

/** The lines of a container's stderr: those of nfs-init in words, others (of its process) as they are. */
export function readLog(stderr: string): readonly LogText[] {
  return stderr
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (line.startsWith("{") && line.endsWith("}") ? textOf(JSON.parse(line) as LogLine) : { text: line }));
}

function textOf({ time, msg, source, target, version, reason, exitCode }: LogLine): LogText {
  const share = source === undefined ? [] : [`${source} on ${target ?? "?"}`];
  const details = [
    ...share,
    ...(version === undefined ? [] : [`NFS ${version}`]),
    ...(reason === undefined ? [] : [reason]),
    ...(exitCode === undefined ? [] : [`exit code ${exitCode}`]),
  ];
  return { text: [msg, ...(details.length > 0 ? [details.join(", ")] : [])].join(": "), timeMs: Date.parse(time) };
}
