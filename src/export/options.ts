// The options of an export (exports(5)) as the kernel's flags, and what is not served refused by name.

/** Of linux/nfsd/export.h. */
export const exportFlags = {
  readOnly: 0x1,
  insecurePort: 0x2,
  rootSquash: 0x4,
  allSquash: 0x8,
  async: 0x10,
  gatheredWrites: 0x20,
  noLockAuthentication: 0x200,
  noSubtreeCheck: 0x400,
  fsid: 0x2000,
  crossMount: 0x4000,
  v4Root: 0x1_0000,
} as const;

export interface ExportOptions {
  /** Of `exportFlags`. */
  readonly flags: number;
  readonly anonUid: number;
  readonly anonGid: number;
  /** What is asked for; else it is derived from the path. 0 makes the export the root of version 4. */
  readonly fsid: number | undefined;
}

export type ParsedOptions =
  | { readonly kind: "options"; readonly options: ExportOptions }
  | { readonly kind: "problem"; readonly reason: string };

const nobody = 65_534;

/** Without a word: rw, sync, root_squash, insecure. */
export const defaultOptions: ExportOptions = {
  flags: exportFlags.insecurePort | exportFlags.rootSquash | exportFlags.noSubtreeCheck | exportFlags.fsid,
  anonUid: nobody,
  anonGid: nobody,
  fsid: undefined,
};

/** Flags that a word sets and clears. */
const words: Readonly<Record<string, { readonly set?: number; readonly clear?: number }>> = {
  ro: { set: exportFlags.readOnly },
  rw: { clear: exportFlags.readOnly },
  async: { set: exportFlags.async },
  sync: { clear: exportFlags.async },
  secure: { clear: exportFlags.insecurePort },
  insecure: { set: exportFlags.insecurePort },
  root_squash: { set: exportFlags.rootSquash },
  no_root_squash: { clear: exportFlags.rootSquash },
  all_squash: { set: exportFlags.allSquash },
  no_all_squash: { clear: exportFlags.allSquash },
  wdelay: { set: exportFlags.gatheredWrites },
  no_wdelay: { clear: exportFlags.gatheredWrites },
  crossmnt: { set: exportFlags.crossMount },
  nohide: {},
  hide: {},
  no_subtree_check: {},
  defaults: {},
  auth_nlm: { clear: exportFlags.noLockAuthentication },
  secure_locks: { clear: exportFlags.noLockAuthentication },
  no_auth_nlm: { set: exportFlags.noLockAuthentication },
  insecure_locks: { set: exportFlags.noLockAuthentication },
  acl: {},
  mp: {},
  "sec=sys": {},
};

/** What is asked for elsewhere, or not to be had. */
const refused: Readonly<Record<string, string>> = {
  subtree_check: "it breaks clients when a file is moved; leave it out",
  mountpoint: "write NFS_EXPORT_REQUIRE_MOUNT=on",
  pnfs: "it is not served",
  "refer=": "referrals are not served",
  "replicas=": "replicas are not served",
  "sec=": "of the flavours only sec=sys is served",
  "xprtsec=": "TLS is not served",
};

/** The options of a list that commas part; the later wins. */
export function parseOptions(text: string): ParsedOptions {
  let { flags, anonUid, anonGid, fsid } = defaultOptions;
  for (const word of text.split(",").map((one) => one.trim())) {
    if (word === "") continue;
    const known = words[word];
    const [name = "", value = ""] = word.split(/=(.*)/s);
    if (known !== undefined) {
      flags = (flags | (known.set ?? 0)) & ~(known.clear ?? 0);
    } else if (name === "anonuid" || name === "anongid") {
      if (!/^\d{1,10}$/.test(value) || Number(value) > 0xffff_ffff) return refusal(word, "it is a number of 32 bits");
      if (name === "anonuid") anonUid = Number(value);
      else anonGid = Number(value);
    } else if (name === "fsid") {
      fsid = value === "root" ? 0 : /^\d{1,10}$/.test(value) ? Number(value) : undefined;
      if (fsid === undefined || fsid > mostFsid) return refusal(word, `it is root or a number up to ${mostFsid}`);
    } else {
      const reason = refused[word] ?? refused[`${name}=`];
      return refusal(word, reason ?? "it is no option of exports(5)");
    }
  }
  return { kind: "options", options: { flags, anonUid, anonGid, fsid } };
}

function refusal(word: string, reason: string): ParsedOptions {
  return { kind: "problem", reason: `the option ${word} is refused: ${reason}` };
}

/** The kernel reads it as an int. */
const mostFsid = 0x7fff_ffff;

/**
 * A number that is the same for the same path at every start, so that the file handles of clients stay good; never 0, which is the
 * root of version 4 (FNV-1a of 32 bits, folded to 31).
 */
export function fsidOf(path: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of new TextEncoder().encode(path)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return ((hash >>> 31) ^ hash) & mostFsid || 1;
}
