// Becomes another user and gives up capabilities: in a process that is about to become COMMAND, or to look at a share as it.
import { mountingCapabilities, type Identity, type OwnRights } from "../init/identity.ts";
import { lastErrno, openLibc } from "./libc.ts";
import { readText } from "./text.ts";

function openCalls() {
  return openLibc({
    capget: { args: ["ptr", "ptr"], returns: "i32" },
    capset: { args: ["ptr", "ptr"], returns: "i32" },
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    setgroups: { args: ["u64", "ptr"], returns: "i32" },
    setresgid: { args: ["u32", "u32", "u32"], returns: "i32" },
    setresuid: { args: ["u32", "u32", "u32"], returns: "i32" },
  });
}

/** The user, group and capabilities of this process. */
export function ownRights(): OwnRights {
  const status = readText("/proc/self/status") ?? "";
  const capabilities = (name: string) =>
    BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0"}`);
  return {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    effective: capabilities("CapEff"),
    bounding: capabilities("CapBnd"),
  };
}

/** A step that failed, with the number of its error. */
export interface Refused {
  readonly step: string;
  readonly errno: number;
}

/** Sets groups, gid and uid for good; all threads follow (nptl(7)). */
export function become({ uid, gid, groups }: Identity): Refused | undefined {
  const libc = openCalls();
  const isSame = process.geteuid?.() === uid && process.getegid?.() === gid && groups.length === 0;
  const list = new Uint32Array([gid, ...groups]);
  if (libc.setgroups(BigInt(list.length), list) !== 0 && !isSame) return { step: "setgroups", errno: lastErrno() };
  if (libc.setresgid(gid, gid, gid) !== 0) return { step: `setgid ${gid}`, errno: lastErrno() };
  if (libc.setresuid(uid, uid, uid) !== 0) return { step: `setuid ${uid}`, errno: lastErrno() };
  return undefined;
}

const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
/** _LINUX_CAPABILITY_VERSION_3: two 32-bit words of each set (capget(2)). */
const capabilityVersion = 0x2008_0522;

/**
 * Drops what only mounting needs from every set of this process: from the bounding set, so that no program it executes gets
 * it back, and from the inheritable one, which takes it from the ambient one too (capabilities(7)).
 */
export function dropMountingCapabilities(): Refused | undefined {
  const libc = openCalls();
  for (const capability of mountingCapabilities) {
    if (libc.prctl(PR_CAPBSET_READ, BigInt(capability), 0n, 0n, 0n) !== 1) continue;
    if (libc.prctl(PR_CAPBSET_DROP, BigInt(capability), 0n, 0n, 0n) !== 0) {
      return { step: `drop capability ${capability}`, errno: lastErrno() };
    }
  }
  const header = new Uint32Array([capabilityVersion, 0]);
  // Effective, permitted, inheritable of the first 32 capabilities, then of the rest.
  const sets = new Uint32Array(6);
  if (libc.capget(header, sets) !== 0) return { step: "capget", errno: lastErrno() };
  const kept = ~mountingCapabilities.reduce((mask, capability) => mask | (1 << capability), 0);
  for (const index of [0, 1, 2]) sets[index] = (sets[index] ?? 0) & kept;
  return libc.capset(header, sets) === 0 ? undefined : { step: "capset", errno: lastErrno() };
}
