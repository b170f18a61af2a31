// How each kind of share is diagnosed: the one table.
import type { KindName, Share } from "../shares/share.ts";
import { cifsDiagnosis } from "./cifs/diagnosis.ts";
import type { KindDiagnosis } from "./diagnosis.ts";
import { efsDiagnosis } from "./efs/diagnosis.ts";
import { nfsDiagnosis } from "./nfs/diagnosis.ts";

const diagnoses: Readonly<Record<KindName, KindDiagnosis>> = {
  cifs: cifsDiagnosis,
  efs: efsDiagnosis,
  nfs: nfsDiagnosis,
};

/** How a share is diagnosed. */
export function diagnosisOf({ kind }: Pick<Share, "kind">): KindDiagnosis {
  return diagnoses[kind];
}
