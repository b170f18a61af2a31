// Mount options as nfs(5) writes them: what contradicts a server, the fstab line's, and those of a mount call.
import { hasOption, nameOf, optionValue, withoutFstabWords } from "../../shares/options.ts";
import type { PlannedOptions } from "../kind.ts";
import { isVersionOption, versionInOptions, type ExactVersion } from "./versions.ts";

/** Those of a share that names none, as they are written. */
export const defaultOptions = "hard,nolock";

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

/**
 * Brings options into the form of the fstab line: `bg` and `retry=` go (nfs-init repeats by itself), a share that may be
 * version 3 gets `nolock` where nothing is said of locks, and an explicit version stands last.
 */
export function planOptions(options: readonly string[], version: string): PlannedOptions {
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

/**
 * The options one mount call gets: those of the fstab line without fstab's own, with the exact version, and `retry=0`: one call
 * is one attempt.
 */
export function mountCallOptions(options: readonly string[], version: ExactVersion): readonly string[] {
  const own = withoutFstabWords(options).filter((option) => !isVersionOption(option) && nameOf(option) !== "fg");
  return [...own, "retry=0", `vers=${version}`];
}
