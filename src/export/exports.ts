// What is exported, to whom and how; and the answers to what the kernel asks of it.
import { isSameOrBelow } from "../shares/paths.ts";
import { fits, type Client, type Surroundings } from "./clients.ts";
import { exportFlags, fsidOf, type ExportOptions } from "./options.ts";

/** Some clients and what they get. */
export interface Rule {
  readonly clients: readonly Client[];
  readonly options: ExportOptions;
}

export interface Export {
  /** The directory, under the name that clients mount it by. */
  readonly path: string;
  /** One at least. */
  readonly rules: readonly Rule[];
  /** The variable that says so, for messages. */
  readonly origin: string;
}

/** All that is exported, with what follows from it. */
export interface ExportTable {
  readonly exports: readonly Export[];
  /** Every path that has a file system id, by it: exports, and the directories above them that version 4 walks through. */
  readonly byFsid: ReadonlyMap<number, string>;
  /** Directories above exports. */
  readonly above: ReadonlySet<string>;
}

/** The id of an export: the one that is asked for by its first rule that does. */
export function exportFsid({ path, rules }: Export): number {
  return rules.find(({ options }) => options.fsid !== undefined)?.options.fsid ?? fsidOf(path);
}

/** Whether version 4 begins at this export: fsid=0. */
function isRoot(one: Export): boolean {
  return exportFsid(one) === 0;
}

/** Where version 4 has an export: below the one with fsid=0, where there is one; undefined where it cannot be come to from there. */
export function pathInVersion4(exports: readonly Export[], { path }: Export): string | undefined {
  const root = exports.find(isRoot)?.path ?? "/";
  if (!isSameOrBelow(path, root)) return undefined;
  return root === "/" ? path : path.slice(root.length) || "/";
}

/** The table, or a sentence for each pair that cannot be told apart. */
export function exportTable(exports: readonly Export[]): ExportTable | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const byFsid = new Map<number, string>();
  for (const one of exports) {
    const fsid = exportFsid(one);
    const other = byFsid.get(fsid);
    if (other === one.path) problems.push(`${one.origin}: ${one.path} is exported twice`);
    else if (other !== undefined) {
      const what = fsid === 0 ? "both are fsid=0" : `both have the file system id ${fsid}`;
      problems.push(`${one.origin}: ${one.path} and ${other} cannot be told apart, ${what}; give one another fsid=`);
    }
    byFsid.set(fsid, one.path);
  }
  if (problems.length > 0) return { problems };
  const paths = new Set(exports.map(({ path }) => path));
  const above = new Set(
    exports.some(isRoot) ? [] : exports.flatMap(({ path }) => pathsAbove(path)).filter((path) => !paths.has(path)),
  );
  for (const path of above) {
    const fsid = path === "/" ? 0 : freeFsid(byFsid, fsidOf(`above ${path}`));
    byFsid.set(fsid, path);
  }
  return { exports, byFsid, above };
}

function freeFsid(taken: ReadonlyMap<number, string>, wanted: number): number {
  let fsid = wanted;
  while (taken.has(fsid) || fsid === 0) fsid = (fsid + 1) & 0x7fff_ffff;
  return fsid;
}

/** `/a/b` has `/` and `/a`. */
function pathsAbove(path: string): readonly string[] {
  const names = path.split("/").filter((name) => name !== "");
  return names.map((_, index) => `/${names.slice(0, index).join("/")}`);
}

/** What an address may have, as a name for it: the kernel asks by that name which exports it may enter. Undefined where none. */
export function domainOf({ exports }: ExportTable, address: string, around: Surroundings): string | undefined {
  const parts = exports.flatMap(({ rules }, number) => {
    const best = rules
      .map(({ clients }, rule) => ({
        rule,
        fit: Math.max(0, ...clients.map((client) => fits(client, address, around))),
      }))
      .reduce((one, other) => (other.fit > one.fit ? other : one));
    if (best.fit > 0) return [`${number}.${best.rule}`];
    // We ask ourselves whether we serve.
    return isOurselves(address) ? [`${number}.${ownRule}`] : [];
  });
  return parts.length > 0 ? parts.join("+") : undefined;
}

/** The export that a path is, or lies below: the nearest one. */
export function exportAround({ exports }: ExportTable, path: string): Export | undefined {
  return exports
    .filter((one) => isSameOrBelow(path, one.path))
    .toSorted((one, other) => other.path.length - one.path.length)[0];
}

/** Stands for a rule: what nfs-init itself may have, from a port below 1024. */
const ownRule = "self";

function isOurselves(address: string): boolean {
  return address === "127.0.0.1" || address === "::1";
}

/** What a client with this domain gets of an export; undefined where nothing. */
function optionsFor(exports: readonly Export[], number: number, domain: string): ExportOptions | undefined {
  const part = domain.split("+").find((one) => one.startsWith(`${number}.`));
  const rules = exports[number]?.rules ?? [];
  const [first] = rules;
  const rule = part?.slice(`${number}.`.length);
  if (rule === ownRule && first !== undefined) {
    return { ...first.options, flags: first.options.flags & ~exportFlags.insecurePort };
  }
  return rules[Number(rule)]?.options;
}

/** What the kernel is told of a path. */
export interface Entry {
  readonly flags: number;
  readonly anonUid: number;
  readonly anonGid: number;
  readonly fsid: number;
}

/** What a client gets at a path; undefined where it is not for it. */
export function entryFor(table: ExportTable, domain: string, path: string): Entry | undefined {
  const { exports, above } = table;
  const number = exports.findIndex((one) => one.path === path);
  const one = exports[number];
  if (one !== undefined) {
    const options = optionsFor(exports, number, domain);
    return options && { ...options, fsid: exportFsid(one) };
  }
  const allowed = exports.flatMap((other, index) => {
    const options = optionsFor(exports, index, domain);
    return options === undefined ? [] : [{ path: other.path, options }];
  });
  if (above.has(path)) return entryAbove(table, path, allowed);
  // A mount below an export that shows what is mounted in it.
  const around = allowed
    .filter((other) => isSameOrBelow(path, other.path))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  if (around === undefined || (around.options.flags & exportFlags.crossMount) === 0) return undefined;
  return { ...around.options, fsid: fsidOf(path) };
}

/** A directory through which version 4 comes to an export: to be walked through, with nothing else in it to be seen. */
function entryAbove(
  { byFsid }: ExportTable,
  path: string,
  allowed: readonly { readonly path: string; readonly options: ExportOptions }[],
): Entry | undefined {
  const below = allowed.filter((other) => isSameOrBelow(other.path, path));
  if (below.length === 0) return undefined;
  const fsid = [...byFsid].find(([, other]) => other === path)?.[0] ?? fsidOf(path);
  const insecure = below.some(({ options }) => (options.flags & exportFlags.insecurePort) !== 0);
  const { readOnly, rootSquash, noSubtreeCheck, v4Root, insecurePort } = exportFlags;
  const flags = readOnly | rootSquash | noSubtreeCheck | exportFlags.fsid | v4Root | (insecure ? insecurePort : 0);
  return { flags, anonUid: 65_534, anonGid: 65_534, fsid };
}

/** The path that a file system id stands for; `mounts` gives those that an export may show in itself. */
export function pathOf(
  { byFsid, exports }: ExportTable,
  fsid: number,
  mounts: () => readonly string[],
): string | undefined {
  const known = byFsid.get(fsid);
  if (known !== undefined) return known;
  const shows = exports.filter(({ rules }) => rules.some(({ options }) => options.flags & exportFlags.crossMount));
  return mounts().find((path) => fsidOf(path) === fsid && shows.some((one) => isSameOrBelow(path, one.path)));
}
