// Environment and flags to a Config, or every problem at once; nothing here touches the machine.
import { closestMatch } from "leven";
import { parseSource, parseHost, formatSource, type Source } from "../fstab/source.ts";
import { unescapeField } from "../fstab/escape.ts";
import { splitColumns } from "../fstab/fstab.ts";
import { hasOption, narrowerVersion, planOptions, splitOptions, versionInOptions } from "../fstab/options.ts";
import { resolveIdentity, type Accounts, type Identity } from "../init/identity.ts";
import { holdsSecret, nfsVersion, redact, type NfsVersion } from "./values.ts";
import {
  flagName,
  shareKeys,
  variableName,
  variableRows,
  variables,
  type Variable,
  type VariableKey,
  type VariableValues,
} from "./variables.ts";

/** One share as it is wanted: everything the plan, the fstab line and the mount call need. */
export interface ShareConfig {
  /** Where it was configured, for messages: `NFS_2_MOUNT_POINT`, `NFS_MOUNTS line 1`. */
  readonly origin: string;
  readonly source: Source;
  /** Absolute path, symlinks not resolved. */
  readonly target: string;
  readonly version: NfsVersion;
  /** Options of the fstab line. */
  readonly options: readonly string[];
  /** COMMAND may start without it. */
  readonly nofail: boolean;
  /** Somebody else mounts it (`x-nfs-init.watch-only`): it is watched, never mounted or unmounted. */
  readonly watchOnly: boolean;
}

type SettingKey = Exclude<VariableKey, (typeof shareKeys)[number] | "mounts">;
type WithoutDefault = "fstab" | "user" | "umask" | "nofile" | "signalMap" | "signalOnRemount" | "listen";

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
  /** The warnings may tell what is behind a problem: a name that is misspelt. */
  | { readonly kind: "problems"; readonly problems: readonly string[]; readonly warnings: readonly string[] };

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the command line said: values by variable, and `--mount` lines. */
export interface Flags {
  readonly values: ReadonlyMap<VariableKey, string>;
  readonly mounts: readonly string[];
}

export const noFlags: Flags = { values: new Map(), mounts: [] };

/** What the configuration is read for. */
export interface Purpose {
  /** Some defaults are those of a role. */
  readonly role: string;
  /** Asked only where a user is named. */
  readonly accounts: () => Accounts;
}

const plainRun: Purpose = { role: "run", accounts: () => ({ passwd: "", group: "" }) };

/** Reads the whole configuration. Empty values count as unset; a flag wins over its variable. */
export function readConfig(
  environment: Environment,
  flags: Flags = noFlags,
  { role, accounts }: Purpose = plainRun,
): ConfigResult {
  const problems: string[] = [];
  const warnings = unknownVariableWarnings(environment);
  const reader: Reader = { environment, flags, problems, warnings };

  const settings = readSettings(reader, role);
  const identity = readIdentity(reader, settings, accounts);
  const shareProblems: string[] = [];
  const shares = readShares({ ...reader, problems: shareProblems });
  if (settings.mountSkip) {
    // Nothing will be mounted, so what is wrong about the shares must not stop COMMAND.
    warnings.push(...shareProblems);
  } else {
    problems.push(...shareProblems);
  }
  if (problems.length > 0) return { kind: "problems", problems, warnings };
  return { kind: "config", config: { shares: settings.mountSkip ? [] : shares, settings, identity, warnings } };
}

interface Reader {
  readonly environment: Environment;
  readonly flags: Flags;
  readonly problems: string[];
  readonly warnings: string[];
}

/** A value as it was given, and the name to use for it in messages. */
interface Given {
  readonly name: string;
  readonly value: string;
}

function given({ environment, flags }: Reader, key: VariableKey): Given | undefined {
  const flag = flags.values.get(key);
  const variable: Variable = variables[key];
  if (flag !== undefined && flag !== "") return { name: `--${flagName(variable)}`, value: flag };
  for (const name of [variable.name, ...(variable.aliases ?? [])]) {
    const value = environment[name];
    if (value !== undefined && value !== "") return { name, value };
  }
  return undefined;
}

function problem({ name, value }: Given, reason: string): string {
  // The reason may repeat parts of the value.
  const shown = holdsSecret(value) ? "it seems to hold a password, which NFS has no use for; remove it" : reason;
  return `${name}="${redact(value)}": ${shown}`;
}

function notUnderstood(one: Given, accepts: string): string {
  return problem(one, `not understood; accepted: ${accepts}`);
}

function readSettings(reader: Reader, role: string): Settings {
  const values = Object.fromEntries(
    variableRows
      .filter(({ numbered, key }) => numbered !== true && key !== "mounts")
      .map((variable) => [variable.key, readSetting(reader, variable)]),
  ) as Record<SettingKey, unknown> as { -readonly [Key in SettingKey]: Settings[Key] };

  if (values.retryMinMs > values.retryMaxMs) {
    const least = given(reader, "retryMinMs");
    const most = given(reader, "retryMaxMs");
    if (least !== undefined && most !== undefined) {
      reader.problems.push(problem(least, `longer than ${most.name}="${most.value}"; accepted: at most that`));
    } else if (least === undefined) {
      values.retryMinMs = values.retryMaxMs;
    } else {
      values.retryMaxMs = values.retryMinMs;
    }
  }
  // A user that is given keeps no capability it cannot need, unless that is asked for.
  if (given(reader, "dropCaps") === undefined) values.dropCaps = values.user !== undefined;
  const watch = given(reader, "watch");
  if (role === "sidecar") {
    if (watch === undefined) values.watch = "remount";
    else if (values.watch === "restart") {
      reader.problems.push(problem(watch, "sidecar has no COMMAND to start again; accepted: remount, exit, log, off"));
    }
  }
  // Nobody would look after a guard that is left behind.
  if (given(reader, "guard") === undefined) values.guard = role === "run" || role === "sidecar";
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
function readSetting(reader: Reader, variable: Variable & { readonly key: VariableKey }): unknown {
  const { format } = variable;
  const fallback = variable.default === "" ? undefined : format.parse(variable.default);
  const one = given(reader, variable.key);
  if (one === undefined) return fallback;
  const value = format.parse(one.value);
  if (value === undefined) {
    reader.problems.push(notUnderstood(one, format.accepts));
    return fallback;
  }
  return value;
}

function readShares(reader: Reader): readonly ShareConfig[] {
  const numbers = [
    ...new Set(
      Object.keys(reader.environment).flatMap((name) =>
        reader.environment[name] === "" || !isShareVariable(name) ? [] : [numberOf(name)],
      ),
    ),
  ].toSorted((one, other) => Number(one) - Number(other));
  const listed = readListedShares(reader);
  const others = [...numbers.map((number) => readShare(reader, number)), ...listed];
  const single = readSingleShare(reader, others.length > 0);
  return [single, ...others].filter((share) => share !== undefined);
}

const numberedName = /^NFS_(\d+)_([A-Z_]+)$/;

function isShareVariable(name: string): boolean {
  const [, number, rest] = numberedName.exec(name) ?? [];
  return number !== undefined && shareKeys.some((key) => variables[key].name === `NFS_${rest}`);
}

function numberOf(name: string): string {
  return numberedName.exec(name)?.[1] ?? "";
}

/** The unnumbered share; HOST, VERSION and OPTIONS alone may be meant as fallbacks for the others. */
function readSingleShare(reader: Reader, hasOthers: boolean): ShareConfig | undefined {
  const target = given(reader, "mountPoint");
  const hostMount = given(reader, "hostMount");
  const host = given(reader, "host");
  if (target !== undefined) return readShare(reader);
  const meant = hostMount ?? (hasOthers ? undefined : host);
  if (meant === undefined) return undefined;
  reader.problems.push(problem(meant, "NFS_MOUNT_POINT is not set; set it to the directory to mount the share on"));
  return undefined;
}

/** One column of a share: its own value, or the unnumbered variable's where that serves as fallback. */
function shareValue(reader: Reader, key: (typeof shareKeys)[number], number: string | undefined): Given | undefined {
  const own: Given | undefined =
    number === undefined ? given(reader, key) : nonEmpty(variableName(key, number), reader.environment);
  const fallsBack = key === "host" || key === "version" || key === "options";
  return own ?? (fallsBack ? given(reader, key) : undefined);
}

function nonEmpty(name: string, environment: Environment): Given | undefined {
  const value = environment[name];
  return value === undefined || value === "" ? undefined : { name, value };
}

function readShare(reader: Reader, number?: string): ShareConfig | undefined {
  const target = shareValue(reader, "mountPoint", number);
  const host = shareValue(reader, "host", number);
  const hostMount = shareValue(reader, "hostMount", number);
  const missing = (key: VariableKey, what: string) =>
    reader.problems.push(`${variableName(key, number)} is not set; set it to ${what}`);
  if (target === undefined) missing("mountPoint", "the directory to mount the share on");
  if (host === undefined) missing("host", variables.host.format.accepts);

  const parsedTarget = parsed(reader, target, variables.mountPoint.format.parse, variables.mountPoint.format.accepts);
  const parsedHost = parsed(reader, host, parseHost, variables.host.format.accepts);
  const path =
    hostMount === undefined
      ? parsedTarget
      : parsed(reader, hostMount, variables.hostMount.format.parse, variables.hostMount.format.accepts);
  const version = readVersion(reader, number);
  const options = readOptions(reader, shareValue(reader, "options", number));
  if (parsedTarget === undefined || parsedHost === undefined || path === undefined) return undefined;
  if (version === undefined || options === undefined) return undefined;
  return finishShare(reader, {
    origin: variableName("mountPoint", number),
    source: { host: parsedHost, path },
    target: parsedTarget,
    stated: [version],
    options,
  });
}

function parsed<T>(
  reader: Reader,
  one: Given | undefined,
  parse: (text: string) => T | undefined,
  accepts: string,
): T | undefined {
  if (one === undefined) return undefined;
  const value = parse(one.value);
  if (value === undefined) reader.problems.push(notUnderstood(one, accepts));
  return value;
}

/** A version and the name of the value that states it. */
interface StatedVersion {
  readonly name: string;
  readonly version: NfsVersion;
}

function readVersion(reader: Reader, number?: string): StatedVersion | undefined {
  const one = shareValue(reader, "version", number);
  if (one === undefined) return { name: variables.version.name, version: "auto" };
  const version = parsed(reader, one, nfsVersion.parse, nfsVersion.accepts);
  return version === undefined ? undefined : { name: one.name, version };
}

interface StatedOptions {
  readonly name: string;
  readonly options: readonly string[];
}

function readOptions(reader: Reader, one: Given | undefined): StatedOptions | undefined {
  const { name, value } = one ?? { name: variables.options.name, value: variables.options.default };
  if (holdsSecret(value)) {
    reader.problems.push(problem({ name, value }, "NFS has no passwords; remove the option"));
    return undefined;
  }
  if (/[\n\r\0]/.test(value)) {
    reader.problems.push(notUnderstood({ name, value }, variables.options.format.accepts));
    return undefined;
  }
  return { name, options: splitOptions(value) };
}

interface UnfinishedShare {
  readonly origin: string;
  readonly source: Source;
  readonly target: string;
  /** What was said of the version, from the most general to the most particular. */
  readonly stated: readonly StatedVersion[];
  readonly options: StatedOptions;
}

/** Brings versions and options together; a contradiction is a problem. */
function finishShare(reader: Reader, share: UnfinishedShare): ShareConfig | undefined {
  const { name, options } = share.options;
  const inOptions = versionInOptions(options);
  if (inOptions.kind === "problem") {
    reader.problems.push(problem({ name, value: options.join(",") }, inOptions.problem));
    return undefined;
  }
  const stated = inOptions.kind === "version" ? [...share.stated, { name, version: inOptions.version }] : share.stated;
  let version: NfsVersion = "auto";
  let from = "";
  for (const one of stated) {
    const narrower = narrowerVersion(version, one.version);
    if (narrower === undefined) {
      reader.problems.push(
        `${share.origin}: version ${one.version} of ${one.name} contradicts version ${version} of ${from}; say it in one place`,
      );
      return undefined;
    }
    if (narrower !== version) from = one.name;
    version = narrower;
  }
  const planned = planOptions(options, version);
  const label = formatSource(share.source);
  reader.warnings.push(...planned.warnings.map((warning) => `${name}: ${warning} (${label})`));
  return {
    origin: share.origin,
    source: share.source,
    target: share.target,
    version,
    options: planned.options,
    nofail: hasOption(planned.options, "nofail"),
    watchOnly: hasOption(planned.options, "x-nfs-init.watch-only"),
  };
}

function readListedShares(reader: Reader): readonly (ShareConfig | undefined)[] {
  const listed = given(reader, "mounts");
  const lines: Given[] = [
    ...(listed?.value.split(/[\n;]/) ?? []).map((value, index) => ({ name: `NFS_MOUNTS line ${index + 1}`, value })),
    ...reader.flags.mounts.map((value) => ({ name: "--mount", value })),
  ];
  return lines
    .map(({ name, value }) => ({ name, value: value.trim() }))
    .filter(({ value }) => value !== "" && !value.startsWith("#"))
    .map((line) => readLine(reader, line));
}

function readLine(reader: Reader, line: Given): ShareConfig | undefined {
  const [sourceText, targetText, typeText, optionsText, ...numbers] = splitColumns(line.value).map(unescapeField);
  const accepts = variables.mounts.format.accepts;
  if (sourceText === undefined || targetText === undefined || numbers.some((column) => !/^\d+$/.test(column))) {
    reader.problems.push(notUnderstood(line, accepts));
    return undefined;
  }
  const source = parseSource(sourceText);
  if ("problem" in source) {
    reader.problems.push(
      problem(line, `${source.problem}; accepted as SOURCE: host:/path, [IPv6]:/path, nfs://host/path`),
    );
    return undefined;
  }
  const target = variables.mountPoint.format.parse(targetText);
  if (target === undefined) {
    reader.problems.push(
      problem(line, `"${targetText}" is no mount point; accepted: ${variables.mountPoint.format.accepts}`),
    );
    return undefined;
  }
  const fallback = readVersion(reader);
  const stated = fallback === undefined ? undefined : statedInColumn(reader, line, typeText, fallback);
  const options = readOptions(
    reader,
    optionsText === undefined ? given(reader, "options") : { name: line.name, value: optionsText },
  );
  if (stated === undefined || options === undefined) return undefined;
  if (source.options.some(holdsSecret)) {
    reader.problems.push(problem(line, "NFS has no passwords; remove the option"));
    return undefined;
  }
  if (source.dropped.length > 0) {
    reader.warnings.push(
      `${line.name}: ${source.dropped.join(" and ")} in an nfs:// address is dropped; to run COMMAND as another user set NFS_USER`,
    );
  }
  return finishShare(reader, {
    origin: line.name,
    source: { host: source.host, path: source.path },
    target,
    stated,
    options: { name: options.name, options: [...options.options, ...source.options] },
  });
}

/** What the TYPE column says: `nfs` leaves the version open to NFS_VERSION and the options, the others state it. */
function statedInColumn(
  reader: Reader,
  line: Given,
  typeText: string | undefined,
  fallback: StatedVersion,
): readonly StatedVersion[] | undefined {
  if (typeText === undefined || typeText === "nfs") return [fallback];
  if (typeText !== "nfs3" && typeText !== "nfs4") {
    reader.problems.push(problem(line, `type "${typeText}" is not supported; accepted: nfs, nfs3, nfs4`));
    return undefined;
  }
  return [{ name: `the type ${typeText}`, version: typeText === "nfs3" ? "3" : "4" }];
}

/** Variables Kubernetes sets for a Service whose name begins with nfs: `NFS_SERVICE_HOST`, `NFS_1_PORT_2049_TCP_ADDR`. */
const kubernetesService =
  /^NFS(?:_[A-Z0-9_]+?)?_(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

function unknownVariableWarnings(environment: Environment): string[] {
  const known = new Set(variableRows.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]));
  return Object.keys(environment)
    .filter((name) => name.startsWith("NFS_") && environment[name] !== "")
    .filter((name) => !known.has(name) && !isShareVariable(name) && !kubernetesService.test(name))
    .toSorted()
    .map((name) => `${name} is not a variable of nfs-init and is ignored; the nearest one is ${nearest(name, known)}`);
}

function nearest(name: string, known: ReadonlySet<string>): string {
  const number = /^NFS_(\d+)_/.exec(name)?.[1];
  const candidates =
    number === undefined
      ? [...known].filter((one) => one.startsWith("NFS_"))
      : shareKeys.map((key) => variableName(key, number));
  return closestMatch(name, candidates) ?? "";
}
