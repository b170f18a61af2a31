// A share: what is mounted, where, and how.
import type { Secret } from "../text/secret.ts";

/** The kinds of share there are; kinds/kinds.ts has what each of them is. */
export type KindName = "cifs" | "efs" | "nfs";

/** A server and the path it exports. */
export interface Source {
  /** Name, IPv4 or IPv6 address, the last without brackets; a link-local one with its zone. */
  readonly host: string;
  /** Absolute path on the server. */
  readonly path: string;
}

/** Where each part of a share is configured, for messages: what to change. */
export interface ShareNames {
  readonly host: string;
  readonly hostMount: string;
  readonly mountPoint: string;
  readonly version: string;
  readonly options: string;
  /** Where a variable may tell it. */
  readonly username?: string;
  readonly passwordFile?: string;
}

/** One share as it is wanted: everything the plan, the fstab line and the mount call need. */
export interface ShareConfig {
  readonly kind: KindName;
  /** Where it was configured, for messages: `NFS_2_MOUNT_POINT`, `NFS_MOUNTS line 1`. */
  readonly origin: string;
  /** Where each of its parts was, or would be. */
  readonly names: ShareNames;
  readonly source: Source;
  /** Absolute path, symlinks not resolved. */
  readonly target: string;
  /** Of the protocol, as its kind writes it; `auto` leaves it open. */
  readonly version: string;
  /** Options of the fstab line. */
  readonly options: readonly string[];
  /** Options whose values nobody is to see, by name: they are in no line, log or list. */
  readonly secrets?: ReadonlyMap<string, Secret>;
  /** COMMAND may start without it. */
  readonly nofail: boolean;
  /** Somebody else mounts it (`x-nfs-init.watch-only`): it is watched, never mounted or unmounted. */
  readonly watchOnly: boolean;
}

/** A share with everything decided that can be decided before the machine is touched. */
export interface Share extends ShareConfig {
  /** The source as mount(8) and mountinfo write it. */
  readonly label: string;
  /** The target with symlinks resolved: what mountinfo will show. */
  readonly realTarget: string;
  /** The planned share whose target this one's lies below, the nearest. */
  readonly parent: Share | undefined;
  /** Source of another share on the target that an earlier instance of nfs-init left there, and that makes way. */
  readonly replaces?: string;
}

/** The shares that one lies on, the nearest first. */
export function sharesAbove({ parent }: Pick<Share, "parent">): readonly Share[] {
  return parent === undefined ? [] : [parent, ...sharesAbove(parent)];
}
