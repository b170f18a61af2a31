// Environment and flags to a Config, or every problem at once; nothing here touches the machine.
import { readShares } from "./shares.ts";
import type { ShareConfig } from "../shares/share.ts";
import { shown } from "../text/shown.ts";
import { resolveIdentity, type Accounts, type Identity } from "../init/identity.ts";
import { given, parsed, problem, readGiven, type Reader } from "./given.ts";
import { unknownVariableWarnings } from "./unknown.ts";
import type { Variable } from "./variable.ts";
import {
  serverGroups,
  type exportKeys,
  type serverKeys,
  type shareKeys,
  variableRows,
  variables,
  type VariableKey,
  type VariableValues,
  type WrittenDefaults,
} from "./variables.ts";

type SettingKey = Exclude<
  VariableKey,
  (typeof shareKeys)[number] | (typeof exportKeys)[number] | (typeof serverKeys)[number] | "mounts"
>;
type WithoutDefault = "pluginStore" | "user" | "umask" | "nofile" | "signalMap" | "signalOnRemount" | "listen";

/** Every variable that is not about a share, with its default where it has one. */
export type Settings = {
  readonly [Key in SettingKey]: Key extends WithoutDefault ? VariableValues[Key] | undefined : VariableValues[Key];
};

export interface Config {
  readonly shares: readonly ShareConfig[];
  readonly settings: Settings;
  /** Who COMMAND runs as; undefined where that is who nfs-init runs as. */
  readonly identity: Identity | undefined;
  /** What was understood but should be known, a sentence each. */
  readonly warnings: readonly string[];
}

export type ConfigResult =
  | { readonly kind: "config"; readonly config: Config }
  | {
      readonly kind: "problems";
      readonly problems: readonly string[];
      /** What could be understood; its warnings may tell what is behind a problem: a name that is misspelt. */
      readonly rest: Config;
    };

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the command line said: values by variable, and `--mount` lines. */
export interface Flags {
  readonly values: ReadonlyMap<VariableKey, string>;
  readonly mounts: readonly string[];
}

export const noFlags: Flags = { values: new Map(), mounts: [] };

/** What the configuration is read for. */
export interface Purpose {
  /** Defaults where they are others than those of the table. */
  readonly defaults: WrittenDefaults;
  /** Whether there is a COMMAND that could be started again when a share is lost. */
  readonly canRestart: boolean;
  /** Whether it is for `serve`, which has variables of its own. */
  readonly isServer: boolean;
  /** Asked only where a user is named. */
  readonly accounts: () => Accounts;
}

const plainPurpose: Purpose = {
  defaults: {},
  canRestart: true,
  isServer: false,
  accounts: () => ({ passwd: "", group: "" }),
};

/** Reads the whole configuration. Empty values count as unset; a flag wins over its variable. */
export function readConfig(
  environment: Environment,
  flags: Flags = noFlags,
  partOfPurpose: Partial<Purpose> = {},
): ConfigResult {
  const purpose = { ...plainPurpose, ...partOfPurpose };
  const reader = readGiven(environment, flags);
  const settings = readSettings(reader, purpose);
  const identity = readIdentity(reader, settings, purpose.accounts);
  const ofShares: Reader = { ...reader, problems: [] };
  const shares = readShares(ofShares);
  const problems = [...reader.problems];
  const warnings = [...unknownVariableWarnings(environment, purpose.isServer), ...reader.warnings];
  // A value that several shares fall back to is wrong once. Where nothing will be mounted, what is wrong about the shares must
  // not stop COMMAND.
  (settings.mountSkip ? warnings : problems).push(...new Set(ofShares.problems));
  const config: Config = { shares: settings.mountSkip ? [] : shares, settings, identity, warnings };
  return problems.length > 0 ? { kind: "problems", problems, rest: config } : { kind: "config", config };
}

function readSettings(reader: Reader, { defaults, canRestart }: Purpose): Settings {
  const values = Object.fromEntries(
    variableRows
      .filter(({ numbered, key, group }) => numbered !== true && key !== "mounts" && !serverGroups.has(group))
      .map((variable) => [variable.key, readSetting(reader, variable, defaults)]),
  ) as Record<SettingKey, unknown> as { -readonly [Key in SettingKey]: Settings[Key] };

  if (values.retryMinMs > values.retryMaxMs) {
    const least = given(reader, "retryMinMs");
    const most = given(reader, "retryMaxMs");
    if (least !== undefined && most !== undefined) {
      reader.problems.push(problem(least, `longer than ${most.name}="${shown(most.value)}"; accepted: at most that`));
    } else if (least === undefined) {
      values.retryMinMs = values.retryMaxMs;
    } else {
      values.retryMaxMs = values.retryMinMs;
    }
  }
  // A user that is given keeps no capability it cannot need, unless that is asked for.
  if (given(reader, "dropCaps") === undefined) values.dropCaps = values.user !== undefined;
  const watch = given(reader, "watch");
  if (watch !== undefined && values.watch === "restart" && !canRestart) {
    reader.problems.push(problem(watch, "there is no COMMAND to start again; accepted: remount, exit, log, off"));
  }
  if (values.exec) {
    if (watch !== undefined && values.watch !== "off") {
      reader.problems.push(problem(watch, "nobody is left to watch with NFS_EXEC; accepted: off, or leave it unset"));
    }
    values.watch = "off";
  }
  return values;
}

function readIdentity(reader: Reader, { user }: Settings, accounts: () => Accounts): Identity | undefined {
  const one = given(reader, "user");
  if (user === undefined || one === undefined) return undefined;
  const result = resolveIdentity(user, accounts());
  if (result.kind === "identity") return result.identity;
  reader.problems.push(
    problem(one, `${result.reason}; accepted: ${variables.user.format.accepts}, names as this container has them`),
  );
  return undefined;
}

/** The value of one variable; its default where it is unset or, with a problem noted, not understood. */
function readSetting(
  reader: Reader,
  variable: Variable & { readonly key: VariableKey },
  defaults: WrittenDefaults,
): unknown {
  const { format } = variable;
  const initial = defaults[variable.key] ?? variable.default;
  const fallback = initial === "" ? undefined : format.parse(initial);
  const one = given(reader, variable.key);
  return (one === undefined ? undefined : parsed(reader, one, format)) ?? fallback;
}
