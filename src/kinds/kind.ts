// What the program asks of a kind of share: the stages ask it, and never which kind it is.
import type { MountRecord } from "../shares/mountinfo.ts";
import type { Share, Source } from "../shares/share.ts";
import type { Secret } from "../text/secret.ts";
import type { MountFailure } from "./failure.ts";

/** One kind of share; kinds.ts has the table of all. Everything here is known without asking anybody. */
export interface ShareKind {
  /** As people call it: "NFS". */
  readonly title: string;
  /** Whether NFS_VERSION and NFS_OPTIONS stand in where a line of this kind says nothing of them. */
  readonly hasVariables: boolean;
  readonly sources: SourceWords;
  readonly options: OptionWords;
  readonly versions: VersionWords;
  readonly mounts: MountWords;
}

/** Its sources. */
export interface SourceWords {
  /** The accepted forms, to go on with after "accepted as SOURCE: ". */
  readonly accepts: string;
  /** Whether a text is meant as one of this kind, rightly written or not; the last kind of the table takes what none has taken. */
  readonly isMeant: (text: string) => boolean;
  readonly parse: (text: string) => ParsedSource | SourceProblem;
  /** The text mount(8) and mountinfo know a source by. */
  readonly format: (source: Source) => string;
}

/** A source as read from a text, with what an address form of it asked for besides. */
export interface ParsedSource {
  readonly source: Source;
  /** Mount options that the text held, in order. */
  readonly options: readonly string[];
  /** What of the text is not used, a sentence each. */
  readonly warnings: readonly string[];
}

/** Why a text is no source: a clause. */
export interface SourceProblem {
  readonly problem: string;
}

/** Its mount options. */
export interface OptionWords {
  /** Those of a share that names none. */
  readonly defaults: readonly string[];
  /** Why a share of `host` cannot be mounted with such options; undefined where it may be. */
  readonly problem: (options: readonly string[], host: string) => string | undefined;
  /** Brings options into the form of the fstab line. */
  readonly plan: (options: readonly string[], version: string) => PlannedOptions;
  /** Whether a word of a mount call was added by nfs-init, and is nothing that somebody could remove. */
  readonly isAdded: (word: string) => boolean;
  /** What to do about an option that the kernel refuses, where that is known: a clause. */
  readonly hint: (word: string) => string | undefined;
  /** Where its options are written down, to check one against: `nfs(5)`. */
  readonly manual: string;
}

/** The options of a share as its fstab line has them, with what was changed and why. */
export interface PlannedOptions {
  readonly options: readonly string[];
  readonly warnings: readonly string[];
}

/** A version and the name of the value that states it. */
export interface StatedVersion {
  readonly name: string;
  readonly version: string;
}

/** The one version that everything that was said of it leaves; or why it contradicts itself. */
export type AgreedVersion =
  | { readonly kind: "version"; readonly version: string }
  /** The options themselves cannot be. */
  | { readonly kind: "bad-options"; readonly problem: string }
  | { readonly kind: "contradiction"; readonly problem: string };

/** The versions of its protocol. */
export interface VersionWords {
  /** The words of the TYPE column of fstab(5), each with the version that it states, `auto` where it leaves that open. */
  readonly byType: ReadonlyMap<string, string>;
  /** From what was `stated`, the most general first, and the options, which have their own `name`. */
  readonly agree: (
    stated: readonly StatedVersion[],
    options: { readonly name: string; readonly options: readonly string[] },
  ) => AgreedVersion;
}

/** How it is mounted. */
export interface MountWords {
  /** fs_vfstype of the fstab line. */
  readonly fstype: string;
  /** Whether a mount is of this kind. */
  readonly isMounted: (mount: MountRecord) => boolean;
  /** Whether a mount of this kind is of that source. */
  readonly isOf: (mount: MountRecord, source: Source) => boolean;
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
