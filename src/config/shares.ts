// The shares of a configuration: the single one, the numbered ones, and the lines of a list.
import type { ShareConfig } from "../shares/share.ts";
import { hasOption, lastOf, splitOptions } from "../shares/options.ts";
import { narrowerVersion, versionInOptions, type NfsVersion } from "../kinds/nfs/versions.ts";
import { planOptions, transportProblem } from "../kinds/nfs/options.ts";
import { formatSource, parseSource, type ParsedSource } from "../kinds/nfs/source.ts";
import { encodingProblem } from "../text/encoding.ts";
import { numberedShare, type ShareKey } from "./share-names.ts";
import { shown } from "../text/shown.ts";
import { decodeField } from "../shares/escape.ts";
import { splitColumns } from "../shares/fstab.ts";
import { given, lineOf, parsed, problem, type Given, type Reader } from "./given.ts";
import { variableName, variables } from "./variables.ts";

/** Reads every share; one with a problem is left out, with all its problems noted. */
export function readShares(reader: Reader): readonly ShareConfig[] {
  const numbers = [...new Set([...reader.values.keys()].flatMap((name) => numberedShare(name)?.number ?? []))].toSorted(
    (one, other) => Number(one) - Number(other),
  );
  const others = [...numbers.map((number) => readShare(reader, number)), ...readListedShares(reader)];
  const single = readSingleShare(reader, others.length > 0);
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
  readHost(reader, given(reader, "host"));
  if (hostMount !== undefined) parsed(reader, hostMount, variables.hostMount.format);
  readVersion(reader, given(reader, "version"));
  readOptions(reader, given(reader, "options"));
  return undefined;
}

/** One column of a share: its own value, or the unnumbered variable's where that serves as fallback. */
function shareValue(reader: Reader, key: ShareKey, number: string | undefined): Given | undefined {
  if (number === undefined) return given(reader, key);
  const fallsBack = key === "host" || key === "version" || key === "options";
  return reader.values.get(variableName(key, number)) ?? (fallsBack ? given(reader, key) : undefined);
}

function readShare(reader: Reader, number?: string): ShareConfig | undefined {
  const values: Readonly<Record<ShareKey, Given | undefined>> = {
    host: shareValue(reader, "host", number),
    hostMount: shareValue(reader, "hostMount", number),
    mountPoint: shareValue(reader, "mountPoint", number),
    version: shareValue(reader, "version", number),
    options: shareValue(reader, "options", number),
  };
  const missing = (key: ShareKey, what: string) =>
    reader.problems.push(`${variableName(key, number)} is not set; set it to ${what}`);
  if (values.mountPoint === undefined) missing("mountPoint", "the directory to mount the share on");
  if (values.host === undefined) missing("host", variables.host.format.accepts);

  const target = values.mountPoint && parsed(reader, values.mountPoint, variables.mountPoint.format);
  const host = readHost(reader, values.host);
  const path = values.hostMount === undefined ? target : parsed(reader, values.hostMount, variables.hostMount.format);
  const version = readVersion(reader, values.version);
  const options = readOptions(reader, values.options);
  if (target === undefined || host === undefined || path === undefined) return undefined;
  if (version === undefined || options === undefined) return undefined;
  const nameOf = (key: ShareKey) => values[key]?.name ?? variableName(key, number);
  return finishShare(reader, {
    origin: variableName("mountPoint", number),
    names: {
      host: nameOf("host"),
      hostMount: nameOf("hostMount"),
      mountPoint: nameOf("mountPoint"),
      version: nameOf("version"),
      options: nameOf("options"),
    },
    source: { host, path },
    target,
    stated: [version],
    options,
  });
}

function readHost(reader: Reader, one: Given | undefined): string | undefined {
  return one === undefined ? undefined : parsed(reader, one, variables.host.format);
}

/** A version and the name of the value that states it. */
interface StatedVersion {
  readonly name: string;
  readonly version: NfsVersion;
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

function readOptions(reader: Reader, one: Given | undefined): StatedOptions | undefined {
  if (one === undefined) return { name: variables.options.name, options: splitOptions(variables.options.default) };
  const text = parsed(reader, one, variables.options.format);
  return text === undefined ? undefined : { name: one.name, options: splitOptions(text) };
}

interface UnfinishedShare extends Pick<ShareConfig, "origin" | "names" | "source" | "target"> {
  /** What was said of the version, from the most general to the most particular. */
  readonly stated: readonly StatedVersion[];
  readonly options: StatedOptions;
}

/** Brings versions and options together; a contradiction is a problem. */
function finishShare(reader: Reader, share: UnfinishedShare): ShareConfig | undefined {
  const { name, options } = share.options;
  const refuse = (reason: string) => {
    reader.problems.push(`${name}="${shown(options.join(","))}": ${reason}`);
  };
  const transport = transportProblem(options, share.source.host);
  if (transport !== undefined) refuse(transport);
  const version = agreedVersion(reader, share, refuse);
  if (transport !== undefined || version === undefined) return undefined;
  const planned = planOptions(options, version);
  const label = shown(formatSource(share.source));
  reader.warnings.push(...planned.warnings.map((warning) => `${name}: ${warning} (${label})`));
  return {
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

/** The one version that everything that was said of it leaves; undefined, with a problem noted, where it contradicts itself. */
function agreedVersion(
  reader: Reader,
  { origin, stated, options: { name, options } }: UnfinishedShare,
  refuse: (reason: string) => void,
): NfsVersion | undefined {
  const inOptions = versionInOptions(options);
  if (inOptions.kind === "problem") {
    refuse(inOptions.problem);
    return undefined;
  }
  if (inOptions.kind === "minor" && stated.every(({ version }) => version === "auto")) {
    refuse("minorversion= needs version 4 beside it: vers=4, or NFS_VERSION");
    return undefined;
  }
  const all = inOptions.kind === "none" ? stated : [...stated, { name, version: inOptions.version }];
  let agreed: NfsVersion = "auto";
  let from = "";
  for (const one of all) {
    const narrower = narrowerVersion(agreed, one.version);
    if (narrower === undefined) {
      reader.problems.push(
        `${origin}: version ${one.version} of ${one.name} contradicts version ${agreed} of ${from}; say it in one place`,
      );
      return undefined;
    }
    if (narrower !== agreed) from = one.name;
    agreed = narrower;
  }
  return agreed;
}

function readListedShares(reader: Reader): readonly (ShareConfig | undefined)[] {
  return [...listedLines(reader), ...reader.mounts]
    .filter(({ value, isHidden }) => isHidden || (value !== "" && !value.startsWith("#")))
    .map((line) => readLine(reader, line));
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
  const source = readSource(reader, line, sourceText);
  const { accepts, parse, explain } = variables.mountPoint.format;
  const target = parse(targetText);
  if (target === undefined) {
    const reason = `"${shown(targetText)}" is no mount point: ${explain?.(targetText) ?? "not understood"}`;
    reader.problems.push(problem(line, `${reason}; accepted: ${accepts}`));
  }
  const version = given(reader, "version");
  const stated = statedInColumn(reader, line, typeText, readVersion(reader, version));
  const fallback = given(reader, "options");
  const options = readOptions(reader, optionsText === undefined ? fallback : { ...line, value: optionsText });
  if (source === undefined || target === undefined || stated === undefined || options === undefined) return undefined;
  const isOwn = optionsText !== undefined || source.options.length > 0;
  const hasType = typeText !== undefined && typeText !== "nfs";
  return finishShare(reader, {
    origin: line.name,
    names: {
      host: `the host in ${line.name}`,
      hostMount: `the path in ${line.name}`,
      mountPoint: `the mount point in ${line.name}`,
      version: hasType ? `the type in ${line.name}` : (version?.name ?? variables.version.name),
      options: isOwn ? `the options in ${line.name}` : options.name,
    },
    source: { host: source.host, path: source.path },
    target,
    stated,
    options: { name: isOwn ? line.name : options.name, options: [...options.options, ...source.options] },
  });
}

function readSource(reader: Reader, line: Given, text: string): ParsedSource | undefined {
  const source = parseSource(text);
  if ("problem" in source) {
    const accepts = "accepted as SOURCE: host:/path, [IPv6]:/path, nfs://host/path";
    reader.problems.push(problem(line, `${source.problem}; ${accepts}`));
    return undefined;
  }
  if (source.dropped.length > 0) {
    reader.warnings.push(
      `${line.name}: ${shown(source.dropped.join(" and "))} in an nfs:// address is dropped; to run COMMAND as another user set NFS_USER`,
    );
  }
  return source;
}

/** What the TYPE column says: `nfs` leaves the version open to NFS_VERSION and the options, the others state it. */
function statedInColumn(
  reader: Reader,
  line: Given,
  typeText: string | undefined,
  fallback: StatedVersion | undefined,
): readonly StatedVersion[] | undefined {
  if (typeText === undefined || typeText === "nfs") return fallback && [fallback];
  if (typeText === "nfs3" || typeText === "nfs4") {
    return [{ name: `the type ${typeText}`, version: typeText === "nfs3" ? "3" : "4" }];
  }
  reader.problems.push(problem(line, `type "${shown(typeText)}" is not supported; accepted: nfs, nfs3, nfs4`));
  return undefined;
}
