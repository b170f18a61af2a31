// A directory that is exported as it is: nothing is mounted there, nothing is changed.
import type { Preparation } from "../../../src/config/exports.ts";

export const plainPreparation: Preparation = {
  path: "/data",
  origin: "NFS_EXPORT",
  owner: undefined,
  mode: undefined,
  device: undefined,
  requireMount: false,
  scratch: undefined,
};
