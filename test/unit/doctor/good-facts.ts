// Facts where nothing is wrong, for tests to break one at a time.
import type { AddressFacts, DoctorFacts, Path4Fact, ShareFacts } from "../../../src/doctor/facts.ts";
import type { Environment } from "../../../src/config/config.ts";
import { shareOf } from "../fakes/shares.ts";

const everything = { modify: true, extend: true };
export const nothing = { modify: false, extend: false };

export const found = {
  kind: "found",
  access: everything,
  type: "directory",
  mode: 0o777,
  owner: "0",
  group: "0",
} as const;

export const goodPath4: Path4Fact = {
  unspoken: [],
  version: "4.2",
  asMounted: { ...found, reservedPort: true },
  otherPort: { ...found, reservedPort: false },
  instead: undefined,
};

const registered = (program: number, version: number, port: number) =>
  ({ program, version, transport: "tcp", port }) as const;

export const goodAddress: AddressFacts = {
  address: "192.0.2.1",
  route: { kind: "route", localAddress: "192.0.2.7" },
  port: { kind: "open", port: 2049 },
  usualPort: undefined,
  rpcbind: { kind: "ports", ports: [registered(100_003, 3, 2049), registered(100_005, 3, 20_048)] },
  nfs4: { kind: "success", port: 2049, roundTripMs: 0.5 },
  nfs3: { kind: "success", port: 2049, roundTripMs: 0.5 },
  mountd: { kind: "success", port: 20_048, roundTripMs: 0.5 },
  mountdPort: undefined,
  mountdAddress: "192.0.2.1",
  exports: { kind: "exports", exports: [{ directory: "/export", groups: ["*"] }] },
  path4: goodPath4,
  path3: {
    asMounted: { kind: "mounted", handle: new Uint8Array(8), flavors: [1], reservedPort: true },
    otherPort: undefined,
  },
  access: { version: "4.2", uid: 0, gid: 0, answer: found, asOwner: undefined },
};

/** Of an address behind which nothing was found. */
export const noService = {
  nfs4: undefined,
  nfs3: undefined,
  mountd: undefined,
  exports: undefined,
  path4: undefined,
  path3: undefined,
  access: undefined,
} as const;

export function goodShare(environment: Environment = {}): ShareFacts {
  return {
    share: shareOf(environment),
    mountPoint: { state: { kind: "empty" }, around: undefined },
    name: { kind: "resolved" },
    addresses: [goodAddress],
    trial: { kind: "tried", calls: [{ version: "4.2", errno: "" }] },
  };
}

export function goodFacts(shares: readonly ShareFacts[]): DoctorFacts {
  return {
    engine: "docker",
    process: {
      effectiveCapabilities: 1n << 21n,
      uidMap: "         0          0 4294967295\n",
      securityLabel: undefined,
      seccompMode: 2,
      noNewPrivileges: false,
      remountErrno: "EINVAL",
      nfsErrno: undefined,
    },
    kernel: { release: "6.1.0", filesystems: ["nfs", "nfs4"], loaded: ["nfs"], onDisk: undefined },
    locks: { mountHelper: "/sbin/mount.nfs", statd: "/sbin/rpc.statd", ownRpcbind: undefined },
    fstab: { path: "/etc/fstab", unwritable: undefined },
    identity: undefined,
    shares,
    tookMs: 100,
  };
}
