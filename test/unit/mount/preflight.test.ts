import { mountings } from "../../../src/kinds/mountings.ts";
import { describe, expect, test } from "vitest";
import { refusalOfRights, type MountRights } from "../../../src/mount/preflight.ts";

const sysAdmin = 1n << 21n;
const hostUsers = "         0          0 4294967295\n";
const remapped = "         0     100000      65536\n";

interface Machine extends Partial<Omit<MountRights, "remountErrno" | "harmlessErrno">> {
  readonly remount?: string;
  /** Absent where the question must not be asked: the kernel logs a line about it. */
  readonly nfs?: string;
}

function rights({ remount, nfs, ...told }: Machine): MountRights {
  return {
    effectiveCapabilities: sysAdmin,
    uidMap: hostUsers,
    securityLabel: undefined,
    ...told,
    remountErrno: () => {
      if (remount === undefined) throw new Error("mount(2) was asked for nothing");
      return remount;
    },
    harmlessErrno: () => {
      if (nfs === undefined) throw new Error("the kernel was asked about NFS without need");
      return nfs;
    },
  };
}

describe("a process may mount", () => {
  test.each<[string, Machine]>([
    ["with the capability and nothing against it", { remount: "EINVAL" }],
    ["with every capability", { effectiveCapabilities: (1n << 41n) - 1n, remount: "EINVAL" }],
    [
      "where nothing is to be learned of capabilities and users",
      { effectiveCapabilities: undefined, uidMap: undefined, remount: "EINVAL" },
    ],
    [
      "where a profile forbids the remount and not NFS",
      { remount: "EACCES", nfs: "EINVAL", securityLabel: "my-profile (enforce)" },
    ],
    ["in a user namespace where the kernel allows NFS", { uidMap: remapped, remount: "EINVAL", nfs: "EINVAL" }],
    [
      "where the kernel does not know NFS yet",
      { remount: "EACCES", nfs: "ENODEV", securityLabel: "my-profile (enforce)" },
    ],
  ])("%s", (_, machine) => {
    expect(refusalOfRights(rights(machine), mountings.nfs)).toBeUndefined();
  });
});

describe("a process may not mount", () => {
  test.each<[string, Machine, RegExp, RegExp]>([
    ["without any capability", { effectiveCapabilities: 0n }, /CAP_SYS_ADMIN/, /--cap-add SYS_ADMIN/],
    [
      "with every capability but that one",
      { effectiveCapabilities: ((1n << 41n) - 1n) ^ sysAdmin },
      /lacks the capability CAP_SYS_ADMIN/,
      /cap_add/,
    ],
    ["with its neighbours only", { effectiveCapabilities: (1n << 20n) | (1n << 22n) }, /CAP_SYS_ADMIN/, /SYS_ADMIN/],
    ["under a seccomp profile", { remount: "EPERM" }, /seccomp/, /--security-opt seccomp=/],
    [
      "where nobody says why",
      { effectiveCapabilities: undefined, remount: "EPERM" },
      /not permitted/,
      /CAP_SYS_ADMIN.*seccomp/,
    ],
    [
      "under AppArmor",
      { remount: "EACCES", nfs: "EACCES", securityLabel: "docker-default (enforce)" },
      /security profile.*docker-default \(enforce\)/,
      /apparmor=unconfined.*mount fstype=nfs/,
    ],
    [
      "under a profile without a name",
      { remount: "EACCES", nfs: "EACCES", securityLabel: "" },
      /container$/,
      /apparmor/,
    ],
    [
      "in a user namespace",
      { uidMap: remapped, remount: "EINVAL", nfs: "EPERM" },
      /user namespace/,
      /userns=host.*hostUsers/,
    ],
    [
      "in a user namespace on a host that does not know NFS",
      { uidMap: remapped, remount: "EINVAL", nfs: "ENODEV" },
      /user namespace/,
      /userns=host.*hostUsers/,
    ],
    [
      "in a user namespace under AppArmor",
      { uidMap: remapped, remount: "EINVAL", nfs: "EACCES" },
      /profile/,
      /apparmor/,
    ],
    ["for a reason of its own", { remount: "EACCES", nfs: "EPERM" }, /not permitted/, /./],
  ])("%s", (_, machine, reason, hint) => {
    const refusal = refusalOfRights(rights(machine), mountings.nfs);
    expect(refusal?.reason).toMatch(reason);
    expect(refusal?.hint).toMatch(hint);
  });
});
