// What a failed mount of CIFS means: one table by errno of mount(2) (fs/smb/client/smb2maperror.c).
import type { FailureMeaning, MountFailure } from "../failure.ts";

interface Meaning extends FailureMeaning {
  readonly words: string;
}

const unreachable = { prospect: "transient", unreachable: true } as const;

const expired = {
  prospect: "permanent",
  words: "the password has run out, or the account may not log on",
  hint: "give the user of the share a new password on its server, or unlock it there",
} as const;

/** By errno, or by the name of what was found before there was one. All else is transient. */
const meanings: Readonly<Record<string, Meaning>> = {
  EACCES: {
    prospect: "permanent",
    words: "the server refuses user or password, or the user may not use the share",
    hint: "check who it is mounted as (NFS_USERNAME and the file of NFS_PASSWORD_FILE, or the file of the option credentials), and who may use the share on the server",
  },
  ENOENT: {
    prospect: "permanent",
    words: "the server has no such share, or no such path in it",
    hint: "check the share's name and path (smbclient -L lists the shares of a server)",
  },
  "no-credentials": {
    prospect: "permanent",
    words: "the file of credentials= cannot be read, or names no user",
    hint: "make it a file with the lines username=NAME and password=PASSWORD that root may read",
  },
  "no-password": {
    prospect: "permanent",
    words: "the file with the password cannot be read, or is empty",
    hint: "write the password into the first line of the file that NFS_PASSWORD_FILE names, and let root read it",
  },
  EPERM: {
    prospect: "permanent",
    words: "Operation not permitted",
    hint: "mounting needs CAP_SYS_ADMIN",
  },
  ENOKEY: {
    prospect: "permanent",
    words: "there is no Kerberos ticket",
    hint: "sec=krb5 needs cifs.upcall and a ticket on the host; or use credentials=FILE",
  },
  ELIBACC: {
    prospect: "unsupported",
    words: "this kernel does not have the character set of iocharset=, utf8 unless it is given",
    hint: "load the module nls_utf8 on the host, or add iocharset= with one that it has",
  },
  EKEYEXPIRED: expired,
  EKEYREVOKED: expired,
  EKEYREJECTED: expired,
  ENODEV: {
    prospect: "unsupported",
    words: "this kernel has no CIFS client",
    hint: "load the module cifs on the host",
  },
  EOPNOTSUPP: {
    prospect: "unsupported",
    words: "the server does not speak that version of SMB, or not what the options ask for",
    hint: "correct or remove vers= and seal in the share's options",
  },
  EINVAL: { prospect: "permanent", option: true, words: "an incorrect mount option was specified" },
  ERANGE: { prospect: "permanent", option: true, words: "an incorrect mount option was specified" },
  ENOTDIR: { prospect: "permanent", words: "the path in the share, or the mount point, is no directory" },
  EBUSY: { prospect: "look", words: "busy or already mounted" },
  EHOSTDOWN: { ...unreachable, words: "Host is down" },
  EINPROGRESS: { ...unreachable, words: "Operation now in progress" },
  ECONNREFUSED: { ...unreachable, words: "Connection refused" },
  ECONNRESET: { ...unreachable, words: "Connection reset by peer" },
  ECONNABORTED: { ...unreachable, words: "the connection was aborted" },
  EHOSTUNREACH: { ...unreachable, words: "No route to host" },
  ENETUNREACH: { ...unreachable, words: "Network is unreachable" },
  ETIMEDOUT: { ...unreachable, words: "Connection timed out" },
  EAGAIN: { ...unreachable, words: "Resource temporarily unavailable" },
};

/** What an errno of mount(2) means. */
export function classifyErrno(errno: string): MountFailure {
  const meaning = meanings[errno];
  if (meaning === undefined) return { prospect: "transient", cause: errno, reason: `mount(2): ${errno}` };
  const { words, ...rest } = meaning;
  return { ...rest, cause: errno, reason: /^E[A-Z]+$/.test(errno) ? `${words} (${errno})` : words };
}
