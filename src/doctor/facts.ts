// What doctor knows when it judges: plain data about this process, its machine, and each share with its server.
import type { ExactVersion } from "../kinds/nfs/versions.ts";
import type { MountRecord } from "../shares/mountinfo.ts";
import type { FailedTrial } from "../kinds/diagnosis.ts";
import type { RefusedOption } from "../kinds/mounting.ts";
import type { Readiness } from "../kinds/server.ts";
import type { Share } from "../shares/share.ts";
import { wantsHelper } from "../kinds/nfs/mount-data.ts";
import type { Identity } from "../init/identity.ts";
import type { Asked } from "../ask/path.ts";
import type { RpcFailure } from "../rpc/message.ts";
import type { ExportsAnswer, MountAnswer } from "../rpc/mountd.ts";
import type { AccessAnswer } from "../rpc/nfs3.ts";
import type { LookupAnswer } from "../rpc/nfs4.ts";
import type { PortsAnswer } from "../rpc/rpcbind.ts";
import type { Engine } from "./engine.ts";

/** What /proc and two harmless calls of mount(2) say of this process; see MountRights for the errnos. */
export interface ProcessFacts {
  readonly effectiveCapabilities: bigint | undefined;
  readonly uidMap: string | undefined;
  /** AppArmor profile or SELinux context. */
  readonly securityLabel: string | undefined;
  /** `Seccomp:` of /proc/self/status: 0 off, 1 strict, 2 filtered. */
  readonly seccompMode: number | undefined;
  readonly noNewPrivileges: boolean | undefined;
  readonly remountErrno: string;
  /** Asked only where `remountErrno` or `uidMap` leave a doubt. */
  readonly nfsErrno: string | undefined;
}

/** What is to be seen of the kernel's NFS client. None of it decides: mount(2) has the host load its modules. */
export interface KernelFacts {
  /** /proc/version's release, `6.1.0`. */
  readonly release: string | undefined;
  /** `nfs`, `nfs4` as /proc/filesystems lists them. */
  readonly filesystems: readonly string[];
  /** `nfs`, `nfsv3`, `nfsv4` as /proc/modules lists them. */
  readonly loaded: readonly string[];
  /** Those with a file below /lib/modules/RELEASE; undefined where that directory is not to be seen. */
  readonly onDisk: readonly string[] | undefined;
}

/** Programs of the image and services of this container that version 3 with locks needs. */
export interface LockFacts {
  /** Path of mount.nfs, undefined where the image has none. */
  readonly mountHelper: string | undefined;
  readonly statd: string | undefined;
  /** Whether this container's own rpcbind answers, and whether it knows of statd; asked only where locks are wanted. */
  readonly ownRpcbind: PortsAnswer | undefined;
}

export interface FstabFact {
  /** The file, "none" where none is kept. */
  readonly path: string;
  /** errno where it cannot be written. */
  readonly unwritable: string | undefined;
}

export interface MountPointFact {
  readonly state:
    | { readonly kind: "empty" | "not-empty" }
    /** To be made below `above`, the nearest directory there is. */
    | { readonly kind: "absent"; readonly above: string }
    | { readonly kind: "cannot-be-made"; readonly above: string; readonly errno: string }
    | { readonly kind: "not-a-directory" }
    /** It lies on another share, which is not looked into. */
    | { readonly kind: "on-a-share"; readonly above: string }
    /** Something of NFS is mounted on it; `errno` of statfs(2) where that failed, "" where it did not answer in time. */
    | { readonly kind: "mounted"; readonly source: string; readonly isThisShare: boolean; readonly errno?: string };
  /** The mount it lies on. */
  readonly around: MountRecord | undefined;
}

/** The way to an address, from the routing table: no packet is sent for it. */
export type RouteFact =
  | { readonly kind: "route"; readonly localAddress: string }
  | { readonly kind: "no-route"; readonly reason: string };

/** A TCP port as a connection finds it. */
export type PortFact =
  | { readonly kind: "open"; readonly port: number }
  /** `errno` is ETIMEDOUT also where doctor's own time ran out. */
  | { readonly kind: "closed"; readonly port: number; readonly errno: string; readonly reason: string };

/** NULL of a program in one version, with the median time of three calls where it went well. */
export type ServiceFact =
  | { readonly kind: "success"; readonly port: number; readonly roundTripMs: number }
  | (RpcFailure & { readonly port: number });

/** NFS 4 at the exported path, in the newest minor version that was let. */
export interface Path4Fact {
  /** Versions that the share may use and the server turned away (NFS4ERR_MINOR_VERS_MISMATCH). */
  readonly unspoken: readonly ExactVersion[];
  /** Undefined where all of them were turned away. */
  readonly version: ExactVersion | undefined;
  /** Asked as the mount will: from a port below 1024, unless `noresvport`. */
  readonly asMounted: Asked<LookupAnswer> | undefined;
  /** Asked from the other kind of port; only where the first was refused, or to tell a `secure` export. */
  readonly otherPort: Asked<LookupAnswer> | undefined;
  /** Paths that would do where the asked one is not there: that of an export with fsid=0. */
  readonly instead: string | undefined;
}

/** Version 3 at the exported path. */
export interface Path3Fact {
  readonly asMounted: Asked<MountAnswer>;
  readonly otherPort: Asked<MountAnswer> | undefined;
}

/** What a user may do with the root of the share: the answers to ACCESS. */
export interface AccessFact {
  readonly version: ExactVersion;
  readonly uid: number;
  readonly gid: number;
  readonly answer: LookupAnswer | AccessAnswer;
  /** The same asked as the owner of the directory; only where the user may not write and the owner is somebody else. */
  readonly asOwner: LookupAnswer | AccessAnswer | undefined;
}

export interface AddressFacts {
  readonly address: string;
  readonly route: RouteFact;
  /** The port of the NFS service: `port=`, or 2049. */
  readonly port: PortFact | undefined;
  /** Port 2049, where the share names another one and that does not serve. */
  readonly usualPort: ServiceFact | undefined;
  readonly rpcbind: PortsAnswer | undefined;
  readonly nfs4: ServiceFact | undefined;
  readonly nfs3: ServiceFact | undefined;
  /** Version 3 of mountd, where its port is known. */
  readonly mountd: ServiceFact | undefined;
  /** Whether mountd takes a connection; asked only where it does not answer. */
  readonly mountdPort: PortFact | undefined;
  /** The address mountd was asked at. */
  readonly mountdAddress: string;
  readonly exports: ExportsAnswer | undefined;
  readonly path4: Path4Fact | undefined;
  readonly path3: Path3Fact | undefined;
  readonly access: AccessFact | undefined;
}

export type NameFact =
  | { readonly kind: "resolved" }
  | {
      readonly kind: "unknown" | "no-answer" | "failed" | "no-region";
      readonly reason: string;
      readonly hint?: string | undefined;
    }
  | { readonly kind: "wrong-family"; readonly family: 4 | 6; readonly addresses: readonly string[] };

/** One mount(2) in a mount namespace that nobody else sees. */
export interface TrialCall {
  readonly version: string;
  /** "" where it went well, the name of the errno, or ETIMEDOUT where it did not end in time. */
  readonly errno: string;
  /** The option that it was refused for, where that was found out. */
  readonly refused?: RefusedOption;
  /** Text of the file that was asked for, of one that went well. */
  readonly rights?: string | undefined;
}

export type TrialFact =
  | { readonly kind: "tried"; readonly calls: readonly TrialCall[] }
  | { readonly kind: "not-tried"; readonly reason: string };

/** What of the needs of Kerberos or TLS is seen from here. */
export interface SecurityFacts {
  /** Of the kernel: 6.1.0. */
  readonly release: string;
  /** Whether the module is loaded or built in; a trial has the host load it. */
  readonly hasModule: boolean;
  /** Where the program runs, of the processes that are seen: in this network namespace, or in another. */
  readonly program: "here" | "elsewhere" | "unseen";
  /** Files that are not there, where the program runs or else here. */
  readonly missing: readonly string[];
}

export interface ShareFacts {
  readonly share: Share;
  readonly mountPoint: MountPointFact;
  readonly name: NameFact;
  /** Every address of the name that the share may use. */
  readonly addresses: readonly AddressFacts[];
  /** Of a kind that has no steps of RPC: whether the service answers, and what was found about a trial that failed. */
  readonly service?: Readiness;
  readonly failed?: FailedTrial | undefined;
  /** Whether the server lets the user write, where it tells. */
  readonly mayWrite?: boolean | undefined;
  readonly trial: TrialFact;
  /** Of a share with Kerberos or TLS whose trial failed. */
  readonly security?: SecurityFacts | undefined;
}

export interface DoctorFacts {
  readonly engine: Engine;
  readonly process: ProcessFacts;
  readonly kernel: KernelFacts;
  readonly locks: LockFacts;
  readonly fstab: FstabFact;
  /** Who COMMAND runs as; undefined where that is who doctor runs as. */
  readonly identity: Identity | undefined;
  readonly shares: readonly ShareFacts[];
  readonly tookMs: number;
}

/** Whether a share may be mounted in version 3 with locks, which is what needs mount.nfs, statd and rpcbind here. */
export function wantsLocks(share: Pick<Share, "options" | "version">): boolean {
  return share.version === "3" && wantsHelper(share, "3");
}
