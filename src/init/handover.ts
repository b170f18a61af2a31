// What COMMAND is to be other than a copy of nfs-init: another user, fewer capabilities, another umask, its limits.
import type { Identity } from "./identity.ts";

export interface Handover {
  readonly identity: Identity | undefined;
  /** Take the capabilities that only mounting needs, for good. */
  readonly dropCaps: boolean;
  /** umask(2); unchanged where undefined. */
  readonly umask: number | undefined;
  /** Soft limit of open files; unchanged where undefined. */
  readonly nofile: number | undefined;
}

/** The umask of nfs-init itself where it makes directories and files: others enter and read, whatever COMMAND's umask is. */
export const ownUmask = 0o022;

/** A process that is like nfs-init in everything. */
export const plainHandover: Handover = { identity: undefined, dropCaps: false, umask: undefined, nofile: undefined };
