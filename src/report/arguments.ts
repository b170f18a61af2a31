// The arguments of `check` and `status`, which take few and are to start fast: read without the command-line parser.
import { AppError, exitCodes } from "../errors.ts";

export interface ReportArguments {
  /** The switches that are given. */
  readonly switches: ReadonlySet<string>;
  /** In place of NFS_STATE_DIR. */
  readonly stateDir: string | undefined;
}

interface Usage {
  readonly synopsis: string;
  readonly about: string;
  /** Switch and meaning. */
  readonly switches: Readonly<Record<string, string>>;
}

export const reportUsages = {
  check: {
    synopsis: "nfs-init check [--ready] [--since-start] [--state-dir DIR]",
    about:
      "Tells from the published state whether the shares are healthy, and why, in one line; no share is touched.\nExit code 0: yes, or there is nothing to watch; 1: a share is lost, or nfs-init is gone or stuck.",
    switches: {
      "--ready": "only when every share is mounted and answers",
      "--since-start": "not when a share was mounted afresh since this container started",
    },
  },
  status: {
    synopsis: "nfs-init status [--json] [--watch] [--state-dir DIR]",
    about: "Shows the shares, their state, space and traffic: since the mount, or with --watch since the line before.",
    switches: {
      "--json": "as JSON; with --watch a line each time",
      "--watch": "again and again until it is interrupted",
    },
  },
} as const satisfies Readonly<Record<string, Usage>>;

export type ReportRole = keyof typeof reportUsages;

/** Reads what follows the role. Text where help was asked for; throws AppError 64 for what is no use of it. */
export function readReportArguments(role: ReportRole, args: readonly string[]): ReportArguments | string {
  const usage: Usage = reportUsages[role];
  const switches = new Set<string>();
  let stateDir: string | undefined;
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--help" || word === "-h") return helpText(usage);
    if (Object.hasOwn(usage.switches, word)) {
      switches.add(word);
    } else if (word === "--state-dir" || word.startsWith("--state-dir=")) {
      stateDir = word === "--state-dir" ? rest.shift() : word.slice("--state-dir=".length);
      if (stateDir === undefined || stateDir === "") throw wrongUse("--state-dir needs a directory", usage);
    } else {
      throw wrongUse(`nfs-init ${role} does not know "${word}"`, usage);
    }
  }
  return { switches, stateDir };
}

function wrongUse(message: string, { synopsis }: Usage): AppError {
  return new AppError(message, exitCodes.usage, { hint: `write: ${synopsis}` });
}

function helpText({ synopsis, about, switches }: Usage): string {
  const rows = [
    ...Object.entries(switches),
    ["--state-dir DIR", "where nfs-init publishes its state [NFS_STATE_DIR]"],
  ] as const;
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}\n`);
  return `Usage: ${synopsis}\n\n${about}\n\n${lines.join("")}`;
}
