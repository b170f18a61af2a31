// What a failed mount of NFS means: one table by errno, to which the text of mount.nfs is led back.
import type { FailureMeaning, MountFailure } from "../failure.ts";

interface Meaning extends FailureMeaning {
  /** As mount.nfs words it (nfs-utils utils/mount/error.c); undefined where no errno stands for it. */
  readonly words?: string;
  /** How far the call got; see `reachOf`. */
  readonly reach?: number;
}

/** Refused by a kernel without NFS, without that version, for its options; on the way to the server; by the server. */
const reaches = { kernel: 0, version: 1, options: 2, way: 3, server: 4 } as const;

const noVersion: Meaning = {
  prospect: "unsupported",
  hint: "the server or this kernel lacks that NFS version; set NFS_VERSION, or load nfsv3 and nfsv4 on the host",
  reach: reaches.version,
};

const badOption: Meaning = {
  prospect: "permanent",
  option: true,
  hint: "check NFS_OPTIONS against nfs(5)",
  words: "an incorrect mount option was specified",
  reach: reaches.options,
};

const badPlace: Meaning = { prospect: "permanent", everyVersion: true };

const unreachable: Meaning = { prospect: "transient", unreachable: true };

/** By errno of mount(2); what mount.nfs finds wrong before it has one has a name of its own. All else is transient. */
const meanings: Readonly<Record<string, Meaning>> = {
  EACCES: {
    prospect: "ambiguous",
    hint: "check that the server exports this path to this client's address (exportfs -v on the server)",
    words: "access denied by server",
    reach: reaches.server,
  },
  ENOENT: {
    prospect: "ambiguous",
    hint: "check the exported path; NFS 4 looks for it below the server's fsid=0 export, and hides what this client may not mount",
    words: "reason given by server: No such file or directory",
    reach: reaches.server,
  },
  EPERM: {
    prospect: "ambiguous",
    hint: "the server refuses this client; check its export options (secure wants a source port below 1024)",
    words: "Operation not permitted",
    reach: reaches.server,
  },
  ESTALE: { prospect: "transient", words: "Stale file handle", reach: reaches.server },
  ENODEV: {
    prospect: "unsupported",
    hint: "this kernel has no NFS client; load the modules nfs, nfsv3 and nfsv4 on the host",
    words: "No such device",
    reach: reaches.kernel,
  },
  EPROTONOSUPPORT: { ...noVersion, words: "Protocol not supported" },
  EOPNOTSUPP: { ...noVersion, words: "requested NFS version or transport protocol is not supported" },
  EINVAL: badOption,
  ERANGE: badOption,
  ENOTDIR: {
    ...badPlace,
    hint: "the mount point must be a directory",
    words: "mount spec or point is not a directory",
  },
  ENAMETOOLONG: { ...badPlace, words: "File name too long" },
  EBUSY: { prospect: "look", words: "busy or already mounted" },
  ECONNREFUSED: { ...unreachable, words: "Connection refused" },
  EHOSTUNREACH: { ...unreachable, words: "No route to host" },
  ENETUNREACH: { ...unreachable, words: "Network is unreachable" },
  EHOSTDOWN: { ...unreachable, words: "Host is down" },
  ETIMEDOUT: { ...unreachable, words: "Connection timed out" },
  EAGAIN: { ...unreachable, words: "Resource temporarily unavailable" },
  EIO: { prospect: "transient", words: "Input/output error" },
  ELOOP: { prospect: "transient", words: "Too many levels of symbolic links" },
  "no-statd": { prospect: "permanent", hint: "add nolock to NFS_OPTIONS, or run rpc.statd in this container" },
  "wrong-family": { prospect: "permanent", hint: "proto= does not fit the server's address" },
  unresolved: unreachable,
  "no-mount-point": badPlace,
  "refused-by-helper": badOption,
  "not-root": { ...badPlace, hint: "mounting needs root; to run only COMMAND as another user set NFS_USER" },
  "no-source": badPlace,
};

/** What mount.nfs says where it is that; the first row that matches decides, and more particular texts stand first. */
const texts: readonly (readonly [text: RegExp, cause: string])[] = [
  [/rpc\.statd is not running/, "no-statd"],
  [/Address family for hostname not supported/, "wrong-family"],
  [/Failed to resolve server/, "unresolved"],
  [/mount (?:spec|point) .*is not a directory/, "ENOTDIR"],
  [/mount point .* does not exist/, "no-mount-point"],
  [/busy or already mounted/, "EBUSY"],
  [/access denied by server/, "EACCES"],
  [/reason given by server: No such file or directory/, "ENOENT"],
  [/requested NFS version or transport protocol is not supported/, "EOPNOTSUPP"],
  [/Protocol not supported/, "EPROTONOSUPPORT"],
  [/No such device|unknown filesystem type/, "ENODEV"],
  [/Operation not permitted/, "EPERM"],
  [/an incorrect mount option was specified/i, "EINVAL"],
  [/bad option|multiple version options|Failed to find '.*' protocol|unknown (?:mount )?option/i, "refused-by-helper"],
  [/not installed setuid|failed to apply fstab options/, "not-root"],
  [/not in 'host:dir' format|closing bracket missing|NFS URLs are not supported|no mount point provided/, "no-source"],
  [/File name too long/, "ENAMETOOLONG"],
  [/Connection refused/, "ECONNREFUSED"],
  [/No route to host/, "EHOSTUNREACH"],
  [/Network is unreachable/, "ENETUNREACH"],
  [/Host is down/, "EHOSTDOWN"],
  [/timed out/, "ETIMEDOUT"],
  [/Resource temporarily unavailable/, "EAGAIN"],
];

/** Reads what mount.nfs wrote to stderr; `exitCode` only serves where it wrote nothing: nearly every failure has 32. */
export function classifyFailure(stderr: string, exitCode: number): MountFailure {
  const reason = inOneLine(stderr) || `the mount helper ended with ${exitCode} and said nothing`;
  const cause = texts.find(([text]) => text.test(reason))?.[1];
  return cause === undefined ? { prospect: "transient", reason } : { ...meaningOf(cause), cause, reason };
}

/** More than a helper has to say; a search through it takes no more than the square of it. */
const longestText = 4_096;

function inOneLine(stderr: string): string {
  return stderr
    .slice(0, longestText)
    .split("\n")
    .map((line) => line.replace(/^u?mount(?:\.nfs4?)?: /, "").trim())
    .filter((line) => line !== "" && !line.startsWith("please report the error"))
    .join("; ");
}

/** What an errno of mount(2) means: the same as where mount.nfs tells of it. */
export function classifyErrno(errno: string): MountFailure {
  const words = meanings[errno]?.words;
  const reason = words === undefined ? `mount(2): ${errno}` : `${words} (${errno})`;
  return { ...meaningOf(errno), cause: errno, reason };
}

function meaningOf(cause: string): FailureMeaning {
  const { words: _, reach: __, ...meaning } = meanings[cause] ?? { prospect: "transient" };
  return meaning;
}

/**
 * How far a call got: refused by a kernel without NFS, without that version, for its options; on the way to the server; or by
 * the server.
 */
export function reachOf(errno: string): number {
  return meanings[errno]?.reach ?? reaches.way;
}
