// What to do about a mount option that the kernel refuses for NFS.

interface Row {
  readonly option: RegExp;
  readonly hint: string;
}

/** The first row that matches decides. */
const rows: readonly Row[] = [
  {
    option: /^(?:uid|gid|umask|fmask|dmask|file_mode|dir_mode|forceuid|forcegid)(?:=|$)/,
    hint: "NFS has no such option, files belong to whom they belong to on the server: remove it from NFS_OPTIONS and set NFS_USER to the user that COMMAND is to be",
  },
  {
    option: /^(?:user(?:name)?|pass(?:word)?|domain|credentials|cred|guest|iocharset)(?:=|$)/,
    hint: "that is an option of CIFS, NFS has no use for it: remove it from NFS_OPTIONS",
  },
  {
    option: /^(?:[rw]size|bsize)=/,
    hint: "write it as a plain number of bytes, such as rsize=1048576, in NFS_OPTIONS",
  },
  {
    option: /^(?:proto=|mountproto=)?udp6?$/,
    hint: "this kernel has no NFS over UDP (none has since Linux 5.6 by default): remove it from NFS_OPTIONS, TCP is what is used then",
  },
  {
    option: /^(?:proto=)?rdma6?$/,
    hint: "NFS over RDMA needs the module rpcrdma and an adapter on the host: load it, or remove it from NFS_OPTIONS",
  },
  {
    option: /^r?(?:shared|slave|private|unbindable)$/,
    hint: "how mounts propagate is no option of NFS: remove it from NFS_OPTIONS and say it of the volume (bind propagation, mountPropagation)",
  },
  { option: /^r?bind$/, hint: "a bind mount is no mount of NFS: remove it from NFS_OPTIONS" },
  { option: /^timeo=/, hint: "timeo counts tenths of a second and is at least 1: correct it in NFS_OPTIONS" },
  { option: /^nconnect=/, hint: "nconnect is a number from 1 to 16, from Linux 5.3 on: correct it in NFS_OPTIONS" },
  {
    option: /^xprtsec=/,
    hint: "RPC over TLS needs Linux 6.5 and tlshd on the host: remove it from NFS_OPTIONS on an older kernel",
  },
  {
    option: /^sec=/,
    hint: "a flavor is sys, krb5, krb5i or krb5p; those of Kerberos need the module rpcsec_gss_krb5, rpc.gssd and a keytab on the host: correct it in NFS_OPTIONS",
  },
  { option: /^(?:debug|verbose|v|n|s|f)$/, hint: "that is for other mount programs: remove it from NFS_OPTIONS" },
];

/** What to do about an option that the kernel refuses, where that is known. */
export function optionHint(word: string): string | undefined {
  return rows.find(({ option }) => option.test(word))?.hint;
}
