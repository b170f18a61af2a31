// What doctor asks of a kind of share: its own words for what can be in the way.
import type { CauseId } from "./cause-id.ts";
import type { MountedShare } from "./mounting.ts";

/** How a kind is diagnosed; diagnoses.ts has the table of all. */
export interface KindDiagnosis {
  /** What its servers are asked: every step of RPC, or whether the service answers. */
  readonly steps: "rpc" | "service";
  /** What to change, where that is another thing than with a server of NFS: a clause in the imperative. */
  readonly changes: Readonly<Partial<Record<CauseId, string>>>;
  /** What is asked of a kind that has no steps of RPC. */
  readonly trial?: TrialWords;
}

/** What a trial mount tells. */
export interface TrialWords {
  /** The share whose trial tells why that of `share` failed with `errno`, where there is one. */
  readonly telling: (share: MountedShare, errno: string) => MountedShare | undefined;
  /** Why a trial failed, where more is known of it than its errno. */
  readonly explain: (share: MountedShare, failed: FailedTrial) => Diagnosis | undefined;
  /** A file that says of what is mounted whether the server lets the user write. */
  readonly rightsFile: string;
  /** Reads that; undefined where it does not tell of the share. */
  readonly mayWrite: (text: string, share: Pick<MountedShare, "label">) => boolean | undefined;
}

/** A trial mount that failed, and what was found besides. */
export interface FailedTrial {
  readonly errno: string;
  /** How the trial of the telling share went: its errno, "" where it was mounted; undefined where there was none. */
  readonly telling?: string | undefined;
  /** The file of secrets, of a call that has one. */
  readonly file?: SecretsFileFact | undefined;
}

/** A file of secrets, without what is secret in it. */
export interface SecretsFileFact {
  readonly path: string;
  /** Why it is not read: an errno. */
  readonly errno?: string | undefined;
  /** Permission bits of st_mode. */
  readonly mode?: number | undefined;
  /** What it has, by the kernel's names; undefined where that is of no use. */
  readonly has?: readonly string[] | undefined;
}

/** A cause as a kind names it; see Cause of doctor. */
export interface Diagnosis {
  readonly id: CauseId;
  readonly because: string;
  readonly change: string;
}
