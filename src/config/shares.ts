// The shares of a configuration: the single one, the numbered ones, and the lines of a list.
import type { ShareKind, StatedVersion } from "../kinds/kind.ts";
import { acceptedSources, kindOf, labelOf, readHost, readSource, type KnownSource } from "../kinds/kinds.ts";
import type { KindName, ShareConfig } from "../shares/share.ts";
import { hasOption, lastOf, splitOptions } from "../shares/options.ts";
import { encodingProblem } from "../text/encoding.ts";
import { numberedShare, type ShareKey } from "./share-names.ts";
import { shown } from "../text/shown.ts";
import { decodeField } from "../shares/escape.ts";
import { splitColumns } from "../shares/fstab.ts";
import { warnOfUnused, withAccount } from "./accounts.ts";
import type { Environment, Flags } from "./config.ts";
import { given, lineOf, parsed, problem, readGiven, type Given, type Reader } from "./given.ts";
import { variableName, variables } from "./variables.ts";

/** What a share is of whose server or source cannot be understood, or is not there. */
const usualKind: KindName = "nfs";

/** Reads every share; one with a problem is left out, with all its problems noted. */
export function readShares(reader: Reader): readonly ShareConfig[] {
  const numbers = [...new Set([...reader.values.keys()].flatMap((name) => numberedShare(name)?.number ?? []))].toSorted(
    (one, other) => Number(one) - Number(other),
  );
  const others = [...numbers.map((number) => readShare(reader, number)), ...readListedShares(reader)];
  const single = readSingleShare(reader, others.length > 0);
  warnOfUnused(reader, single === undefined ? others : [single, ...others]);
  return [single, ...others].filter((share) => share !== undefined);
}

/** The unnumbered share; HOST, VERSION and OPTIONS alone may be meant as fallbacks for the others. */
function readSingleShare(reader: Reader, hasOthers: boolean): ShareConfig | undefined {
  if (given(reader, "mountPoint") !== undefined) return readShare(reader);
  const hostMount = given(reader, "hostMount");
  const meant = hostMount ?? (hasOthers ? undefined : given(reader, "host"));
  if (meant !== undefined) {
    const reason = "NFS_MOUNT_POINT is not set; set it to the directory to mount the share on";
    reader.problems.push(problem(meant, reason));
  }
  // Whether or not somebody falls back to them.
  readServer(reader, given(reader, "host"));
  if (hostMount !== undefined) parsed(reader, hostMount, variables.hostMount.format);
  readVersion(reader, given(reader, "version"));
  readOptions(reader, given(reader, "options"), kindOf({ kind: usualKind }));
  return undefined;
}

/** One column of a share: its own value, or the unnumbered variable's where that serves as fallback. */
function shareValue(reader: Reader, key: ShareKey, number: string | undefined, fallsBack: boolean): Given | undefined {
  if (number === undefined) return given(reader, key);
  return reader.values.get(variableName(key, number)) ?? (fallsBack ? given(reader, key) : undefined);
}

/** The kind of server that a value names. */
function kindMeant(one: Given | undefined): KindName {
  return (one === undefined ? undefined : readHost(one.value)?.kind) ?? usualKind;
}

function readShare(reader: Reader, number?: string): ShareConfig | undefined {
  const valueOf = (key: ShareKey, fallsBack: boolean) => shareValue(reader, key, number, fallsBack);
  const hostValue = valueOf("host", true);
  const kindName = kindMeant(hostValue);
  const kind = kindOf({ kind: kindName });
  // What is said of servers of another kind is not meant for this one.
  const isLikeUnnumbered = kindName === kindMeant(given(reader, "host"));
  const values: Readonly<Record<ShareKey, Given | undefined>> = {
    host: hostValue,
    hostMount: valueOf("hostMount", false),
    mountPoint: valueOf("mountPoint", false),
    version: valueOf("version", isLikeUnnumbered),
    options: valueOf("options", isLikeUnnumbered),
    username: valueOf("username", true),
    passwordFile: valueOf("passwordFile", true),
    domain: valueOf("domain", true),
  };
  const missing = (key: ShareKey, what: string) =>
    reader.problems.push(`${variableName(key, number)} is not set; set it to ${what}`);
  if (values.mountPoint === undefined) missing("mountPoint", "the directory to mount the share on");
  if (values.host === undefined) missing("host", variables.host.format.accepts);

  const target = values.mountPoint && parsed(reader, values.mountPoint, variables.mountPoint.format);
  const server = readServer(reader, values.host);
  const path = values.hostMount === undefined ? target : parsed(reader, values.hostMount, variables.hostMount.format);
  const version = readVersion(reader, values.version);
  const options = readOptions(reader, values.options, kind);
  if (target === undefined || server === undefined || path === undefined) return undefined;
  if (version === undefined || options === undefined) return undefined;
  const source = { host: server.host, path };
  const written = kind.sources.parse(kind.sources.format(source));
  if ("problem" in written) {
    reader.problems.push(
      `${values.hostMount?.name ?? variableName("mountPoint", number)}="${shown(path)}": ${written.problem}`,
    );
    return undefined;
  }
  const whole = withAccount(reader, kind, options.options, (key) => values[key]);
  if (whole === undefined) return undefined;
  const nameOf = (key: ShareKey) => values[key]?.name ?? variableName(key, number);
  return finishShare(reader, {
    kind: kindName,
    origin: variableName("mountPoint", number),
    names: {
      host: nameOf("host"),
      hostMount: nameOf("hostMount"),
      mountPoint: nameOf("mountPoint"),
      version: nameOf("version"),
      options: nameOf("options"),
      username: nameOf("username"),
      passwordFile: nameOf("passwordFile"),
    },
    source,
    target,
    stated: [version],
    options: { ...options, options: whole },
  });
}

function readServer(reader: Reader, one: Given | undefined): ReturnType<typeof readHost> {
  return one === undefined ? undefined : parsed(reader, one, variables.host.format);
}

function readVersion(reader: Reader, one: Given | undefined): StatedVersion | undefined {
  if (one === undefined) return { name: variables.version.name, version: "auto" };
  const version = parsed(reader, one, variables.version.format);
  return version === undefined ? undefined : { name: one.name, version };
}

interface StatedOptions {
  readonly name: string;
  readonly options: readonly string[];
}

function readOptions(reader: Reader, one: Given | undefined, kind: ShareKind): StatedOptions | undefined {
  if (one === undefined) return { name: variables.options.name, options: kind.options.defaults };
  const text = parsed(reader, one, variables.options.format);
  return text === undefined ? undefined : { name: one.name, options: splitOptions(text) };
}

interface UnfinishedShare extends Pick<ShareConfig, "kind" | "origin" | "names" | "source" | "target"> {
  /** What was said of the version, from the most general to the most particular. */
  readonly stated: readonly StatedVersion[];
  readonly options: StatedOptions;
}

/** Brings versions and options together; a contradiction is a problem. */
function finishShare(reader: Reader, share: UnfinishedShare): ShareConfig | undefined {
  const { name, options } = share.options;
  const kind = kindOf(share);
  const refuse = (reason: string) => {
    reader.problems.push(`${name}="${shown(options.join(","))}": ${reason}`);
  };
  const unfit = kind.options.problem(options, share.source.host);
  if (unfit !== undefined) refuse(unfit);
  const agreed = kind.versions.agree(share.stated, share.options);
  if (agreed.kind === "bad-options") refuse(agreed.problem);
  if (agreed.kind === "contradiction") reader.problems.push(`${share.origin}: ${agreed.problem}`);
  if (unfit !== undefined || agreed.kind !== "version") return undefined;
  const { version } = agreed;
  const planned = kind.options.plan(options, version);
  const label = shown(labelOf(share));
  reader.warnings.push(...planned.warnings.map((warning) => `${name}: ${warning} (${label})`));
  return {
    kind: share.kind,
    origin: share.origin,
    names: share.names,
    source: share.source,
    target: share.target,
    version,
    options: planned.options,
    nofail: lastOf(planned.options, "nofail", "fail") === "nofail",
    watchOnly: hasOption(planned.options, "x-nfs-init.watch-only"),
  };
}

function readListedShares(reader: Reader): readonly (ShareConfig | undefined)[] {
  return [...listedLines(reader), ...reader.mounts]
    .filter(({ value, isHidden }) => isHidden || (value !== "" && !value.startsWith("#")))
    .map((line) => readLine(reader, line));
}

/** Reads one line of a list of shares that comes from elsewhere; messages call it `name`. */
export function readNamedShare(
  environment: Environment,
  flags: Flags,
  name: string,
  line: string,
): { readonly share: ShareConfig; readonly warnings: readonly string[] } | { readonly problems: readonly string[] } {
  const reader = readGiven(environment, flags);
  reader.warnings.length = 0;
  const share = readLine(reader, lineOf(name, line));
  if (share === undefined || reader.problems.length > 0) return { problems: [...new Set(reader.problems)] };
  return { share, warnings: reader.warnings };
}

function listedLines(reader: Reader): readonly Given[] {
  const list = given(reader, "mounts");
  if (list === undefined) return [];
  const lines = list.value.split(/[\n;]/).map((line, index) => lineOf(`NFS_MOUNTS line ${index + 1}`, line));
  const withSecret = lines.filter(({ isHidden }) => isHidden);
  // A secret may hold what parts two lines: nothing else is read, so that no part of it is shown.
  if (withSecret.length > 0) return withSecret;
  return parsed(reader, list, variables.mounts.format) === undefined ? [] : lines;
}

/** The columns of a line, unescaped; undefined, with a problem noted, where they cannot be those of a share. */
function columnsOf(reader: Reader, line: Given): readonly string[] | undefined {
  const text = parsed(reader, line, variables.mounts.format);
  if (text === undefined) return undefined;
  const columns = splitColumns(text).map(decodeField);
  const [, target, , , ...numbers] = columns;
  const encoding = columns.map(encodingProblem).find((one) => one !== undefined);
  const reason =
    encoding ?? (target === undefined || numbers.some((one) => !/^\d+$/.test(one)) ? "not understood" : "");
  if (reason === "") return columns;
  reader.problems.push(problem(line, `${reason}; accepted: ${variables.mounts.format.accepts}`));
  return undefined;
}

function readLine(reader: Reader, line: Given): ShareConfig | undefined {
  const columns = columnsOf(reader, line);
  if (columns === undefined) return undefined;
  const [sourceText = "", targetText = "", typeText, optionsText] = columns;
  const source = sourceOf(reader, line, sourceText);
  // Of a source that is none the other columns are read as those of the usual kind.
  const kindName = source?.kind ?? usualKind;
  const kind = kindOf({ kind: kindName });
  const { accepts, parse, explain } = variables.mountPoint.format;
  const target = parse(targetText);
  if (target === undefined) {
    const reason = `"${shown(targetText)}" is no mount point: ${explain?.(targetText) ?? "not understood"}`;
    reader.problems.push(problem(line, `${reason}; accepted: ${accepts}`));
  }
  const version = kind.hasVariables ? given(reader, "version") : undefined;
  const stated = statedInColumn(reader, line, kind, typeText, readVersion(reader, version));
  const fallback = kind.hasVariables ? given(reader, "options") : undefined;
  const options = readOptions(reader, optionsText === undefined ? fallback : { ...line, value: optionsText }, kind);
  if (source === undefined || target === undefined || stated === undefined || options === undefined) return undefined;
  const whole = withAccount(reader, kind, [...options.options, ...source.options], (key) => given(reader, key));
  if (whole === undefined) return undefined;
  const isOwn = optionsText !== undefined || source.options.length > 0;
  const hasType = typeText !== undefined && kind.versions.byType.get(typeText) !== "auto";
  return finishShare(reader, {
    kind: kindName,
    origin: line.name,
    names: {
      host: `the host in ${line.name}`,
      hostMount: `the path in ${line.name}`,
      mountPoint: `the mount point in ${line.name}`,
      version: hasType ? `the type in ${line.name}` : (version?.name ?? variables.version.name),
      options: isOwn ? `the options in ${line.name}` : options.name,
    },
    source: source.source,
    target,
    stated,
    options: { name: isOwn ? line.name : options.name, options: whole },
  });
}

function sourceOf(reader: Reader, line: Given, text: string): KnownSource | undefined {
  const source = readSource(text);
  if ("problem" in source) {
    reader.problems.push(problem(line, `${source.problem}; accepted as SOURCE: ${acceptedSources}`));
    return undefined;
  }
  reader.warnings.push(...source.warnings.map((warning) => `${line.name}: ${warning}`));
  return source;
}

/** What the TYPE column says: a word that states a version, or one that leaves it open to NFS_VERSION and the options. */
function statedInColumn(
  reader: Reader,
  line: Given,
  { versions: { byType } }: ShareKind,
  typeText: string | undefined,
  fallback: StatedVersion | undefined,
): readonly StatedVersion[] | undefined {
  const version = typeText === undefined || typeText === "auto" ? "auto" : byType.get(typeText);
  if (version === "auto") return fallback && [fallback];
  if (version !== undefined) return [{ name: `the type ${typeText}`, version }];
  const accepted = [...byType.keys()].join(", ");
  reader.problems.push(problem(line, `type "${shown(typeText ?? "")}" is not supported; accepted: ${accepted}`));
  return undefined;
}
