// How doctor looks at CIFS.
import type { KindDiagnosis } from "../diagnosis.ts";

export const cifsDiagnosis: KindDiagnosis = { steps: "service", changes: {} };
