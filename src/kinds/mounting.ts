// What mounting asks of a kind of share: the calls that may make a mount of it, and what their failures mean.
import type { Share } from "../shares/share.ts";
import type { Secret } from "../text/secret.ts";
import type { MountFailure } from "./failure.ts";

/** How a kind is mounted; mountings.ts has the table of all. */
export interface KindMounting {
  /** As people call it: "NFS". */
  readonly title: string;
  /** The ways to mount a share, the best first; without those in a version that its server does not speak. */
  readonly ways: (share: MountedShare, unspoken: readonly string[]) => readonly MountWay[];
  /** What a round of calls came to, with what is to be checked for a share such as this. */
  readonly withHint: (share: MountedShare, failure: MountFailure) => MountFailure;
  /** The modules of the kernel that it takes. */
  readonly modules: readonly string[];
  /**
   * A call that names no server and so can only fail: EINVAL where such file systems may be mounted, ENODEV where the kernel does
   * not know them.
   */
  readonly harmless: Pick<KernelMount, "fstype" | "data">;
  /** The rule of an AppArmor profile that allows it (apparmor.d(5)). */
  readonly profileRule: string;
  readonly options: {
    /** Whether a word of a mount call was added by nfs-init, and is nothing that somebody could remove. */
    readonly isAdded: (word: string) => boolean;
    /** What to do about an option that the kernel refuses, where that is known: a clause. */
    readonly hint: (word: string) => string | undefined;
    /** Where its options are written down, to check one against: `nfs(5)`. */
    readonly manual: string;
  };
}

/** What of a share a mount call depends on. */
export type MountedShare = Pick<Share, "label" | "options" | "version" | "secrets">;

/** One way to mount a share: NFS has one for each version. */
export interface MountWay {
  /** Of the protocol, as the log names it. */
  readonly version: string;
  /** The program that has to make this mount; undefined where mount(2) does. */
  readonly helper: MountHelper | undefined;
  /** What mount(2) is given. */
  readonly call: (addresses: MountAddresses) => KernelMount;
  /** What an errno of mount(2) means. */
  readonly failure: (errno: string) => MountFailure;
}

/** A mount helper (mount(8), "EXTERNAL HELPERS"). */
export interface MountHelper {
  readonly file: string;
  readonly argumentsFor: (target: string) => readonly string[];
  /** What it means that the helper ended with `exitCode`, not 0, and wrote this. */
  readonly failure: (stderr: string, exitCode: number) => MountFailure;
  /** What to do where it is not there: a clause. */
  readonly missingHint: string;
}

/** Where the server of a share was found to answer. */
export interface MountAddresses {
  readonly server: string;
  /** mountd's, where `mountaddr=` or `mounthost=` names another host (NFS version 3). */
  readonly mountd: string | undefined;
}

/** The arguments of one mount(2). */
export interface KernelMount {
  readonly source: string;
  readonly fstype: string;
  readonly flags: number;
  /** Without the secrets: this may be shown. */
  readonly data: string;
  /** Options whose values nobody is to see, by name; whoever makes the call adds them. */
  readonly secrets?: ReadonlyMap<string, Secret>;
  /** A file with more of them, which is read for each call: who renews a password need not start anything anew. */
  readonly secretsFile?: SecretsFile;
}

/** A file of secret options. */
export interface SecretsFile {
  readonly path: string;
  /** Its options by name; undefined where it has none of use. */
  readonly parse: (text: string) => ReadonlyMap<string, Secret> | undefined;
  /** The cause of a call's failure where the file cannot be read, or has none of use. */
  readonly lack: string;
}

/** A server that was found ready to mount from. */
export interface ReadyServer {
  readonly address: string;
  /** The versions that the server itself said it does not speak. */
  readonly unspoken: readonly string[];
}

/** An option that the kernel refuses. */
export interface RefusedOption {
  /** As it is written among the options. */
  readonly word: string;
  /** The kernel's own words, where it has some. */
  readonly said: string | undefined;
}
