// May this process mount at all: found out before any server is asked, without mounting anything.
import type { KindMounting } from "../kinds/mounting.ts";

/** What the kernel says to the harmless calls of the preflight, and what /proc tells of this process. */
export interface MountRights {
  /** CapEff of /proc/self/status, undefined where it cannot be read. */
  readonly effectiveCapabilities: bigint | undefined;
  /** Text of /proc/self/uid_map, undefined where it cannot be read. */
  readonly uidMap: string | undefined;
  /** Label of /proc/self/attr/current: an AppArmor profile or SELinux context. */
  readonly securityLabel: string | undefined;
  /**
   * errno of `mount(NULL, directory, NULL, MS_REMOUNT|MS_BIND)` on a directory that is no mount point: EINVAL where mounting
   * is allowed; EPERM from seccomp, EACCES from AppArmor or SELinux.
   */
  readonly remountErrno: () => string;
  /**
   * errno of the harmless call of the share's kind, with options that name no server: EINVAL where it may be mounted. Asked only
   * where the first call leaves a doubt, because the kernel logs a line about it.
   */
  readonly harmlessErrno: () => string;
}

/** Why this process cannot mount such shares, with what to change; undefined where it can. */
export interface Refusal {
  readonly reason: string;
  readonly hint: string;
}

const CAP_SYS_ADMIN = 21n;

export function refusalOfRights(
  rights: MountRights,
  { title, profileRule }: Pick<KindMounting, "title" | "profileRule">,
): Refusal | undefined {
  const { effectiveCapabilities, uidMap, securityLabel, remountErrno, harmlessErrno } = rights;
  if (effectiveCapabilities !== undefined && (effectiveCapabilities & (1n << CAP_SYS_ADMIN)) === 0n) {
    return {
      reason: "this process lacks the capability CAP_SYS_ADMIN",
      hint: "run as root with it: docker run --cap-add SYS_ADMIN, Compose cap_add, Kubernetes securityContext.capabilities.add",
    };
  }
  const isNamespaced = uidMap !== undefined && !/^\s*0\s+0\s+4294967295\s*$/.test(uidMap);
  const first = remountErrno();
  if (first === "EPERM" && effectiveCapabilities === undefined) {
    return { reason: "mount(2) is not permitted", hint: "grant CAP_SYS_ADMIN and allow mount in the seccomp profile" };
  }
  if (first === "EPERM") {
    return {
      reason: "mount(2) is forbidden although CAP_SYS_ADMIN is there: a seccomp profile blocks it",
      hint: "docker run --security-opt seccomp=PROFILE with one that allows mount, or privileged",
    };
  }
  if (first !== "EACCES" && !isNamespaced) return undefined;

  const second = harmlessErrno();
  if (second === "EACCES") {
    const label = securityLabel === undefined || securityLabel === "" ? "" : ` (${securityLabel})`;
    return {
      reason: `mounting ${title} is forbidden by the security profile of this container${label}`,
      hint: `docker run --security-opt apparmor=unconfined, or a profile with the rule '${profileRule}'`,
    };
  }
  // A kernel that does not know them says so before it looks at who asks; with its modules it would say EPERM.
  if (second === "EPERM" || (isNamespaced && second === "ENODEV")) {
    return {
      reason: isNamespaced
        ? `this container runs in a user namespace, where the kernel does not allow ${title} mounts`
        : `mounting ${title} is not permitted here`,
      hint: "run it without user namespaces: docker run --userns=host, Kubernetes hostUsers: true, no rootless engine",
    };
  }
  return undefined;
}
