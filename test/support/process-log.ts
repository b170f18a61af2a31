// The log of nfs-init as the tests read it.

export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly stage: string;
  readonly reason?: string;
  readonly hint?: string;
  readonly source?: string;
  readonly target?: string;
  readonly path?: string;
  readonly signal?: number;
  readonly exitCode?: number;
  readonly dropped?: number;
}

/** The JSON lines of a text; every other line is a fault of whoever wrote it. */
export function logLines(text: string): readonly LogLine[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LogLine);
}
