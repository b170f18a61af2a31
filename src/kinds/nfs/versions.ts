// The protocol versions of NFS: how they are written, what options say of them, and which are tried.
import { optionValue } from "../../shares/options.ts";
import type { AgreedVersion, StatedVersion } from "../kind.ts";

/** The protocol versions an NFS share may be asked for; "4" is any minor version of 4. */
export type NfsVersion = "auto" | "3" | "4" | "4.0" | "4.1" | "4.2";

const versionWords: ReadonlyMap<string, NfsVersion> = new Map<string, NfsVersion>([
  ["auto", "auto"],
  ["nfs", "auto"],
  ["3", "3"],
  ["nfs3", "3"],
  ["4", "4"],
  ["nfs4", "4"],
  ["4.0", "4.0"],
  ["4.1", "4.1"],
  ["4.2", "4.2"],
]);

/** A version as NFS_VERSION may have it; undefined where it is none. */
export function parseVersion(text: string): NfsVersion | undefined {
  return versionWords.get(text.toLowerCase());
}

/** A version mount(2) can be asked for. */
export type ExactVersion = "3" | "4.0" | "4.1" | "4.2";

/** Whether an option states the protocol version, every way nfs(5) allows. */
export function isVersionOption(option: string): boolean {
  return /^(?:(?:nfs)?vers=|v\d|minorversion=)/.test(option);
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

/** The narrower of two versions, or undefined where they contradict one another. */
export function narrowerVersion(one: string, other: string): string | undefined {
  if (one === other || other === "auto") return one;
  if (one === "auto") return other;
  if (one === "4" && other.startsWith("4.")) return other;
  if (other === "4" && one.startsWith("4.")) return one;
  return undefined;
}

/** The one version that everything that was said of it leaves. */
export function agreeOnVersion(
  stated: readonly StatedVersion[],
  { name, options }: { readonly name: string; readonly options: readonly string[] },
): AgreedVersion {
  const inOptions = versionInOptions(options);
  if (inOptions.kind === "problem") return { kind: "bad-options", problem: inOptions.problem };
  if (inOptions.kind === "minor" && stated.every(({ version }) => version === "auto")) {
    return { kind: "bad-options", problem: "minorversion= needs version 4 beside it: vers=4, or NFS_VERSION" };
  }
  const all = inOptions.kind === "none" ? stated : [...stated, { name, version: inOptions.version }];
  let agreed = "auto";
  let from = "";
  for (const one of all) {
    const narrower = narrowerVersion(agreed, one.version);
    if (narrower === undefined) {
      const problem = `version ${one.version} of ${one.name} contradicts version ${agreed} of ${from}; say it in one place`;
      return { kind: "contradiction", problem };
    }
    if (narrower !== agreed) from = one.name;
    agreed = narrower;
  }
  return { kind: "version", version: agreed };
}

/** All of them, the newest first. */
const exactVersions: readonly ExactVersion[] = ["4.2", "4.1", "4.0", "3"];

/** The exact versions to try for a share that asks for `version`, the newest first. */
export function versionsToTry(version: string): readonly ExactVersion[] {
  switch (version) {
    case "auto":
      return exactVersions;
    case "4":
      return exactVersions.filter((one) => one !== "3");
    default:
      return exactVersions.filter((one) => one === version);
  }
}
