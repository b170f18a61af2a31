// What the kernel's server is started with, from the configuration.
import type { ExportTable } from "../export/exports.ts";
import type { ServedVersion, ServerSettings } from "../export/server.ts";
import type { ServerValues } from "./exports.ts";

export function serverSettings(
  values: ServerValues,
  table: ExportTable,
  versions: readonly ServedVersion[] | undefined,
): ServerSettings {
  return {
    table,
    versions,
    port: values.serverPort,
    threads: values.serverThreads,
    graceSeconds: Math.round(values.serverGraceMs / 1_000),
    leaseSeconds: Math.round(values.serverLeaseMs / 1_000),
    stateDirectory: values.serverState,
    lockPort: values.lockdPort,
    movingAddress: values.serverVip?.address,
  };
}

/** Whether version 3 is wanted, as far as the configuration goes: the kernel may not have it. */
export function wantsVersion3({ serverVersions }: Pick<ServerValues, "serverVersions">): boolean {
  return serverVersions?.includes("3") ?? true;
}
