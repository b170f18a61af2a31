// What a configuration and a plan ask of a kind of share; they never ask which kind it is.
import type { MountRecord } from "../shares/mountinfo.ts";
import type { Source } from "../shares/share.ts";

/**
 * One kind of share; kinds.ts has the table of all. What mounting it takes is in mounting.ts,
 * what its servers are asked in server.ts: each is loaded by who needs it.
 */
export interface ShareKind {
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
  /** The server that NFS_HOST names, where `isMeant` holds of its text; undefined where that is none. */
  readonly host: (text: string) => string | undefined;
  /** Where it is none: the mistake that it looks like, and the way out. */
  readonly explainHost: (text: string) => string | undefined;
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
  /** Options with what the variables tell of who it is mounted as, which count where the options say nothing of it; undefined for a kind that asks nobody. */
  readonly withAccount: ((options: readonly string[], account: Account) => readonly string[]) | undefined;
  /** Why a share of `host` cannot be mounted with such options; undefined where it may be. */
  readonly problem: (options: readonly string[], host: string) => string | undefined;
  /** Brings options into the form of the fstab line. */
  readonly plan: (options: readonly string[], version: string) => PlannedOptions;
}

/** Who a share is mounted as, as far as the variables tell. */
export interface Account {
  readonly username: string | undefined;
  readonly domain: string | undefined;
  /** Of a file whose first line is the password. */
  readonly passwordFile: string | undefined;
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

/** How a mount of it is known, and written down. */
export interface MountWords {
  /** fs_vfstype of the fstab line. */
  readonly fstype: string;
  /** Whether a mount is of this kind. */
  readonly isMounted: (mount: MountRecord) => boolean;
  /** Whether a mount of this kind is of that source. */
  readonly isOf: (mount: MountRecord, source: Source) => boolean;
  /** Errnos of a look at a mount of this kind that are no answer, besides those that are none of any kind. */
  readonly silence: readonly string[];
}
