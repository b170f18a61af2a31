// The one table of everything that can be configured; the parser, --help, the reference in docs/configuration.md and the checks read it.
import { pluginVariables } from "./plugin-variables.ts";
import { serverVariables } from "./server-variables.ts";
import { shareVariables } from "./share-variables.ts";
import type { Variable, VariableGroup } from "./variable.ts";
import {
  absolutePath,
  choice,
  duration,
  fileOrNone,
  integer,
  listenAddress,
  octalMask,
  signal,
  signalMap,
  toggle,
  userSpec,
  type Format,
  type ValueOf,
} from "./values.ts";

/** Every variable by the name the program knows it under. */
export const variables = {
  ...shareVariables,
  fstab: {
    name: "NFS_FSTAB",
    group: "fstab",
    meaning: "the file our lines are kept in, or none",
    format: fileOrNone,
    default: "/etc/fstab",
    defaultMeaning: "/etc/fstab for run, sidecar and unmount, none for the other commands",
  },
  waitTimeoutMs: {
    name: "NFS_WAIT_TIMEOUT",
    group: "Waiting and mounting",
    meaning: "whole time until every share is mounted the first time; 0 is for ever",
    format: duration(),
    default: "0",
  },
  attemptTimeoutMs: {
    name: "NFS_ATTEMPT_TIMEOUT",
    group: "Waiting and mounting",
    meaning: "one question to a server or one mount call; a mount call is given up to 2m while the server answers",
    format: duration(100),
    default: "15s",
  },
  retryMinMs: {
    name: "NFS_RETRY_MIN",
    group: "Waiting and mounting",
    meaning: "first pause after a failed mount call; pauses double from there",
    format: duration(10),
    default: "250ms",
  },
  retryMaxMs: {
    name: "NFS_RETRY_MAX",
    group: "Waiting and mounting",
    meaning: "longest pause between two mount calls",
    format: duration(10),
    default: "5s",
  },
  modprobe: {
    name: "NFS_MODPROBE",
    group: "Waiting and mounting",
    meaning: "auto: when the kernel does not know NFS, load nfs, nfsv3 and nfsv4 where /lib/modules allows it",
    format: choice("auto", "off"),
    default: "auto",
  },
  user: {
    name: "NFS_USER",
    group: "The process",
    meaning: "user and group that COMMAND runs as, with its groups and HOME; mounting is done as before",
    format: userSpec,
    default: "",
    defaultMeaning: "unchanged",
  },
  dropCaps: {
    name: "NFS_DROP_CAPS",
    group: "The process",
    meaning: "take the capabilities that only mounting needs (SYS_ADMIN, SYS_MODULE) from COMMAND",
    format: toggle,
    default: "off",
    defaultMeaning: "off; on with NFS_USER",
  },
  umask: {
    name: "NFS_UMASK",
    group: "The process",
    meaning: "umask of COMMAND, octal",
    format: octalMask,
    default: "",
    defaultMeaning: "unchanged",
  },
  requireWritable: {
    name: "NFS_REQUIRE_WRITABLE",
    group: "The process",
    meaning: "start COMMAND only when its user can write to every read-write share",
    format: toggle,
    default: "off",
  },
  nofile: {
    name: "NFS_NOFILE",
    group: "The process",
    meaning: "soft limit of open files for COMMAND, at most its hard limit",
    format: integer(3, 1_073_741_816),
    default: "",
    defaultMeaning: "unchanged",
  },
  exec: {
    name: "NFS_EXEC",
    group: "The process",
    meaning: "after mounting, nfs-init replaces itself by COMMAND; implies NFS_WATCH=off",
    format: toggle,
    default: "off",
  },
  signalMap: {
    name: "NFS_SIGNAL_MAP",
    group: "The process",
    meaning: "rewrite signals on their way to COMMAND",
    format: signalMap,
    default: "",
    defaultMeaning: "none",
  },
  stopSignal: {
    name: "NFS_STOP_SIGNAL",
    group: "The process",
    meaning: "what nfs-init sends when it ends COMMAND itself",
    format: signal,
    default: "TERM",
  },
  stopGraceMs: {
    name: "NFS_STOP_GRACE",
    group: "The process",
    meaning: "from that signal to SIGKILL, when nfs-init ends COMMAND itself or a share does not answer",
    format: duration(),
    default: "8s",
  },
  unmountTimeoutMs: {
    name: "NFS_UNMOUNT_TIMEOUT",
    group: "The process",
    meaning: "the whole of the unmounting on the way out",
    format: duration(100),
    default: "1500ms",
  },
  forceUnmount: {
    name: "NFS_FORCE_UNMOUNT",
    group: "The process",
    meaning: "auto: force the unmount of a dead share where a process could not end otherwise",
    format: choice("auto", "off"),
    default: "auto",
  },
  watch: {
    name: "NFS_WATCH",
    group: "Watching",
    meaning: "what to do when a share is lost while COMMAND runs",
    format: choice("exit", "restart", "remount", "log", "off"),
    default: "exit",
    defaultMeaning: "exit; remount for sidecar",
  },
  watchIntervalMs: {
    name: "NFS_WATCH_INTERVAL",
    group: "Watching",
    meaning: "between two probes of one share",
    format: duration(100),
    default: "5s",
  },
  watchTimeoutMs: {
    name: "NFS_WATCH_TIMEOUT",
    group: "Watching",
    meaning: "a probe without an answer for so long is a failed one",
    format: duration(100),
    default: "5s",
  },
  watchThreshold: {
    name: "NFS_WATCH_THRESHOLD",
    group: "Watching",
    meaning: "consecutive failures that make a share stale or missing",
    format: integer(1, 1_000),
    default: "2",
  },
  unresponsiveAfterMs: {
    name: "NFS_UNRESPONSIVE_AFTER",
    group: "Watching",
    meaning: "a mount that does not answer although its server does counts as lost after so long; 0 is never",
    format: duration(),
    default: "3m",
  },
  serverGoneAfterMs: {
    name: "NFS_SERVER_GONE_AFTER",
    group: "Watching",
    meaning: "a server that does not answer at all makes the share lost after so long; 0 is never",
    format: duration(),
    default: "0",
  },
  signalOnRemount: {
    name: "NFS_SIGNAL_ON_REMOUNT",
    group: "Watching",
    meaning: "signal that COMMAND gets after a remount in place",
    format: signal,
    default: "",
    defaultMeaning: "none",
  },
  watchWrite: {
    name: "NFS_WATCH_WRITE",
    group: "Watching",
    meaning: "the probe also writes, reads back and removes a small file",
    format: toggle,
    default: "off",
  },
  guard: {
    name: "NFS_GUARD",
    group: "Watching",
    meaning:
      "a read-only, empty tmpfs under each share, and under one that lies on another from the moment that one can be reached, so that nothing lands on the local disk or on the other share while the share is away",
    format: toggle,
    default: "on",
    defaultMeaning: "on for run and sidecar, off for mount",
  },
  logLevel: {
    name: "NFS_LOG_LEVEL",
    group: "Reporting",
    meaning: "least severe level that is logged",
    format: choice("trace", "debug", "info", "warn", "error", "fatal", "silent"),
    default: "info",
  },
  logFormat: {
    name: "NFS_LOG_FORMAT",
    group: "Reporting",
    meaning: "how log lines are written; auto is text on a terminal and json elsewhere",
    format: choice("auto", "json", "text"),
    default: "auto",
  },
  stateDir: {
    name: "NFS_STATE_DIR",
    group: "Reporting",
    meaning: "where the running instance keeps its state and locks",
    format: absolutePath,
    default: "/run/nfs-init",
  },
  listen: {
    name: "NFS_LISTEN",
    group: "Reporting",
    meaning:
      "where the page of status, /healthz, /readyz, /metrics, /mounts and /volumes are answered over HTTP; without a host on 127.0.0.1",
    format: listenAddress,
    default: "",
    defaultMeaning: "off",
  },
  ...serverVariables,
  ...pluginVariables,
} as const satisfies Readonly<Record<string, Variable>>;

export type VariableKey = keyof typeof variables;

/** Defaults of some variables, as they would be written. */
export type WrittenDefaults = Readonly<Partial<Record<VariableKey, string>>>;

/** The typed value of each variable. */
export type VariableValues = {
  readonly [Key in VariableKey]: ValueOf<(typeof variables)[Key]["format"]>;
};

/** The table's rows in order, as the reference prints them. */
export const variableRows: readonly (Variable & { readonly key: VariableKey })[] = Object.entries(variables).map(
  ([key, variable]) => ({ ...(variable satisfies Variable as Variable), key: key as VariableKey }),
);

/** The variables of one share: those that may carry a number. */
export const shareKeys = [
  "host",
  "hostMount",
  "mountPoint",
  "version",
  "options",
  "username",
  "passwordFile",
  "domain",
] as const satisfies VariableKey[];

/** The variables of one export: those that may carry a number. */
export const exportKeys = [
  "exportPath",
  "exportClients",
  "exportOptions",
  "exportOwner",
  "exportMode",
  "exportDevice",
  "exportRequireMount",
  "exportScratch",
] as const satisfies VariableKey[];

/** Groups that `serve` alone reads. */
export const serverGroups: ReadonlySet<VariableGroup> = new Set(["Exports", "The server"]);

/** The variables of the server as a whole. */
export const serverKeys = [
  "exports",
  "exportsFile",
  "serverVersions",
  "serverPort",
  "mountdPort",
  "lockdPort",
  "statdPort",
  "serverVip",
  "serverThreads",
  "serverGraceMs",
  "serverLeaseMs",
  "serverState",
  "serverCheckIntervalMs",
  "serverCheckTimeoutMs",
  "serverCheckThreshold",
] as const satisfies VariableKey[];

/** The name of a share's variable: `NFS_HOST`, or `NFS_2_HOST` for share number "2". */
export function variableName(key: VariableKey, number?: string): string {
  const { name } = variables[key];
  return number === undefined ? name : name.replace(/^NFS_/, `NFS_${number}_`);
}

/** The command-line flag of a variable, without its dashes. */
export function flagName(variable: Variable): string {
  if (variable.name === "NFS_VERSION") return "nfs-version";
  return variable.name.replace(/^NFS_/, "").toLowerCase().replaceAll("_", "-");
}

/** The value of a variable with a default, which also serves where the text cannot be understood. */
export function choiceOf<T>(
  variable: { readonly format: Format<T>; readonly default: string },
  text: string | undefined,
): T {
  const value = text === undefined || text === "" ? undefined : variable.format.parse(text.trim());
  return value ?? (variable.format.parse(variable.default) as T);
}
