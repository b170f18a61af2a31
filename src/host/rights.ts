// What the preflight asks the kernel on this machine.
import type { MountRights } from "../mount/preflight.ts";
import { errnoName } from "./errno.ts";
import { mount, mountFlags } from "./libc.ts";
import { readText } from "./text.ts";

/** A directory of /proc that is never a mount point, so that the remount of it can only fail. */
const noMountPoint = "/proc/self/task";

export function mountRights(source: string, target: string): MountRights {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readText("/proc/self/status") ?? "")?.[1];
  return {
    effectiveCapabilities: capabilities === undefined ? undefined : BigInt(`0x${capabilities}`),
    uidMap: readText("/proc/self/uid_map"),
    securityLabel: readText("/proc/self/attr/current")?.replace(/[\0\n]+$/, ""),
    remountErrno: () => errnoName(mount("none", noMountPoint, null, mountFlags.MS_REMOUNT | mountFlags.MS_BIND, null)),
    nfsErrno: () => {
      const onTarget = errnoName(mount(source, target, "nfs", 0, "vers=3"));
      // A target that is not there yet says nothing of the rights.
      return onTarget === "ENOENT" ? errnoName(mount(source, "/", "nfs", 0, "vers=3")) : onTarget;
    },
  };
}
