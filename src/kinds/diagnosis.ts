// What doctor asks of a kind of share: its own words for what can be in the way.
import type { CauseId } from "./cause-id.ts";

/** How a kind is diagnosed; diagnoses.ts has the table of all. */
export interface KindDiagnosis {
  /** What its servers are asked: every step of RPC, or whether the service answers. */
  readonly steps: "rpc" | "service";
  /** What to change, where that is another thing than with a server of NFS: a clause in the imperative. */
  readonly changes: Readonly<Partial<Record<CauseId, string>>>;
}
