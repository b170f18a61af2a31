// How doctor looks at NFS: by every step of RPC, whose words are its own.
import type { KindDiagnosis } from "../diagnosis.ts";

export const nfsDiagnosis: KindDiagnosis = { steps: "rpc", changes: {} };
