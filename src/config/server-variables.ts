// The variables of `serve`: what it exports, and how. They are part of the one table.
import { parseOptions, type ExportOptions } from "../export/options.ts";
import { clientList, device, octalMode, scratch, servedVersions, vip } from "./export-values.ts";
import { absolutePath, anyText, duration, integer, toggle, userSpec, type Format } from "./values.ts";
import type { Variable } from "./variable.ts";

const exportOptions: Format<ExportOptions> = {
  accepts: "options of an export separated by commas",
  parse: (text) => {
    const parsed = parseOptions(text);
    return parsed.kind === "options" ? parsed.options : undefined;
  },
  explain: (text) => {
    const parsed = parseOptions(text);
    return parsed.kind === "problem" ? parsed.reason : undefined;
  },
};

/** Each by the name the program knows it under. */
export const serverVariables = {
  exportPath: {
    name: "NFS_EXPORT",
    group: "Exports",
    meaning: "directory to export; clients mount it under this path",
    format: absolutePath,
    default: "",
    defaultMeaning: "none; one export at least is required",
    numbered: true,
  },
  exportClients: {
    name: "NFS_EXPORT_CLIENTS",
    group: "Exports",
    meaning:
      "who may mount it: * for everybody, addresses, networks (10.0.0.0/8), host names, with blanks or commas between",
    format: clientList,
    default: "",
    defaultMeaning: "the networks this machine is attached to",
    numbered: true,
  },
  exportOptions: {
    name: "NFS_EXPORT_OPTIONS",
    group: "Exports",
    meaning:
      "rw or ro, sync or async, root_squash, no_root_squash or all_squash, anonuid=, anongid=, secure or insecure, fsid=, crossmnt, as in exports(5)",
    format: exportOptions,
    default: "rw,sync,root_squash,insecure",
    numbered: true,
  },
  exportOwner: {
    name: "NFS_EXPORT_OWNER",
    group: "Exports",
    meaning: "owner and group that the directory itself is given",
    format: userSpec,
    default: "",
    defaultMeaning: "unchanged",
    numbered: true,
  },
  exportMode: {
    name: "NFS_EXPORT_MODE",
    group: "Exports",
    meaning: "mode that the directory itself is given, octal",
    format: octalMode,
    default: "",
    defaultMeaning: "unchanged",
    numbered: true,
  },
  exportDevice: {
    name: "NFS_EXPORT_DEVICE",
    group: "Exports",
    meaning: "disk to mount on the directory first: LABEL=..., UUID=... or /dev/...; it is waited for",
    format: device,
    default: "",
    defaultMeaning: "none",
    numbered: true,
  },
  exportRequireMount: {
    name: "NFS_EXPORT_REQUIRE_MOUNT",
    group: "Exports",
    meaning: "the directory must be a mount, so that a missing disk is not served as an empty directory",
    format: toggle,
    default: "off",
    defaultMeaning: "off; on with NFS_EXPORT_DEVICE",
    numbered: true,
  },
  exportScratch: {
    name: "NFS_EXPORT_SCRATCH",
    group: "Exports",
    meaning: "tmpfs or tmpfs:SIZE: export a directory in memory, which ends with this process",
    format: scratch,
    default: "",
    defaultMeaning: "none",
    numbered: true,
  },
  exports: {
    name: "NFS_EXPORTS",
    group: "Exports",
    meaning: "further exports, one a line or separated by ';': PATH CLIENT(OPTIONS)... as in exports(5)",
    format: anyText("PATH CLIENT(OPTIONS)..., one a line or separated by ';'"),
    default: "",
    defaultMeaning: "none",
  },
  exportsFile: {
    name: "NFS_EXPORTS_FILE",
    group: "Exports",
    meaning: "a file with such lines",
    format: absolutePath,
    default: "",
    defaultMeaning: "none",
  },
  serverVersions: {
    name: "NFS_SERVER_VERSIONS",
    group: "The server",
    meaning: "versions that are served, any of 3, 4.0, 4.1 and 4.2",
    format: servedVersions,
    default: "",
    defaultMeaning: "those that the kernel has",
  },
  serverPort: {
    name: "NFS_SERVER_PORT",
    group: "The server",
    meaning: "TCP port that is served",
    format: integer(1, 65_535),
    default: "2049",
  },
  mountdPort: {
    name: "NFS_MOUNTD_PORT",
    group: "The server",
    meaning: "port of the MOUNT service, for version 3",
    format: integer(1, 65_535),
    default: "20048",
  },
  lockdPort: {
    name: "NFS_LOCKD_PORT",
    group: "The server",
    meaning: "port of the lock manager, for version 3",
    format: integer(1, 65_535),
    default: "32768",
  },
  statdPort: {
    name: "NFS_STATD_PORT",
    group: "The server",
    meaning: "port of the status monitor, for version 3",
    format: integer(1, 65_535),
    default: "32765",
  },
  serverVip: {
    name: "NFS_SERVER_VIP",
    group: "The server",
    meaning:
      "address that clients mount from and that moves with the service: taken when no other host has it, given back at the end",
    format: vip,
    default: "",
    defaultMeaning: "none",
  },
  serverThreads: {
    name: "NFS_SERVER_THREADS",
    group: "The server",
    meaning: "how many requests are worked on at a time",
    format: integer(1, 1_024),
    default: "8",
  },
  serverGraceMs: {
    name: "NFS_SERVER_GRACE",
    group: "The server",
    meaning: "longest time that clients have after a start to take back what they held; over as soon as all have",
    format: duration(10_000),
    default: "90s",
  },
  serverLeaseMs: {
    name: "NFS_SERVER_LEASE",
    group: "The server",
    meaning: "a client that is silent for so long loses what it held",
    format: duration(10_000),
    default: "90s",
  },
  serverState: {
    name: "NFS_SERVER_STATE",
    group: "The server",
    meaning:
      "directory where it is kept which clients hold something; it must outlive the container, best on the disk of the data",
    format: absolutePath,
    default: "/var/lib/nfs-init",
  },
  serverCheckIntervalMs: {
    name: "NFS_SERVER_CHECK_INTERVAL",
    group: "The server",
    meaning:
      "between two questions over the wire whether every export is served, each with a file written, read and removed",
    format: duration(100),
    default: "10s",
  },
  serverCheckTimeoutMs: {
    name: "NFS_SERVER_CHECK_TIMEOUT",
    group: "The server",
    meaning: "a question without an answer for so long is a failed one",
    format: duration(100),
    default: "25s",
  },
  serverCheckThreshold: {
    name: "NFS_SERVER_CHECK_THRESHOLD",
    group: "The server",
    meaning: "failed questions in a row that end the server",
    format: integer(1, 1_000),
    default: "3",
  },
} as const satisfies Readonly<Record<string, Variable>>;
