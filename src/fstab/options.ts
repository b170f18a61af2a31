// Mount options as nfs(5) and mount(8) write them: what they ask for, what they contradict, what the mount call gets.
import type { NfsVersion } from "../config/values.ts";

/** A version mount(2) can be asked for. */
export type ExactVersion = "3" | "4.0" | "4.1" | "4.2";

/** Options split at their commas, empty ones left out; a comma between double quotes parts nothing (mount(8), "context="). */
export function splitOptions(text: string): readonly string[] {
  return text.match(/(?:"[^"]*"?|[^,"])+/g) ?? [];
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
  | { readonly kind: "problem"; readonly problem: string };

export function versionInOptions(options: readonly string[]): VersionInOptions {
  const found = new Set<string>();
  for (const option of options) {
    const version = /^(?:(?:nfs)?vers=|v(?=\d))(.*)$/.exec(option)?.[1];
    if (version !== undefined) found.add(version);
  }
  const minor = optionValue(options, "minorversion");
  if (found.size === 0) {
    return minor === undefined
      ? { kind: "none" }
      : { kind: "problem", problem: "minorversion= needs vers=4 beside it" };
  }
  const [stated = ""] = found;
  if (found.size > 1) return { kind: "problem", problem: `they name several versions (${[...found].join(", ")})` };
  const version = minor === undefined ? stated : `${stated}.${minor}`;
  if (version === "3" || version === "4" || version === "4.0" || version === "4.1" || version === "4.2") {
    return { kind: "version", version };
  }
  return { kind: "problem", problem: `they name version ${version}; accepted are 3, 4, 4.0, 4.1 and 4.2` };
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
    forCall.push(...(implied.get(option) ?? [option]));
  }
  return [...forCall, "retry=0", `vers=${version}`];
}
