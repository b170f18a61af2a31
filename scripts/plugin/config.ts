// What Docker has to know of the managed plugin: its config.json (docs.docker.com/engine/extend/config).
import { variableRows } from "../../src/config/variables.ts";
import { roleNamed } from "../../src/roles/roles.ts";

/** What is mounted below it is seen by the machine, and what is written there outlives an upgrade. */
const propagated = "/mnt/nfs-init";

/** Set here once and for all: Docker knows the socket by its name, and finds volumes only below the propagated mount. */
const fixed: Readonly<Record<string, string>> = {
  NFS_PLUGIN_DIR: `${propagated}/volumes`,
  NFS_PLUGIN_STATE: `${propagated}/state`,
};

/** Of no use in a plugin: it has the one socket, no file system that others see, and no COMMAND. */
const left: ReadonlySet<string> = new Set([
  "NFS_PLUGIN_SOCKET",
  "NFS_STATE_DIR",
  "NFS_MODPROBE",
  "NFS_WATCH",
  "NFS_SIGNAL_ON_REMOUNT",
]);

interface PluginVariable {
  readonly name: string;
  readonly description: string;
  readonly value: string;
  /** Settable by `docker plugin set NAME=VALUE`. */
  readonly settable: readonly "value"[] | null;
}

/** Every variable of the role; an empty one is none. */
export function pluginVariables(): readonly PluginVariable[] {
  const { groups = [], keys = [] } = roleNamed("plugin")?.variables ?? {};
  return variableRows
    .filter(({ key, group }) => groups.includes(group) || keys.includes(key))
    .filter(({ name }) => !left.has(name))
    .map(({ name, meaning }) => {
      const value = fixed[name];
      return { name, description: meaning, value: value ?? "", settable: value === undefined ? ["value"] : null };
    });
}

export function pluginConfig(): Readonly<Record<string, unknown>> {
  return {
    description: "Docker volumes that lie on NFS shares",
    documentation: "docs/docker-volumes.md of nfs-init",
    interface: { types: ["docker.volumedriver/1.0"], socket: "nfs-init.sock" },
    entrypoint: ["/nfs-init", "plugin"],
    // The servers are asked from where the kernel mounts.
    network: { type: "host" },
    linux: { capabilities: ["CAP_SYS_ADMIN"], allowAllDevices: false, devices: null },
    mounts: null,
    propagatedMount: propagated,
    env: pluginVariables(),
  };
}
