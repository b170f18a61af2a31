// What is to be exported: the single export, the numbered ones, and the lines of a list and of a file.
import type { Client } from "../export/clients.ts";
import { exportTable, type Export, type ExportTable } from "../export/exports.ts";
import { defaultOptions } from "../export/options.ts";
import { resolveIdentity, type Accounts } from "../init/identity.ts";
import { shown } from "../text/shown.ts";
import type { Device } from "./export-values.ts";
import { parseLine, splitLines } from "./exports-lines.ts";
import { given, parsed, problem, readGiven, type Given, type Reader } from "./given.ts";
import { numberedExport, type ExportKey } from "./share-names.ts";
import type { Environment, Flags } from "./config.ts";
import type { Format } from "./values.ts";
import { serverKeys, variableName, variables, type VariableValues } from "./variables.ts";

/** The variables of the server as a whole, each with its default where it has one. */
export type ServerValues = {
  readonly [Key in Exclude<(typeof serverKeys)[number], "exports" | "exportsFile">]: Key extends
    | "serverVersions"
    | "serverVip"
    ? VariableValues[Key] | undefined
    : VariableValues[Key];
};

/** What is done to a directory before it is exported. */
export interface Preparation {
  readonly path: string;
  readonly origin: string;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly mode: number | undefined;
  readonly device: Device | undefined;
  readonly requireMount: boolean;
  /** A directory in memory, of this size or of any. */
  readonly scratch: { readonly size: string | undefined } | undefined;
}

export interface ExportConfig {
  readonly table: ExportTable;
  readonly preparations: readonly Preparation[];
  readonly server: ServerValues;
  /** Whether an export is open to the attached networks alone because nothing else is said. */
  readonly isAttachedOnly: boolean;
}

export type ExportConfigResult =
  | { readonly kind: "exports"; readonly exports: ExportConfig }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

export interface ExportSources {
  readonly accounts: () => Accounts;
  /** The text of a file; undefined where it cannot be read. */
  readonly readText: (path: string) => string | undefined;
}

const attached: readonly Client[] = [{ kind: "attached" }];

interface Read {
  readonly export: Export;
  readonly preparation: Preparation;
}

/** Reads every export; what is wrong comes back all at once. */
export function readExports(environment: Environment, flags: Flags, sources: ExportSources): ExportConfigResult {
  const reader = readGiven(environment, flags);
  const numbers = [...reader.values.keys()].flatMap((name) => numberedExport(name)?.number ?? []);
  const sorted = [...new Set(numbers)].toSorted((one, other) => Number(one) - Number(other));
  const all = [undefined, ...sorted].flatMap((number) => readOne(reader, number, sources.accounts) ?? []);
  all.push(...readLines(reader, sources));
  if (all.length === 0 && reader.problems.length === 0) {
    reader.problems.push("nothing is to be exported; set NFS_EXPORT to the directory");
  }
  const server = readServer(reader);
  const table = exportTable(all.map((one) => one.export));
  const problems = [...reader.problems, ...("problems" in table ? table.problems : [])];
  if (problems.length > 0 || "problems" in table) return { kind: "problems", problems: [...new Set(problems)] };
  const isAttachedOnly = all.some((one) => one.export.rules.some(({ clients }) => clients === attached));
  const preparations = all.map((one) => one.preparation);
  return { kind: "exports", exports: { table, preparations, server, isAttachedOnly } };
}

function readServer(reader: Reader): ServerValues {
  const keys = serverKeys.filter((key) => key !== "exports" && key !== "exportsFile");
  return Object.fromEntries(
    keys.map((key) => {
      const { default: initial } = variables[key];
      const format: Format<unknown> = variables[key].format;
      const one = given(reader, key);
      const fallback = initial === "" ? undefined : format.parse(initial);
      return [key, (one === undefined ? undefined : parsed(reader, one, format)) ?? fallback];
    }),
  ) as ServerValues;
}

/** A part of an export: its own value, or the unnumbered variable's for what several may share. */
function valueOf(reader: Reader, key: ExportKey, number: string | undefined): Given | undefined {
  if (number === undefined) return given(reader, key);
  const own = reader.values.get(variableName(key, number));
  return own ?? (key === "exportClients" || key === "exportOptions" ? given(reader, key) : undefined);
}

function readOne(reader: Reader, number: string | undefined, accounts: () => Accounts): Read | undefined {
  const path = valueOf(reader, "exportPath", number);
  const get = <Key extends ExportKey>(key: Key): VariableValues[Key] | undefined => {
    const one = valueOf(reader, key, number);
    const format: Format<unknown> = variables[key].format;
    return one === undefined ? undefined : (parsed(reader, one, format) as VariableValues[Key] | undefined);
  };
  const rest = {
    clients: get("exportClients"),
    options: get("exportOptions"),
    mode: get("exportMode"),
    device: get("exportDevice"),
    requireMount: get("exportRequireMount"),
    scratch: get("exportScratch"),
  };
  const owner = ownerOf(reader, valueOf(reader, "exportOwner", number), accounts);
  if (path === undefined) {
    const meant = (["exportDevice", "exportScratch", "exportOwner", "exportMode"] as const)
      .map((key) => (number === undefined ? given(reader, key) : reader.values.get(variableName(key, number))))
      .find((one) => one !== undefined);
    const name = variableName("exportPath", number);
    if (meant !== undefined)
      reader.problems.push(problem(meant, `${name} is not set; set it to the directory to export`));
    else if (number !== undefined) reader.problems.push(`${name} is not set; set it to the directory to export`);
    return undefined;
  }
  const directory = parsed(reader, path, variables.exportPath.format);
  if (directory === undefined) return undefined;
  const { clients = attached, options = defaultOptions, mode, device, scratch } = rest;
  if (device !== undefined && scratch !== undefined) {
    reader.problems.push(`${path.name}: it is to be a disk and a directory in memory; set one of them`);
  }
  return {
    export: { path: directory, rules: [{ clients, options }], origin: path.name },
    preparation: {
      path: directory,
      origin: path.name,
      owner,
      mode,
      device,
      requireMount: rest.requireMount ?? device !== undefined,
      scratch,
    },
  };
}

function ownerOf(reader: Reader, one: Given | undefined, accounts: () => Accounts): Preparation["owner"] {
  const spec = one && parsed(reader, one, variables.exportOwner.format);
  if (one === undefined || spec === undefined) return undefined;
  const result = resolveIdentity(spec, accounts());
  if (result.kind === "identity") return result.identity;
  reader.problems.push(problem(one, `${result.reason}; accepted: ${variables.exportOwner.format.accepts}`));
  return undefined;
}

/** Exports of NFS_EXPORTS and of the file that NFS_EXPORTS_FILE names. */
function readLines(reader: Reader, { readText }: ExportSources): readonly Read[] {
  const list = given(reader, "exports");
  const file = given(reader, "exportsFile");
  const path = file && parsed(reader, file, variables.exportsFile.format);
  const text = path === undefined ? "" : readText(path);
  if (file !== undefined && text === undefined) reader.problems.push(problem(file, "it cannot be read"));
  const inList = list === undefined || parsed(reader, list, variables.exports.format) === undefined ? "" : list.value;
  const ofClients = given(reader, "exportClients");
  const otherwise = (ofClients && variables.exportClients.format.parse(ofClients.value)) ?? attached;
  const lines = [
    ...splitLines(inList).map((line, index) => ({ line, origin: `NFS_EXPORTS line ${index + 1}` })),
    ...splitLines(text ?? "").map((line, index) => ({ line, origin: `${path} line ${index + 1}` })),
  ];
  return lines.flatMap(({ line, origin }): readonly Read[] => {
    const one = parseLine(line, otherwise);
    if (one.kind === "problem") {
      reader.problems.push(`${origin}="${shown(line)}": ${one.reason}`);
      return [];
    }
    const nothing = { owner: undefined, mode: undefined, device: undefined, requireMount: false, scratch: undefined };
    return [
      {
        export: { path: one.path, rules: one.rules, origin },
        preparation: { path: one.path, origin, ...nothing },
      },
    ];
  });
}
