// Facts of a server in which nothing is wrong, for tests to break one at a time.
import { plainPreparation } from "../../fakes/preparation.ts";
import type { ExportFacts, ServerMachineFacts } from "../../../../src/doctor/server/facts.ts";
import { defaultOptions } from "../../../../src/export/options.ts";

export const fit = { kind: "fit", versions: "+3 +4 +4.0 +4.1 +4.2", threads: 0 } as const;

export const goodMachine: ServerMachineFacts = {
  trial: fit,
  port: 2_049,
  portFact: { kind: "free" },
  isClaimed: false,
  services: [{ name: "MOUNT service", variable: "NFS_MOUNTD_PORT", port: 20_048, fact: { kind: "free" } }],
  hasPortmapper: false,
  state: { path: "/state", fstype: "ext4", unwritable: undefined },
};

export const goodExport: ExportFacts = {
  export: { path: "/data", rules: [{ clients: [{ kind: "any" }], options: defaultOptions }], origin: "NFS_EXPORT" },
  preparation: plainPreparation,
  directory: "there",
  mount: { isOwn: true, fstype: "ext4", root: "/" },
  device: undefined,
  trial: fit,
  served: undefined,
};
