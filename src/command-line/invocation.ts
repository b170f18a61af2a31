// What the command line asks for, and the short way to read its most common forms.
import type { Flags } from "../config/config.ts";

/** Roles that are built. */
export const roles = ["run", "wait", "mount", "unmount", "sidecar", "doctor", "fstab"] as const;
export type Role = (typeof roles)[number];

/** Roles that read what a running nfs-init publishes: they have few arguments of their own, and load next to nothing. */
export const reportRoles = ["check", "status"] as const;
export type ReportRole = (typeof reportRoles)[number];

/** The role of `check ...` and `status ...`. */
export function readReportRole([first]: readonly string[]): ReportRole | undefined {
  return reportRoles.find((name) => name === first);
}

/** Names that are kept for later roles: none of them can be a COMMAND without `--`. */
export const laterRoles = ["serve", "plugin"] as const;

export interface Invocation {
  readonly kind: "role";
  readonly role: Role;
  readonly flags: Flags;
  /** Whether `--json` was given, which only `doctor` knows of these roles. */
  readonly json?: boolean;
  /** COMMAND and its arguments, for `run`. */
  readonly command: readonly string[];
}

/** Names that are roles or may become ones: as a COMMAND they need a `--` before them. */
export const reserved: ReadonlySet<string> = new Set([...roles, ...reportRoles, ...laterRoles, "help", "version"]);

/**
 * Reads `-- COMMAND...`, `run -- COMMAND...` and `COMMAND...` without the command-line parser, which start-up then need not
 * load; undefined for everything else.
 */
export function readPlainInvocation(args: readonly string[]): Invocation | undefined {
  const rest = args[0] === "run" ? args.slice(1) : args;
  const [first, ...words] = rest;
  if (first === undefined) return undefined;
  const isPlain = first === "--" ? words.length > 0 : !first.startsWith("-") && (rest !== args || !reserved.has(first));
  if (!isPlain) return undefined;
  return {
    kind: "role",
    role: "run",
    flags: { values: new Map(), mounts: [] },
    command: first === "--" ? words : rest,
  };
}
