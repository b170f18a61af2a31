// Facts in, the cause and its sentence out: each fault as it was measured on a real nfsd of Linux 6.1.
import { describe, expect, test } from "vitest";
import type { CauseId } from "../../../src/kinds/cause-id.ts";
import type { AddressFacts, DoctorFacts, Path4Fact, ShareFacts } from "../../../src/doctor/facts.ts";
import { judge } from "../../../src/doctor/findings.ts";
import type { LookupAnswer } from "../../../src/rpc/nfs4.ts";
import type { Environment } from "../../../src/config/config.ts";
import { found, goodAddress, goodFacts, goodPath4, goodShare, noService, nothing } from "./good-facts.ts";

interface Fault {
  readonly environment?: Environment;
  readonly process?: Partial<DoctorFacts["process"]>;
  readonly machine?: Partial<DoctorFacts>;
  readonly share?: Partial<ShareFacts>;
  readonly address?: Partial<AddressFacts>;
  readonly path4?: Partial<Path4Fact>;
}

/** Of a share that does not mount no trial says that it did. */
const untried = { trial: { kind: "not-tried", reason: "not in this test" } } as const;

function judged({ environment, process, machine, share, address, path4 }: Fault) {
  const good = goodShare(environment);
  const one: ShareFacts = {
    ...good,
    ...untried,
    addresses: [{ ...goodAddress, ...(path4 === undefined ? {} : { path4: { ...goodPath4, ...path4 } }), ...address }],
    ...share,
  };
  const facts = goodFacts([one]);
  return judge({ ...facts, ...machine, process: { ...facts.process, ...process } });
}

const silent = { kind: "no-answer", reason: "connection timed out", errno: "ETIMEDOUT" } as const;
const refused = { kind: "no-answer", reason: "connection refused", errno: "ECONNREFUSED" } as const;
const closed = (errno: string, port = 2049) => ({ kind: "closed", port, errno, reason: errno }) as const;
const open = (port: number) => ({ kind: "open", port }) as const;
const noPaths = { path4: undefined, path3: undefined, access: undefined };
const noMountd = { mountd: undefined, exports: undefined, path3: undefined };
const nfs4 = (status: string, path = "/export", reservedPort = true) =>
  ({ kind: "nfs-error", status: `NFS4ERR_${status}`, operation: "LOOKUP", path, reservedPort }) as const;
const mnt = (status: string, reservedPort = true) =>
  ({ kind: "mount-error", status: `MNT3ERR_${status}`, reservedPort }) as const;
const path3 = (
  asMounted: NonNullable<AddressFacts["path3"]>["asMounted"],
  otherPort?: NonNullable<AddressFacts["path3"]>["asMounted"],
) => ({
  asMounted,
  otherPort,
});
const mounted = { kind: "mounted", handle: new Uint8Array(8), flavors: [1], reservedPort: true } as const;
const denied = {
  kind: "refused",
  cause: "authentication",
  stat: "AUTH_BADCRED",
  reason: "authentication refused",
  reservedPort: true,
} as const;
const exportsTo = (directory: string, ...groups: readonly string[]) =>
  ({ kind: "exports", exports: [{ directory, groups }] }) as const;
const nothingSeen = { release: "6.4.16", hasModule: false, program: "unseen", missing: [] } as const;
const v3: Environment = { NFS_VERSION: "3" };
const v4: Environment = { NFS_VERSION: "4.2" };
const tried = (...calls: readonly (readonly ["3" | "4.0" | "4.1" | "4.2", string])[]) => ({
  trial: { kind: "tried", calls: calls.map(([version, errno]) => ({ version, errno })) } as const,
});

describe("a share does not mount", () => {
  test.each<[CauseId, string, Fault, RegExp]>([
    // this process
    [
      "capability",
      "without CAP_SYS_ADMIN",
      { process: { effectiveCapabilities: 0n } },
      /lacks the capability CAP_SYS_ADMIN; docker run --cap-add SYS_ADMIN/,
    ],
    ["seccomp", "under a seccomp filter", { process: { remountErrno: "EPERM" } }, /seccomp/],
    [
      "security-profile",
      "under AppArmor",
      { process: { remountErrno: "EACCES", nfsErrno: "EACCES", securityLabel: "docker-default (enforce)" } },
      /docker-default \(enforce\).*apparmor=unconfined/,
    ],
    [
      "user-namespace",
      "in a user namespace",
      { process: { uidMap: "0 100000 65536", nfsErrno: "EPERM" } },
      /--userns=host/,
    ],
    [
      "capability",
      "without CAP_SYS_ADMIN, and with a server that is away",
      { process: { effectiveCapabilities: 0n }, address: { ...noService, port: closed("ECONNREFUSED") } },
      /CAP_SYS_ADMIN/,
    ],
    // here
    [
      "mount-point-not-a-directory",
      "on a file",
      { share: { mountPoint: { state: { kind: "not-a-directory" }, around: undefined } } },
      /\/mnt\/data is a file/,
    ],
    [
      "mount-point-cannot-be-made",
      "on a directory that cannot be made",
      {
        share: { mountPoint: { state: { kind: "cannot-be-made", above: "/mnt", errno: "EROFS" }, around: undefined } },
      },
      /EROFS/,
    ],
    [
      "hung-leftover",
      "over one that hangs though its server answers",
      {
        share: {
          mountPoint: {
            state: { kind: "mounted", source: "nas:/export", isThisShare: true, errno: "" },
            around: undefined,
          },
        },
      },
      /does not answer although/,
    ],
    [
      "helper-missing",
      "in version 3 with locks and no mount.nfs",
      {
        environment: { ...v3, NFS_OPTIONS: "hard,lock" },
        machine: { locks: { mountHelper: undefined, statd: undefined, ownRpcbind: undefined } },
      },
      /mount\.nfs/,
    ],
    [
      "statd-missing",
      "in version 3 with locks and no rpcbind here",
      {
        environment: { ...v3, NFS_OPTIONS: "hard,lock" },
        machine: { locks: { mountHelper: "/sbin/mount.nfs", statd: "/sbin/rpc.statd", ownRpcbind: refused } },
      },
      /rpc\.statd.*nolock/,
    ],
    // the name
    [
      "name-unknown",
      "by a name nobody knows",
      { share: { name: { kind: "unknown", reason: "name not known" }, addresses: [] } },
      /name nas is not known/,
    ],
    [
      "name-server-silent",
      "while the name server is silent",
      { share: { name: { kind: "no-answer", reason: "" }, addresses: [] } },
      /name server does not answer/,
    ],
    [
      "no-address-of-family",
      "over IPv6 from a server without",
      { share: { name: { kind: "wrong-family", family: 6, addresses: ["192.0.2.1"] }, addresses: [] } },
      /proto=/,
    ],
    // the way there
    [
      "no-route",
      "without a route",
      {
        address: {
          ...noService,
          route: { kind: "no-route", reason: "network is unreachable" },
          port: undefined,
          rpcbind: undefined,
        },
      },
      /no route to 192\.0\.2\.1/,
    ],
    [
      "host-unreachable",
      "where no machine is",
      { address: { ...noService, port: closed("EHOSTUNREACH"), rpcbind: { ...silent, errno: "EHOSTUNREACH" } } },
      /no machine answers/,
    ],
    [
      "host-silent",
      "behind a firewall that drops everything",
      { address: { ...noService, port: closed("ETIMEDOUT"), rpcbind: silent } },
      /no packet comes back/,
    ],
    [
      "port-dropped",
      "behind a firewall that drops the port",
      { address: { ...noService, port: closed("ETIMEDOUT") } },
      /firewall drops/,
    ],
    [
      "port-dropped",
      "behind such a firewall, without rpcbind",
      { address: { ...noService, port: closed("ETIMEDOUT"), rpcbind: refused } },
      /firewall drops/,
    ],
    [
      "port-rejected",
      "behind a firewall that rejects the port",
      { address: { ...noService, port: closed("ECONNREFUSED") } },
      /firewall rejects/,
    ],
    [
      "port-rejected",
      "behind a firewall that calls it unreachable",
      { address: { ...noService, port: closed("EHOSTUNREACH") } },
      /firewall rejects/,
    ],
    [
      "port-refused",
      "before the server is started",
      { address: { ...noService, port: closed("ECONNREFUSED"), rpcbind: refused } },
      /nothing listens on port 2049.*start the NFS server/,
    ],
    [
      "wrong-port",
      "by a port that is not the server's",
      {
        environment: { NFS_OPTIONS: "hard,nolock,port=2050" },
        address: {
          ...noService,
          port: closed("ECONNREFUSED", 2050),
          usualPort: { kind: "success", port: 2049, roundTripMs: 1 },
        },
      },
      /NFS answers on port 2049/,
    ],
    [
      "wrong-port",
      "by the usual port where rpcbind has another",
      {
        address: {
          ...noService,
          port: closed("ECONNREFUSED"),
          rpcbind: { kind: "ports", ports: [{ program: 100_003, version: 4, transport: "tcp", port: 2050 }] },
        },
      },
      /add port=2050 to NFS_OPTIONS/,
    ],
    // the service
    [
      "other-service",
      "where the port is another service's",
      {
        address: {
          ...noPaths,
          nfs4: { kind: "malformed", reason: "is not a reply", port: 2049 },
          nfs3: { kind: "malformed", reason: "is not a reply", port: 2049 },
        },
      },
      /another service/,
    ],
    [
      "other-service",
      "where it hangs up",
      {
        address: {
          ...noPaths,
          nfs4: { kind: "no-answer", reason: "the server closed the connection", port: 2049 },
          nfs3: { kind: "no-answer", reason: "the server closed the connection", port: 2049 },
        },
      },
      /hangs up/,
    ],
    [
      "service-hangs",
      "while the service hangs",
      { address: { ...noPaths, ...noMountd, nfs4: { ...silent, port: 2049 }, nfs3: { ...silent, port: 2049 } } },
      /hangs/,
    ],
    [
      "version-not-spoken",
      "in version 4 from a server of 3",
      {
        environment: v4,
        address: { ...noPaths, nfs4: { kind: "version-mismatch", lowest: 3, highest: 3, port: 2049 } },
      },
      /speaks NFS version 3 only, and the share asks for version 4\.2/,
    ],
    [
      "version-not-spoken",
      "in version 3 from a server of 4 that has no rpcbind",
      {
        environment: v3,
        address: {
          ...noPaths,
          ...noMountd,
          rpcbind: refused,
          nfs3: { kind: "version-mismatch", lowest: 4, highest: 4, port: 2049 },
        },
      },
      /speaks NFS version 4 only/,
    ],
    [
      "minor-not-spoken",
      "in a minor version that is off",
      { environment: v4, path4: { unspoken: ["4.2"], version: undefined, asMounted: undefined, otherPort: undefined } },
      /not 4\.2/,
    ],
    [
      "rpcbind-down",
      "in version 3 without rpcbind",
      { environment: v3, address: { ...noPaths, ...noMountd, rpcbind: refused } },
      /start rpcbind/,
    ],
    [
      "rpcbind-down",
      "from a server of 3 whose rpcbind is behind a firewall",
      {
        address: {
          ...noPaths,
          ...noMountd,
          rpcbind: silent,
          nfs4: { kind: "version-mismatch", lowest: 3, highest: 3, port: 2049 },
        },
      },
      /let port 111 through/,
    ],
    [
      "mountd-not-registered",
      "in version 3 without mountd",
      { environment: v3, address: { ...noPaths, ...noMountd } },
      /start rpc\.mountd/,
    ],
    [
      "mountd-unreachable",
      "in version 3 with mountd behind a firewall",
      { environment: v3, address: { ...noPaths, ...noMountd, mountd: { ...silent, port: 20_048 } } },
      /port 20048.*firewall/,
    ],
    [
      "mountd-hangs",
      "in version 3 with mountd that hangs",
      {
        environment: v3,
        address: { ...noPaths, ...noMountd, mountd: { ...silent, port: 20_048 }, mountdPort: open(20_048) },
      },
      /rpc\.mountd of 192\.0\.2\.1 hangs.*restart rpc\.mountd(?!.*use version 4)/,
    ],
    [
      "mountd-hangs",
      "in version 4 from a server whose mountd hangs",
      {
        environment: v4,
        address: { ...noMountd, mountd: { ...silent, port: 20_048 }, mountdPort: open(20_048) },
        path4: { asMounted: { ...silent, reservedPort: true }, otherPort: undefined },
      },
      /rpc\.mountd of 192\.0\.2\.1 hangs/,
    ],
    [
      "mountd-hangs",
      "in any version from a server whose mountd hangs",
      {
        address: { ...noMountd, mountd: { ...silent, port: 20_048 }, mountdPort: open(20_048) },
        path4: { asMounted: { ...silent, reservedPort: true }, otherPort: undefined },
      },
      /rpc\.mountd of 192\.0\.2\.1 hangs.*restart rpc\.mountd(?!.*use version 4)/,
    ],
    // the export
    [
      "not-exported",
      "from a path that is not exported",
      {
        address: { exports: exportsTo("/other", "*"), path3: path3(mnt("ACCES")) },
        environment: v4,
        path4: { asMounted: nfs4("NOENT") },
      },
      /does not export \/export.*it exports \/other/,
    ],
    [
      "not-exported",
      "from such a path, version 3",
      { environment: v3, address: { exports: exportsTo("/other", "*"), path3: path3(mnt("ACCES")) } },
      /does not export \/export/,
    ],
    [
      "not-exported",
      "from such a path, and no mountd to ask",
      { environment: v4, address: noMountd, path4: { asMounted: nfs4("NOENT") } },
      /not exported, or not to this client, or not there/,
    ],
    [
      "nothing-exported",
      "from a server that exports nothing",
      {
        address: { exports: { kind: "exports", exports: [] }, path3: path3(mnt("ACCES")) },
        path4: { asMounted: denied },
      },
      /exports nothing/,
    ],
    [
      "path-missing",
      "from a path that is not there",
      {
        environment: { ...v4, NFS_HOST_MOUNT: "/export/none" },
        address: { path3: path3(mnt("NOENT")) },
        path4: { asMounted: nfs4("NOENT", "/export/none") },
      },
      /\/export\/none does not exist/,
    ],
    [
      "path-missing",
      "from such a path, version 3",
      { environment: { ...v3, NFS_HOST_MOUNT: "/export/none" }, address: { path3: path3(mnt("NOENT")) } },
      /does not exist/,
    ],
    [
      "client-refused",
      "where the export is for others",
      { environment: v4, address: { exports: exportsTo("/export", "192.0.2.99") }, path4: { asMounted: denied } },
      /to 192\.0\.2\.99 only.*192\.0\.2\.7, or its host's/,
    ],
    [
      "client-refused",
      "where it is for others, version 3",
      { environment: v3, address: { exports: exportsTo("/export", "192.0.2.99"), path3: path3(mnt("ACCES")) } },
      /192\.0\.2\.99/,
    ],
    [
      "client-refused",
      "where it is hidden from this client",
      {
        environment: v4,
        address: { exports: exportsTo("/export", "192.0.2.99"), path3: path3(mnt("ACCES")) },
        path4: { asMounted: nfs4("NOENT") },
      },
      /192\.0\.2\.99/,
    ],
    [
      "client-refused",
      "where it is for a netgroup",
      { environment: v3, address: { exports: exportsTo("/export", "@trusted"), path3: path3(mnt("ACCES")) } },
      /@trusted.*only the server can tell/,
    ],
    [
      "client-refused",
      "where the list names this client and the server refuses it",
      { environment: v3, address: { path3: path3(mnt("ACCES")) } },
      /may see another one/,
    ],
    [
      "reserved-port",
      "from a high port that was asked for",
      {
        environment: { ...v4, NFS_OPTIONS: "noresvport" },
        path4: { asMounted: nfs4("PERM", "/export", false), otherPort: { ...found, reservedPort: true } },
      },
      /remove noresvport/,
    ],
    [
      "reserved-port",
      "from such a port, version 3",
      {
        environment: { ...v3, NFS_OPTIONS: "nolock,noresvport" },
        address: { path3: path3(mnt("ACCES", false), mounted) },
      },
      /remove noresvport/,
    ],
    ["reserved-port", "where NAT changes the port", { environment: v4, path4: { asMounted: nfs4("PERM") } }, /NAT/],
    [
      "kerberos-only",
      "where Kerberos is wanted",
      { environment: v4, path4: { asMounted: nfs4("WRONGSEC") } },
      /Kerberos/,
    ],
    [
      "kerberos-only",
      "where Kerberos is wanted, version 3",
      { environment: v3, address: { path3: path3({ ...mounted, flavors: [390_003] }) } },
      /Kerberos/,
    ],
    [
      "root-export",
      "in version 4 where the export has fsid=0",
      { environment: v4, path4: { asMounted: nfs4("NOENT"), instead: "/" } },
      /fsid=0.*NFS_HOST_MOUNT=\/ /,
    ],
    [
      "path-forbidden",
      "where a directory above is closed",
      { environment: v4, path4: { asMounted: nfs4("ACCESS", "/export") } },
      /may|does not let root/,
    ],
    [
      "server-refuses",
      "for a reason that nobody has met",
      { environment: v4, path4: { asMounted: nfs4("MOVED") } },
      /NFS4ERR_MOVED/,
    ],
    // this kernel
    [
      "kernel-no-nfs",
      "where the kernel has no NFS",
      { share: tried(["4.2", "ENODEV"], ["3", "ENODEV"]) },
      /modules nfs, nfsv3 and nfsv4/,
    ],
    [
      "kernel-no-version",
      "where it has no version 3",
      { environment: v3, share: tried(["3", "EPROTONOSUPPORT"]) },
      /nfsv3/,
    ],
    [
      "kernel-no-version",
      "where it has no version 4",
      { environment: v4, share: tried(["4.2", "EPROTONOSUPPORT"]) },
      /nfsv4/,
    ],
    ["option-unknown", "with options it does not know", { share: tried(["4.2", "EINVAL"]) }, /NFS_OPTIONS/],
    [
      "option-unknown",
      "with an option that was found out",
      {
        share: {
          trial: {
            kind: "tried",
            calls: [
              { version: "4.2", errno: "EINVAL", refused: { word: "uid=1000", said: "nfs4: Unknown parameter 'uid'" } },
              { version: "3", errno: "EINVAL" },
            ],
          },
        },
      },
      /refuses the mount option uid=1000: nfs4: Unknown parameter 'uid'.*NFS_USER/,
    ],
    [
      "mount-failed",
      "where the version that got furthest was refused by the server",
      { share: tried(["4.2", "EINVAL"], ["4.1", "EPROTONOSUPPORT"], ["3", "EACCES"]) },
      /version 3 says access denied by server \(EACCES\)(?!.*option)/,
    ],
    ...["EACCES", "EINVAL", "EPERM"].map((errno): [CauseId, string, Fault, RegExp] => [
      "kerberos-here",
      `with Kerberos and no rpc.gssd (${errno})`,
      {
        environment: { NFS_OPTIONS: "nolock,sec=krb5p" },
        address: { path3: path3({ ...mounted, flavors: [1, 390_003, 390_005] }) },
        share: tried(["4.2", errno], ["3", errno]),
      },
      /sec=krb5p needs rpc\.gssd.*keytab.*the export offers sys, krb5, krb5p(?!.*does not export)/,
    ]),
    [
      "kerberos-here",
      "with Kerberos from an export that wants it",
      {
        environment: { ...v4, NFS_OPTIONS: "sec=krb5" },
        path4: { asMounted: nfs4("WRONGSEC") },
        address: { path3: path3({ ...mounted, flavors: [390_003] }) },
        share: tried(["4.2", "EACCES"]),
      },
      /sec=krb5 needs rpc\.gssd.*the export offers krb5[^ip]/,
    ],
    [
      "flavor-not-offered",
      "with a flavor that the export does not offer",
      {
        environment: { NFS_OPTIONS: "nolock,sec=krb5p" },
        share: tried(["4.2", "EACCES"], ["3", "EACCES"]),
      },
      /offers sys and not krb5p.*add krb5p to sec=/,
    ],
    [
      "kerberos-here",
      "with Kerberos, of which nothing is seen here",
      {
        environment: { ...v4, NFS_OPTIONS: "sec=krb5" },
        share: { ...tried(["4.2", "EINVAL"]), security: { ...nothingSeen, missing: ["/etc/krb5.keytab"] } },
        address: { path3: undefined },
      },
      /says EINVAL; rpcsec_gss_krb5 is not loaded, no rpc\.gssd is seen from here, there is no \/etc\/krb5\.keytab; start rpc\.gssd/,
    ],
    [
      "option-unknown",
      "with Kerberos and another option that the kernel refuses",
      {
        environment: { ...v4, NFS_OPTIONS: "sec=krb5,colour=red" },
        share: {
          trial: {
            kind: "tried",
            calls: [{ version: "4.2", errno: "EINVAL", refused: { word: "colour=red", said: undefined } }],
          },
          security: nothingSeen,
        },
        address: { path3: undefined },
      },
      /refuses the mount option colour=red/,
    ],
    [
      "kerberos-here",
      "with Kerberos and rpc.gssd elsewhere",
      {
        environment: { ...v4, NFS_OPTIONS: "sec=krb5" },
        share: { ...tried(["4.2", "EINVAL"]), security: { ...nothingSeen, hasModule: true, program: "elsewhere" } },
        address: { path3: undefined },
      },
      /says EINVAL; rpc\.gssd runs in another network than this; start rpc\.gssd .*host's network/,
    ],
    [
      "kerberos-here",
      "with Kerberos where everything is seen",
      {
        environment: { ...v4, NFS_OPTIONS: "sec=krb5" },
        share: { ...tried(["4.2", "EACCES"]), security: { ...nothingSeen, hasModule: true, program: "here" } },
        address: { path3: undefined },
      },
      /says EACCES; look at the log of rpc\.gssd/,
    ],
    [
      "tls-here",
      "with TLS on an old kernel",
      {
        environment: { ...v4, NFS_OPTIONS: "xprtsec=tls" },
        share: { ...tried(["4.2", "EINVAL"]), security: nothingSeen },
      },
      /xprtsec=tls needs Linux 6\.5 and tlshd.*this kernel is 6\.4\.16, no tlshd is seen from here/,
    ],
    ...["6.5.0", "6.12.9", "10.0.1"].map((release): [CauseId, string, Fault, RegExp] => [
      "tls-here",
      `with TLS and no tlshd on Linux ${release}`,
      {
        environment: { ...v4, NFS_OPTIONS: "xprtsec=mtls" },
        share: { ...tried(["4.2", "ESRCH"]), security: { ...nothingSeen, release, hasModule: true } },
      },
      /xprtsec=mtls needs .*certificate of this client.* says ESRCH; no tlshd is seen from here; start tlshd/,
    ]),
    ["mount-hangs", "where mount(2) does not end", { share: tried(["4.2", "ETIMEDOUT"]) }, /does not end/],
    ["mount-failed", "for an error nothing explains", { share: tried(["4.2", "EIO"]) }, /Input\/output error \(EIO\)/],
  ])("%s: %s", (id, _, fault, sentence) => {
    const { causes, wouldMount, verdict } = judged(fault);
    expect({ id: causes[0]?.id, wouldMount }).toEqual({ id, wouldMount: false });
    expect(verdict).toMatch(sentence);
    expect(verdict).toMatch(/^[^\n]*[^.]\.$/);
  });
});

/** ACCESS denied to `uid`, on a directory of `mode`, `owner` and `group`; `asOwner` is what its owner gets. */
const access = (
  uid: number,
  mode: number,
  owner: string,
  asOwner?: LookupAnswer,
  group = owner,
): Partial<AddressFacts> => ({
  access: { version: "4.2", uid, gid: uid, answer: { ...found, access: nothing, mode, owner, group }, asOwner },
});
const shut: LookupAnswer = { ...found, access: nothing };

describe("a share mounts, but", () => {
  const mounts = tried(["4.2", ""]);
  test.each<[CauseId, string, Fault, RegExp]>([
    [
      "stale-leftover",
      "a stale one is left",
      {
        share: {
          ...mounts,
          mountPoint: {
            state: { kind: "mounted", source: "nas:/export", isThisShare: true, errno: "ESTALE" },
            around: undefined,
          },
        },
      },
      /stale mount/,
    ],
    [
      "root-export",
      "in version 3 only, because of fsid=0",
      { share: tried(["4.2", "ENOENT"], ["3", ""]), path4: { asMounted: nfs4("NOENT"), instead: "/" } },
      /in version 3 only/,
    ],
    [
      "kernel-no-version",
      "in version 3 only, because the kernel lacks 4",
      { share: tried(["4.2", "EPROTONOSUPPORT"], ["3", ""]) },
      /nfsv4/,
    ],
    [
      "read-only-export",
      "it is read-only: all might write by its mode",
      { share: mounts, address: access(0, 0o777, "0") },
      /read-only/,
    ],
    [
      "read-only-export",
      "it is read-only: not even its owner may write",
      { share: mounts, address: access(0, 0o755, "1000", shut) },
      /read-only/,
    ],
    [
      "read-only-export",
      "it is read-only: its owner asks",
      { share: mounts, address: access(1000, 0o755, "1000") },
      /read-only.*all_squash/,
    ],
    [
      "root-squash",
      "root is squashed: its owner might write",
      { share: mounts, address: access(0, 0o755, "1000", found) },
      /root_squash.*NFS_USER=1000/,
    ],
    [
      "read-only-or-squashed",
      "the directory is root's own",
      { share: mounts, address: access(0, 0o755, "0") },
      /root_squash.*read-only/,
    ],
    [
      "read-only-export",
      "it is read-only: its group may write, and a member asks",
      { share: mounts, address: access(1000, 0o770, "0", shut, "1000") },
      /all_squash/,
    ],
    [
      "read-only-export",
      "it is read-only: its owner may not write either",
      { share: mounts, address: access(1000, 0o755, "1001", shut) },
      /read-only/,
    ],
    [
      "not-writable",
      "only its owner may write, and does",
      { share: mounts, address: access(1000, 0o755, "1001", found) },
      /owner 1001:1001/,
    ],
    [
      "not-writable",
      "another group may write",
      { share: mounts, address: access(1000, 0o770, "0", shut, "1001") },
      /mode 0770/,
    ],
    [
      "not-writable",
      "its mode does not let that user write",
      { share: mounts, address: access(1000, 0o755, "0", found) },
      /mode 0755 and owner 0:0/,
    ],
  ])("%s: %s", (id, _, fault, sentence) => {
    const { causes, wouldMount, verdict } = judged(fault);
    expect({ id: causes[0]?.id, wouldMount }).toEqual({ id, wouldMount: true });
    expect(verdict).toMatch(/would mount, but/);
    expect(verdict).toMatch(sentence);
  });
});

describe("nothing is found", () => {
  test.each<[string, Fault]>([
    ["where the trial mounted", { share: tried(["4.2", ""]) }],
    [
      "where the trial mounted, whatever the questions said",
      { share: tried(["4.2", ""]), path4: { asMounted: denied } },
    ],
    [
      "where one address of two serves",
      {
        share: {
          ...tried(["4.2", ""]),
          addresses: [{ ...goodAddress, ...noService, port: closed("ETIMEDOUT"), rpcbind: silent }, goodAddress],
        },
      },
    ],
    ["where no trial could be made and the server has nothing against it", {}],
    ["where doctor itself has no reserved port", { path4: { asMounted: nfs4("PERM", "/export", false) } }],
    [
      "where a share that is mounted answers",
      {
        share: {
          mountPoint: { state: { kind: "mounted", source: "nas:/export", isThisShare: true }, around: undefined },
        },
        path4: { asMounted: denied },
      },
    ],
    [
      "where a read-only share is not writable",
      { environment: { NFS_OPTIONS: "ro,nolock" }, share: tried(["4.2", ""]), address: access(0, 0o777, "0") },
    ],
  ])("%s", (_, fault) => {
    expect(judged(fault)).toMatchObject({ wouldMount: true, causes: [] });
  });
});

test("what is to be changed is named as that share has it", () => {
  const listed = goodShare({
    NFS_HOST: "",
    NFS_HOST_MOUNT: "",
    NFS_MOUNT_POINT: "",
    NFS_MOUNTS: "nas:/export /mnt/data nfs4 soft",
  });
  const { verdict } = judge(
    goodFacts([{ ...listed, trial: { kind: "tried", calls: [{ version: "4.2", errno: "EINVAL" }] } }]),
  );
  expect(verdict).toContain("check the options in NFS_MOUNTS line 1 against nfs(5)");
});

test("of several shares the sentence names one and counts the others", () => {
  const bad = {
    ...goodShare(),
    ...untried,
    name: { kind: "unknown", reason: "name not known" },
    addresses: [],
  } as const;
  const { verdict, sections } = judge(goodFacts([goodShare(), bad]));
  expect(verdict).toMatch(/^nas:\/export does not mount \(1 of 2 shares do not\) because/);
  expect(sections).toHaveLength(3);
});

test("a skipped configuration is the first cause", () => {
  const { verdict, wouldMount } = judge(goodFacts([]), true);
  expect(verdict).toMatch(/NFS_MOUNT_SKIP/);
  expect(wouldMount).toBe(false);
});
