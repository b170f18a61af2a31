// The variables of `plugin`.
import type { Variable } from "./variable.ts";
import { absolutePath, anyText } from "./values.ts";

/** What docker-volume-netshare was told by variables of its own, where it is not told by ours. */
export function withNetshareVariables<T extends Readonly<Record<string, string | undefined>>>(environment: T): T {
  const version = environment["NETSHARE_NFS_VERSION"] ?? "";
  return version === "" ? environment : { NFS_VERSION: version, ...environment };
}

export const pluginVariables = {
  pluginSocket: {
    name: "NFS_PLUGIN_SOCKET",
    group: "Docker volumes",
    meaning: "socket on which Docker asks for volumes",
    format: absolutePath,
    default: "/run/docker/plugins/nfs-init.sock",
  },
  pluginDir: {
    name: "NFS_PLUGIN_DIR",
    group: "Docker volumes",
    meaning: "directory below which volumes are mounted",
    format: absolutePath,
    default: "/var/lib/nfs-init/volumes",
  },
  pluginState: {
    name: "NFS_PLUGIN_STATE",
    group: "Docker volumes",
    meaning: "directory where it is kept which volumes there are; it must outlive the machine's start",
    format: absolutePath,
    default: "/var/lib/nfs-init",
  },
  pluginStore: {
    name: "NFS_PLUGIN_STORE",
    group: "Docker volumes",
    meaning: "share in which each volume that names none has a directory of its own, as HOST:/PATH",
    format: anyText("SOURCE, as in nas:/export"),
    default: "",
    defaultMeaning: "none",
  },
} as const satisfies Readonly<Record<string, Variable>>;
