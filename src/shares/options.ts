// Mount options as nfs(5) and mount(8) write them: what they ask for, what they contradict, what the mount call gets.
import type { NfsVersion } from "../config/values.ts";

/** A version mount(2) can be asked for. */
export type ExactVersion = "3" | "4.0" | "4.1" | "4.2";

/** Options split at their commas, empty ones left out; a comma between double quotes parts nothing (mount(8), "context="). */
export function splitOptions(text: string): readonly string[] {
  return text.match(/(?:"[^"]*"?|[^,"])+/g) ?? [];
}

/** Why a text cannot be a list of options, whatever they mean; undefined where it can. */
export function optionsProblem(text: string): string | undefined {
  if (text.startsWith("-")) return "it begins with the -o of mount(8); write the options alone";
  let isQuoted = false;
  let length = 0;
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    // eslint-disable-next-line no-control-regex
    if (/[\u0000-\u0008\u000e-\u001f\u007f]/.test(character)) return "it holds a control character";
    if (!isQuoted && /\s/.test(character))
      return "it holds a blank or a line end; nothing but commas stands between options";
    const isComma = !isQuoted && character === ",";
    if (isComma && length === 0) return "one of its options is empty";
    length = isComma ? 0 : length + 1;
  }
  if (isQuoted) return "a quote in it is never closed";
  if (length === 0) return "one of its options is empty";
  return splitOptions(text).some((option) => /^[="'-]/.test(option)) ? "one of its options has no name" : undefined;
}

/** Which of `words` stands last among `options`, which is the one that counts. */
export function lastOf<Word extends string>(options: readonly string[], ...words: readonly Word[]): Word | undefined {
  const last = options.findLast((option) => words.some((word) => word === option));
  return words.find((word) => word === last);
}

/** Whether a share is mounted read-only: the last of `ro` and `rw` wins, as mount(8) and the mount call have it. */
export function isReadOnly(options: readonly string[]): boolean {
  return lastOf(options, "ro", "rw") === "ro";
}

/** Whether an option states the protocol version, every way nfs(5) allows. */
function isVersionOption(option: string): boolean {
  return /^(?:(?:nfs)?vers=|v\d|minorversion=)/.test(option);
}

/** The value of the last `name=value` among `options`; "" where it stands without a value. */
export function optionValue(options: readonly string[], ...names: readonly string[]): string | undefined {
  const option = options.findLast((one) => names.includes(nameOf(one)));
  return option === undefined ? undefined : option.slice(nameOf(option).length + 1);
}

/** Whether one of `names` stands among `options`, with or without a value. */
export function hasOption(options: readonly string[], ...names: readonly string[]): boolean {
  return optionValue(options, ...names) !== undefined;
}

function nameOf(option: string): string {
  const equals = option.indexOf("=");
  return equals === -1 ? option : option.slice(0, equals);
}

/** The version that options name, every way nfs(5) allows: `vers=`, `nfsvers=`, `v4.1`, `minorversion=`. */
export type VersionInOptions =
  | { readonly kind: "none" }
  | { readonly kind: "version"; readonly version: NfsVersion }
  /** `minorversion=` alone: that version, where something else says that it is a version 4. */
  | { readonly kind: "minor"; readonly version: NfsVersion }
  | { readonly kind: "problem"; readonly problem: string };

export function versionInOptions(options: readonly string[]): VersionInOptions {
  const found = new Set<string>();
  for (const option of options) {
    const version = /^(?:(?:nfs)?vers=|v(?=\d))(.*)$/.exec(option)?.[1];
    if (version !== undefined) found.add(version);
  }
  const minor = optionValue(options, "minorversion");
  const [stated = ""] = found;
  if (found.size > 1) return { kind: "problem", problem: `they name several versions (${[...found].join(", ")})` };
  if (found.size === 0) {
    if (minor === undefined) return { kind: "none" };
    const version = exactVersion(`4.${minor}`);
    return version === undefined ? badVersion(`4.${minor}`) : { kind: "minor", version };
  }
  // 4.1 beside minorversion=1 says the same twice.
  const text = minor === undefined || stated === `4.${minor}` ? stated : `${stated}.${minor}`;
  const version = exactVersion(text);
  return version === undefined ? badVersion(text) : { kind: "version", version };
}

function exactVersion(text: string): NfsVersion | undefined {
  return (["3", "4", "4.0", "4.1", "4.2"] as const).find((version) => version === text);
}

function badVersion(text: string): VersionInOptions {
  return { kind: "problem", problem: `they name version ${text}; accepted are 3, 4, 4.0, 4.1 and 4.2` };
}

/** Address families of the values of `proto=` and `mountproto=` (netconfig(5)). */
const families: ReadonlyMap<string, 4 | 6> = new Map([
  ["tcp", 4],
  ["udp", 4],
  ["tcp6", 6],
  ["udp6", 6],
]);

/** Why a share cannot be mounted by the transport that its options name; undefined where it may be. */
export function transportProblem(options: readonly string[], host: string): string | undefined {
  const rdma = options.find((option) => /^(?:(?:mount)?proto=)?rdma6?$/.test(option));
  if (rdma !== undefined) {
    return `${rdma} asks for NFS over RDMA, which nfs-init cannot ask a server about; use proto=tcp, or mount it by other means`;
  }
  const family = familyOf(host);
  for (const name of ["proto", "mountproto"]) {
    const protocol = optionValue(options, name);
    // Without a server of its own mountd is where the NFS server is.
    const address = name === "mountproto" ? (optionValue(options, "mountaddr", "mounthost") ?? host) : host;
    const wanted = families.get(protocol ?? "");
    const actual = address === host ? family : familyOf(address);
    if (wanted !== undefined && actual !== undefined && wanted !== actual) {
      const fitting = `${protocol?.replace(/6$/, "")}${actual === 6 ? "6" : ""}`;
      return `${name}=${protocol} is for IPv${wanted}, and ${address} is an IPv${actual} address; write ${name}=${fitting}`;
    }
  }
  return undefined;
}

/** The family of an address; undefined for a name, which may have both. */
function familyOf(host: string): 4 | 6 | undefined {
  if (host.includes(":")) return 6;
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) ? 4 : undefined;
}

/** The narrower of two versions, or undefined where they contradict one another. */
export function narrowerVersion(one: NfsVersion, other: NfsVersion): NfsVersion | undefined {
  if (one === other || other === "auto") return one;
  if (one === "auto") return other;
  if (one === "4" && other.startsWith("4.")) return other;
  if (other === "4" && one.startsWith("4.")) return one;
  return undefined;
}

/** The exact versions to try for a share, the newest first. */
export function versionsToTry(version: NfsVersion): readonly ExactVersion[] {
  switch (version) {
    case "auto":
      return ["4.2", "4.1", "4.0", "3"];
    case "4":
      return ["4.2", "4.1", "4.0"];
    default:
      return [version];
  }
}

/** The options of a share as its fstab line has them, with what was changed and why. */
export interface PlannedOptions {
  readonly options: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Brings options into the form of the fstab line: `bg` and `retry=` go (nfs-init repeats by itself), a share that may be
 * version 3 gets `nolock` where nothing is said of locks, and an explicit version stands last.
 */
export function planOptions(options: readonly string[], version: NfsVersion): PlannedOptions {
  const removed = options.filter((option) => option === "bg" || nameOf(option) === "retry");
  const kept = options.filter((option) => !removed.includes(option));
  const mayBeVersion3 = version === "auto" || version === "3";
  if (mayBeVersion3 && !hasOption(kept, "lock", "nolock", "local_lock")) kept.push("nolock");
  const stated = versionInOptions(kept);
  const isSaid = version === "auto" || (stated.kind === "version" && stated.version === version);
  return {
    options: isSaid ? kept : [...kept.filter((option) => !isVersionOption(option)), `vers=${version}`],
    warnings: removed.map((option) => `${option} is removed: nfs-init waits and repeats by itself`),
  };
}

/** What `user` and its kin imply, unless a later option says otherwise (mount(8), "user"). */
const implied: ReadonlyMap<string, readonly string[]> = new Map([
  ["user", ["noexec", "nosuid", "nodev"]],
  ["users", ["noexec", "nosuid", "nodev"]],
  ["owner", ["nosuid", "nodev"]],
  ["group", ["nosuid", "nodev"]],
]);

/** Options that are for fstab's other readers and never for the mount call. */
const notForMount = new Set(["auto", "noauto", "nofail", "fail", "_netdev", "nouser", "nousers", "noowner", "nogroup"]);

/**
 * The options one mount call gets: those of the fstab line without fstab's own (`noauto`, `x-...`, `comment=`), with what
 * `user` implies, the exact version, and `retry=0`: one call is one attempt.
 */
export function mountCallOptions(options: readonly string[], version: ExactVersion): readonly string[] {
  const forCall: string[] = [];
  for (const option of options) {
    const name = nameOf(option);
    if (isVersionOption(option) || notForMount.has(name) || name === "fg" || name === "comment" || /^x-/i.test(name))
      continue;
    const isTakenBack = lastOf(options, option, `no${option}`) !== option;
    forCall.push(...((isTakenBack ? [] : implied.get(option)) ?? [option]));
  }
  return [...forCall, "retry=0", `vers=${version}`];
}
