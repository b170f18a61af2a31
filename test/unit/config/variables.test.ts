import { describe, expect, test } from "vitest";
import { choiceOf, flagName, shareKeys, variableName, variableRows, variables } from "../../../src/config/variables.ts";

/** Every variable that is promised, with its default; "" where it has none. */
const promised: Readonly<Record<string, string>> = {
  NFS_HOST: "",
  NFS_HOST_MOUNT: "",
  NFS_MOUNT_POINT: "",
  NFS_VERSION: "auto",
  NFS_OPTIONS: "hard,nolock",
  NFS_USERNAME: "",
  NFS_PASSWORD_FILE: "",
  NFS_DOMAIN: "",
  NFS_MOUNTS: "",
  NFS_MOUNT_SKIP: "off",
  NFS_FSTAB: "/etc/fstab",
  NFS_WAIT_TIMEOUT: "0",
  NFS_ATTEMPT_TIMEOUT: "15s",
  NFS_RETRY_MIN: "250ms",
  NFS_RETRY_MAX: "5s",
  NFS_MODPROBE: "auto",
  NFS_USER: "",
  NFS_DROP_CAPS: "off",
  NFS_UMASK: "",
  NFS_REQUIRE_WRITABLE: "off",
  NFS_NOFILE: "",
  NFS_EXEC: "off",
  NFS_SIGNAL_MAP: "",
  NFS_STOP_SIGNAL: "TERM",
  NFS_STOP_GRACE: "8s",
  NFS_UNMOUNT_TIMEOUT: "1500ms",
  NFS_FORCE_UNMOUNT: "auto",
  NFS_WATCH: "exit",
  NFS_WATCH_INTERVAL: "5s",
  NFS_WATCH_TIMEOUT: "5s",
  NFS_WATCH_THRESHOLD: "2",
  NFS_UNRESPONSIVE_AFTER: "3m",
  NFS_SERVER_GONE_AFTER: "0",
  NFS_SIGNAL_ON_REMOUNT: "",
  NFS_WATCH_WRITE: "off",
  NFS_GUARD: "on",
  NFS_LOG_LEVEL: "info",
  NFS_LOG_FORMAT: "auto",
  NFS_STATE_DIR: "/run/nfs-init",
  NFS_LISTEN: "",
  NFS_EXPORT: "",
  NFS_EXPORT_CLIENTS: "",
  NFS_EXPORT_OPTIONS: "rw,sync,root_squash,insecure",
  NFS_EXPORT_OWNER: "",
  NFS_EXPORT_MODE: "",
  NFS_EXPORT_DEVICE: "",
  NFS_EXPORT_REQUIRE_MOUNT: "off",
  NFS_EXPORT_SCRATCH: "",
  NFS_EXPORTS: "",
  NFS_EXPORTS_FILE: "",
  NFS_SERVER_VERSIONS: "",
  NFS_SERVER_PORT: "2049",
  NFS_MOUNTD_PORT: "20048",
  NFS_LOCKD_PORT: "32768",
  NFS_STATD_PORT: "32765",
  NFS_SERVER_THREADS: "8",
  NFS_SERVER_VIP: "",
  NFS_SERVER_GRACE: "90s",
  NFS_SERVER_LEASE: "90s",
  NFS_SERVER_STATE: "/var/lib/nfs-init",
  NFS_SERVER_CHECK_INTERVAL: "10s",
  NFS_SERVER_CHECK_TIMEOUT: "25s",
  NFS_SERVER_CHECK_THRESHOLD: "3",
  NFS_PLUGIN_SOCKET: "/run/docker/plugins/nfs-init.sock",
  NFS_PLUGIN_DIR: "/var/lib/nfs-init/volumes",
  NFS_PLUGIN_STATE: "/var/lib/nfs-init",
  NFS_PLUGIN_STORE: "",
};

test("the table holds every variable there is, with its default", () => {
  expect(Object.fromEntries(variableRows.map(({ name, default: initial }) => [name, initial]))).toEqual(promised);
});

describe.each(variableRows)("$name", (variable) => {
  test("has a default of its own form, a meaning, and an accepted form", () => {
    if (variable.default !== "") expect(variable.format.parse(variable.default)).toBeDefined();
    expect(variable.meaning).not.toBe("");
    expect(variable.format.accepts).not.toBe("");
  });

  test("accepts in its own form what it takes while it is not built", () => {});
});

test("a flag is the name without NFS_, in lower case with hyphens", () => {
  expect(flagName(variables.mountPoint)).toBe("mount-point");
  expect(flagName(variables.hostMount)).toBe("host-mount");
  expect(flagName(variables.unresponsiveAfterMs)).toBe("unresponsive-after");
});

test("the flag of NFS_VERSION leaves --version to the program's own version", () => {
  expect(flagName(variables.version)).toBe("nfs-version");
});

test("no two variables share a flag", () => {
  const flags = variableRows.map(flagName);
  expect(new Set(flags).size).toBe(flags.length);
});

test("the number of a share stands behind NFS_", () => {
  expect(shareKeys.map((key) => variableName(key, "12"))).toEqual([
    "NFS_12_HOST",
    "NFS_12_HOST_MOUNT",
    "NFS_12_MOUNT_POINT",
    "NFS_12_VERSION",
    "NFS_12_OPTIONS",
    "NFS_12_USERNAME",
    "NFS_12_PASSWORD_FILE",
    "NFS_12_DOMAIN",
  ]);
  expect(variableName("host")).toBe("NFS_HOST");
});

test("TEST is another name of NFS_MOUNT_SKIP", () => {
  expect(variables.mountSkip.aliases).toEqual(["TEST"]);
});

test.each([
  ["debug", "debug"],
  ["", "info"],
  [undefined, "info"],
  ["loud", "info"],
])("a log level of %j serves as %s, so that a wrong one can still be reported", (text, level) => {
  expect(choiceOf(variables.logLevel, text)).toBe(level);
});
