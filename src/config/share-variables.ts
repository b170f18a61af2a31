// The variables of shares.
import { explainHost, readHost } from "../kinds/kinds.ts";
import { defaultOptions } from "../kinds/nfs/options.ts";
import { optionsProblem } from "../shares/options.ts";
import type { Variable } from "./variable.ts";
import { absolutePath, accountName, anyText, anyWordToggle, nfsVersion, secretPath, type Format } from "./values.ts";

const host: Format<NonNullable<ReturnType<typeof readHost>>> = {
  accepts: "a host name, an IPv4 or an IPv6 address",
  parse: readHost,
  explain: explainHost,
};

const mountOptions: Format<string> = {
  accepts: "mount options separated by commas",
  parse: (text) => (optionsProblem(text) === undefined ? text : undefined),
  explain: optionsProblem,
};

export const shareVariables = {
  host: {
    name: "NFS_HOST",
    group: "Shares",
    meaning:
      "server: a name, an IPv4 or an IPv6 address, with or without brackets; //NAME for one of CIFS, the id of a file system for EFS",
    format: host,
    default: "",
    numbered: true,
    meansShares: true,
  },
  hostMount: {
    name: "NFS_HOST_MOUNT",
    group: "Shares",
    meaning: "exported path on the server",
    format: absolutePath,
    default: "",
    defaultMeaning: "the share's mount point",
    numbered: true,
    meansShares: true,
  },
  mountPoint: {
    name: "NFS_MOUNT_POINT",
    group: "Shares",
    meaning: "where the share is mounted here; created if absent",
    format: absolutePath,
    default: "",
    defaultMeaning: "none; required unless only further shares are meant",
    numbered: true,
    meansShares: true,
  },
  version: {
    name: "NFS_VERSION",
    group: "Shares",
    meaning: "protocol version; auto tries 4.2, 4.1, 4.0 and 3 and adds nothing to the fstab line",
    format: nfsVersion,
    default: "auto",
    numbered: true,
  },
  options: {
    name: "NFS_OPTIONS",
    group: "Shares",
    meaning: "mount options, see nfs(5); replaces the default as a whole",
    format: mountOptions,
    default: defaultOptions,
    numbered: true,
  },
  username: {
    name: "NFS_USERNAME",
    group: "Shares",
    meaning: "who a CIFS share is mounted as",
    format: accountName,
    default: "",
    numbered: true,
  },
  passwordFile: {
    name: "NFS_PASSWORD_FILE",
    group: "Shares",
    meaning: "file whose first line is the password of NFS_USERNAME, such as a secret of Docker or Kubernetes",
    format: secretPath,
    default: "",
    numbered: true,
  },
  domain: {
    name: "NFS_DOMAIN",
    group: "Shares",
    meaning: "domain or workgroup of NFS_USERNAME",
    format: accountName,
    default: "",
    numbered: true,
  },
  mounts: {
    name: "NFS_MOUNTS",
    group: "Shares",
    meaning:
      "further shares, one a line or separated by ';': SOURCE TARGET [TYPE [OPTIONS]] as in fstab(5), SOURCE also as nfs://host[:port]/path[?options]",
    format: anyText("SOURCE TARGET [TYPE [OPTIONS]], one a line or separated by ';'"),
    default: "",
    meansShares: true,
  },
  mountSkip: {
    name: "NFS_MOUNT_SKIP",
    group: "Shares",
    meaning: "mount nothing and start COMMAND all the same",
    format: anyWordToggle,
    default: "off",
    aliases: ["TEST"],
  },
} as const satisfies Readonly<Record<string, Variable>>;
