// A reason why a share does not mount, or not as one would think, with what to change.

export type CauseId =
  // this process
  | "capability"
  | "seccomp"
  | "user-namespace"
  | "security-profile"
  | "not-permitted"
  // here
  | "skipped"
  | "mount-point-not-a-directory"
  | "mount-point-cannot-be-made"
  | "stale-leftover"
  | "hung-leftover"
  | "kernel-no-nfs"
  | "kernel-no-version"
  | "helper-missing"
  | "statd-missing"
  | "option-unknown"
  // the way there
  | "name-unknown"
  | "name-server-silent"
  | "name-unresolved"
  | "no-address-of-family"
  | "no-route"
  | "host-unreachable"
  | "host-silent"
  | "port-dropped"
  | "port-rejected"
  | "port-refused"
  | "port-unusable"
  | "wrong-port"
  // the server
  | "other-service"
  | "service-hangs"
  | "service-not-ready"
  | "version-not-spoken"
  | "minor-not-spoken"
  | "rpcbind-down"
  | "mountd-not-registered"
  | "mountd-unreachable"
  | "mountd-hangs"
  // the export
  | "nothing-exported"
  | "not-exported"
  | "path-missing"
  | "path-forbidden"
  | "client-refused"
  | "reserved-port"
  | "kerberos-only"
  | "kerberos-here"
  | "flavor-not-offered"
  | "root-export"
  | "server-refuses"
  // the mount itself
  | "mount-hangs"
  | "mount-failed"
  // what is possible on the share
  | "read-only-export"
  | "root-squash"
  | "read-only-or-squashed"
  | "not-writable";

export interface Cause {
  readonly id: CauseId;
  /** The source of the share; undefined where it stops all of them. */
  readonly share: string | undefined;
  /** Whether the share does not mount because of it. */
  readonly isFatal: boolean;
  /** A clause that goes on from "because", without a full stop. */
  readonly because: string;
  /** What to do, in the imperative, without a full stop. */
  readonly change: string;
}
