// The one table of roles: what nfs-init can be asked to be. The command line, --help, the defaults, and what is loaded read it.
import type { Flags } from "../config/config.ts";
import type { VariableGroup } from "../config/variable.ts";
import type { VariableKey, WrittenDefaults } from "../config/variables.ts";
import type { Start } from "./assembly/start.ts";

export interface Role {
  readonly name: string;
  /** What it does, a clause; --help prints it. */
  readonly summary: string;
  /** Whether it runs a program that is named behind its options. */
  readonly command: "required" | "optional" | "none";
  /** The variables that are options of it: all of some groups, and single ones. */
  readonly variables: { readonly groups?: readonly VariableGroup[]; readonly keys?: readonly VariableKey[] };
  /** Options of its own, which are no variables and take no value: name without dashes, and meaning. */
  readonly switches: Readonly<Record<string, string>>;
  /** Whether it publishes a state while it runs, for check, status and HTTP. */
  readonly publishes: boolean;
  /** Whether it is nothing without a share. */
  readonly needsShares: boolean;
  /** Defaults of variables where they are not those of the table of variables, which are those of `run`. */
  readonly defaults: WrittenDefaults;
  /** What starts it, with its part of the machine; read from the executable only now. Gives the exit code. */
  readonly load: () => Promise<{ readonly start: (start: Start) => Promise<number> }>;
}

/** What the command line asks for. */
export interface Invocation {
  readonly kind: "role";
  readonly role: Role;
  /** Those of the role's own switches that were given, without their dashes. */
  readonly switches: ReadonlySet<string>;
  readonly flags: Flags;
  /** COMMAND and its arguments; empty where there is none. */
  readonly command: readonly string[];
}

/** The variables of those who mount. */
const ofShares = {
  groups: ["Shares", "fstab", "Waiting and mounting", "The process", "Watching", "Reporting"],
} as const satisfies Role["variables"];

/** The variables that are about COMMAND, with or without shares. */
const ofCommand = ["user", "dropCaps", "umask", "nofile", "signalMap", "stopSignal", "stopGraceMs"] as const;

/** What most roles are. */
const plain = {
  command: "none",
  variables: ofShares,
  switches: {},
  publishes: false,
  needsShares: true,
  defaults: {},
} as const;

export const roles: readonly Role[] = [
  {
    ...plain,
    name: "run",
    summary: "the default: wait for the servers, mount, run COMMAND, watch, unmount when it has ended",
    command: "required",
    publishes: true,
    needsShares: false,
    load: () => import("./assembly/run.ts"),
  },
  {
    ...plain,
    name: "wait",
    summary: "return when every share could be mounted; needs no privilege",
    load: () => import("./assembly/wait.ts"),
  },
  {
    ...plain,
    name: "mount",
    summary: "wait, mount, return and leave the shares mounted",
    // Nobody would look after a guard that is left behind.
    defaults: { fstab: "none", guard: "off" },
    load: () => import("./assembly/mount.ts"),
  },
  {
    ...plain,
    name: "unmount",
    summary: "unmount what the configuration names and nfs-init has mounted",
    load: () => import("./assembly/unmount.ts"),
  },
  {
    ...plain,
    name: "sidecar",
    summary: "mount, watch and mount afresh what is lost; unmount when it is stopped",
    publishes: true,
    defaults: { watch: "remount" },
    load: () => import("./assembly/sidecar.ts"),
  },
  {
    ...plain,
    name: "serve",
    summary: "export directories as an NFS server, and run COMMAND once they are served",
    command: "optional",
    publishes: true,
    variables: { groups: ["Exports", "The server", "Reporting"], keys: ofCommand },
    needsShares: false,
    load: () => import("./assembly/serve.ts"),
  },
  {
    ...plain,
    name: "plugin",
    summary: "be a driver of Docker volumes that lie on shares",
    publishes: true,
    variables: {
      groups: ["Docker volumes", "Waiting and mounting", "Watching", "Reporting"],
      keys: ["version", "options", "username", "passwordFile", "domain"],
    },
    needsShares: false,
    // Docker waits 120 s for a mount.
    defaults: { fstab: "none", guard: "off", watch: "log", waitTimeoutMs: "100s" },
    load: () => import("./assembly/plugin.ts"),
  },
  {
    ...plain,
    name: "doctor",
    summary: "say why a share does not mount here or is not served, and what to do; changes nothing",
    switches: { json: "print JSON", server: "about what serve would export, where shares are configured as well" },
    load: () => import("./assembly/doctor.ts"),
  },
  {
    ...plain,
    name: "fstab",
    summary: "print the fstab lines of the configuration",
    needsShares: false,
    load: () => import("./assembly/fstab.ts"),
  },
  {
    ...plain,
    name: "check",
    summary: "say whether the shares are healthy; exits 1 when one is lost, or nfs-init is gone",
    variables: { keys: ["stateDir"] },
    switches: {
      ready: "only when every share is mounted and answers",
      "since-start": "not when a share was mounted afresh since this container started",
    },
    needsShares: false,
    load: () => import("./assembly/check.ts"),
  },
  {
    ...plain,
    name: "status",
    summary: "show the shares, their state, space and traffic",
    variables: { keys: ["stateDir"] },
    switches: {
      json: "as JSON; with --watch a line each time",
      watch: "again and again until it is interrupted, with the traffic in between",
    },
    needsShares: false,
    load: () => import("./assembly/status.ts"),
  },
];

/** Words of nfs-init's own that are no roles. */
export const texts: readonly string[] = ["help", "version"];

export function roleNamed(word: string | undefined): Role | undefined {
  return roles.find(({ name }) => name === word);
}

/** Whether a program of this name needs a `--` before it. */
export function isReserved(word: string): boolean {
  return roleNamed(word) !== undefined || texts.includes(word);
}
