// What a failed mount call means, told from mount.nfs' text: nearly every failure has exit code 32 (nfs-utils support/include/xcommon.h).
import type { MountFailure } from "../failure.ts";

interface Row extends Omit<MountFailure, "reason"> {
  readonly text: RegExp;
}

/** The first row that matches decides; more particular texts stand before more general ones. */
const rows: readonly Row[] = [
  {
    text: /rpc\.statd is not running/,
    verdict: "permanent",
    hint: "add nolock to NFS_OPTIONS, or run rpc.statd in this container",
  },
  {
    text: /Address family for hostname not supported/,
    verdict: "permanent",
    hint: "proto= does not fit the server's address",
  },
  { text: /Failed to resolve server/, verdict: "transient", unreachable: true },
  {
    text: /mount (?:spec|point) .*is not a directory/,
    verdict: "permanent",
    everyVersion: true,
    hint: "the mount point must be a directory",
  },
  { text: /mount point .* does not exist/, verdict: "permanent", everyVersion: true },
  { text: /busy or already mounted/, verdict: "look" },
  {
    text: /access denied by server/,
    verdict: "ambiguous",
    hint: "check that the server exports this path to this client's address (exportfs -v on the server)",
  },
  {
    text: /reason given by server: No such file or directory/,
    verdict: "ambiguous",
    hint: "check the exported path; NFS 4 looks for it below the server's fsid=0 export, and hides what this client may not mount",
  },
  {
    text: /requested NFS version or transport protocol is not supported|Protocol not supported/,
    verdict: "unsupported",
    hint: "the server or this kernel lacks that NFS version; set NFS_VERSION, or load nfsv3 and nfsv4 on the host",
  },
  {
    text: /No such device|unknown filesystem type/,
    verdict: "unsupported",
    hint: "this kernel has no NFS client; load the modules nfs, nfsv3 and nfsv4 on the host",
  },
  {
    text: /Operation not permitted/,
    verdict: "ambiguous",
    hint: "the server refuses this client; check its export options (secure wants a source port below 1024)",
  },
  {
    text: /an incorrect mount option was specified|bad option|multiple version options|Failed to find '.*' protocol|unknown (?:mount )?option/i,
    verdict: "permanent",
    option: true,
    hint: "check NFS_OPTIONS against nfs(5)",
  },
  {
    text: /not installed setuid|failed to apply fstab options/,
    verdict: "permanent",
    everyVersion: true,
    hint: "mounting needs root; to run only COMMAND as another user set NFS_USER",
  },
  {
    text: /not in 'host:dir' format|closing bracket missing|NFS URLs are not supported|no mount point provided/,
    verdict: "permanent",
    everyVersion: true,
  },
  { text: /File name too long/, verdict: "permanent", everyVersion: true },
  {
    text: /Connection refused|No route to host|Network is unreachable|Host is down|timed out|Resource temporarily unavailable/,
    verdict: "transient",
    unreachable: true,
  },
];

/** Reads what mount.nfs wrote to stderr; `exitCode` only serves where it wrote nothing. */
export function classifyFailure(stderr: string, exitCode: number): MountFailure {
  const reason = inOneLine(stderr) || `the mount helper ended with ${exitCode} and said nothing`;
  const row = rows.find(({ text }) => text.test(reason));
  if (row === undefined) return { verdict: "transient", reason };
  const { text: _, ...meaning } = row;
  return { ...meaning, reason };
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

/** Words for an errno, where they are known. */
const errnoWords: Readonly<Record<string, string>> = {
  EACCES: "access denied by server",
  EAGAIN: "Resource temporarily unavailable",
  ECONNREFUSED: "Connection refused",
  EHOSTDOWN: "Host is down",
  EHOSTUNREACH: "No route to host",
  EINVAL: "an incorrect mount option was specified",
  EIO: "Input/output error",
  ELOOP: "Too many levels of symbolic links",
  ENAMETOOLONG: "File name too long",
  ENETUNREACH: "Network is unreachable",
  ENODEV: "No such device",
  ENOENT: "reason given by server: No such file or directory",
  ENOTDIR: "mount spec or point is not a directory",
  EPERM: "Operation not permitted",
  EPROTONOSUPPORT: "Protocol not supported",
  ERANGE: "an incorrect mount option was specified",
  EOPNOTSUPP: "requested NFS version or transport protocol is not supported",
  ESTALE: "Stale file handle",
  ETIMEDOUT: "Connection timed out",
};

/** What an errno of mount(2) means: the same as the text that mount.nfs has for it (nfs-utils utils/mount/error.c). */
export function classifyErrno(errno: string): MountFailure {
  if (errno === "EBUSY") return { verdict: "look", reason: "busy or already mounted (EBUSY)" };
  const words = errnoWords[errno];
  if (words === undefined) return { verdict: "transient", reason: `mount(2): ${errno}` };
  return { ...classifyFailure(words, 0), reason: `${words} (${errno})` };
}

/**
 * How far a call got: refused by a kernel without NFS, without that version, for its options; on the way to the server; or by
 * the server.
 */
export function reachOf(errno: string): number {
  if (errno === "ENODEV") return 0;
  if (errno === "EPROTONOSUPPORT" || errno === "EOPNOTSUPP") return 1;
  if (errno === "EINVAL" || errno === "ERANGE") return 2;
  return /^(?:EACCES|EPERM|ENOENT|ESTALE)$/.test(errno) ? 4 : 3;
}
