// What tells one process, one pid namespace and one boot of the machine from another, and what this one may do.
import * as native from "native";
import type { OwnRights } from "../init/identity.ts";
import type { KindMounting } from "../kinds/mounting.ts";
import type { MountRights } from "../mount/preflight.ts";
import { outcomeOf } from "./children.ts";
import { statFields } from "./process-stat.ts";
import { readLink, readText } from "./small-files.ts";

/** Changes with every boot; "" where it cannot be read. */
export function bootId(): string {
  return (readText("/proc/sys/kernel/random/boot_id") ?? "").trim();
}

/** Our pid namespace, `pid:[4026531836]`. A number is used again once its namespace is gone. */
export function pidNamespace(): string | undefined {
  return readLink("/proc/self/ns/pid");
}

/** The start of a process is counted in hundredths of a second on every Linux (USER_HZ). */
const tickMs = 10;

/** When a process of our pid namespace started, on the boot-time clock; undefined where there is none (proc(5), field 22). */
export function processStartedMs(pid: number | "self"): number | undefined {
  const ticks = statFields(pid)?.[22 - 3];
  return ticks === undefined ? undefined : Number(ticks) * tickMs;
}

/** The highest capability that a 64-bit set can hold. */
const lastCapability = 63;

/** The user, group and capabilities of this process. */
export function ownRights(): OwnRights {
  let bounding = 0n;
  for (let capability = 0; capability <= lastCapability; capability++) {
    const read = outcomeOf(() => native.prctl(native.PR_CAPBSET_READ, capability));
    // EINVAL: this kernel has no more.
    if (read.kind === "failed") break;
    if (read.value === 1) bounding |= 1n << BigInt(capability);
  }
  return { uid: native.geteuid(), gid: native.getegid(), effective: native.capget().effective, bounding };
}

/** A directory of /proc that is never a mount point, so that the remount of it can only fail. */
const noMountPoint = "/proc/self/task";

/** What the preflight asks the kernel on this machine. */
export function mountRights(source: string, target: string, harmless: KindMounting["harmless"]): MountRights {
  const mountErrno = (on: string, fstype: string | null, flags: number, data: string | null) => {
    const outcome = outcomeOf(() => native.mount(fstype === null ? "none" : source, on, fstype, flags, data));
    return outcome.kind === "failed" ? outcome.errno : "";
  };
  return {
    effectiveCapabilities: native.capget().effective,
    uidMap: readText("/proc/self/uid_map"),
    securityLabel: readText("/proc/self/attr/current")?.replace(/[\0\n]+$/, ""),
    remountErrno: () => mountErrno(noMountPoint, null, native.MS_REMOUNT | native.MS_BIND, null),
    harmlessErrno: () => {
      const { fstype, data } = harmless;
      const onTarget = mountErrno(target, fstype, 0, data);
      // A target that is not there yet says nothing of the rights.
      return onTarget === "ENOENT" ? mountErrno("/", fstype, 0, data) : onTarget;
    },
  };
}
