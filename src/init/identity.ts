// Who COMMAND runs as: NFS_USER against the container's passwd and group files.

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, the gid not among them. */
  readonly groups: readonly number[];
  /** The user's home directory, "/" where passwd knows none. */
  readonly home: string;
}

/** `uid[:gid]` or `name[:group]` as it is written. */
export interface UserSpec {
  readonly user: string;
  readonly group: string | undefined;
}

/** Texts of passwd(5) and group(5); empty where the container has none. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

export type IdentityResult =
  | { readonly kind: "identity"; readonly identity: Identity }
  | { readonly kind: "problem"; readonly reason: string };

/** (uid_t) -1 means "unchanged" to the kernel and is nobody's. */
const highestId = 2 ** 32 - 2;

function asId(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= highestId ? Number(text) : undefined;
}

/**
 * Resolves a user as engines resolve theirs: a name that is in passwd, or else a number. Its group is the one given, that of
 * passwd, or 0 for a number passwd does not know. Supplementary groups are those of the group file that list the user, and
 * none where a group was given.
 */
export function resolveIdentity(spec: UserSpec, accounts: Accounts): IdentityResult {
  const users = entries(accounts.passwd);
  const groups = entries(accounts.group);
  const known = users.find(([name]) => name === spec.user) ?? users.find(([, , uid]) => uid === spec.user);
  const uid = asId(known?.[2] ?? spec.user);
  if (uid === undefined) return { kind: "problem", reason: `/etc/passwd has no user "${spec.user}"` };
  const gid = spec.group === undefined ? asId(known?.[3] ?? "0") : groupId(groups, spec.group);
  if (gid === undefined) return { kind: "problem", reason: `/etc/group has no group "${spec.group ?? known?.[3]}"` };
  const name = known?.[0];
  const others =
    spec.group === undefined && name !== undefined
      ? groups.flatMap(([, , id = "", members = ""]) => (members.split(",").includes(name) ? [asId(id)] : []))
      : [];
  return {
    kind: "identity",
    identity: {
      uid,
      gid,
      groups: [...new Set(others.filter((id) => id !== undefined && id !== gid))] as readonly number[],
      home: known?.[5] === undefined || known[5] === "" ? "/" : known[5],
    },
  };
}

function groupId(groups: readonly (readonly string[])[], group: string): number | undefined {
  const known = groups.find(([name]) => name === group);
  return asId(known?.[2] ?? group);
}

/** The fields of each line; lines of NIS (`+::`) and comments are nobody. */
function entries(text: string): readonly (readonly string[])[] {
  return text
    .split("\n")
    .filter((line) => !/^[#+-]|^\s*$/.test(line))
    .map((line) => line.split(":"));
}

/** What an environment says of the user: HOME, as su(1) and the engines set it. Everything else stays. */
export function withHome(environment: readonly Uint8Array[], { home }: Identity): readonly Uint8Array[] {
  const prefix = new TextEncoder().encode("HOME=");
  const isHome = (entry: Uint8Array) => prefix.every((byte, index) => entry[index] === byte);
  return [...environment.filter((entry) => !isHome(entry)), new TextEncoder().encode(`HOME=${home}`)];
}

const CAP_SETGID = 6n;
const CAP_SETUID = 7n;
const CAP_SETPCAP = 8n;

/** What decides whether this process may become somebody else. */
export interface OwnRights {
  readonly uid: number;
  readonly gid: number;
  /** CapEff and CapBnd of /proc/self/status. */
  readonly effective: bigint;
  readonly bounding: bigint;
}

/** Capabilities that mounting needs and a process behind it does not: SYS_MODULE and SYS_ADMIN (capabilities(7)). */
export const mountingCapabilities = [16, 21] as const;

/** The capability that is missing for a handover; undefined where none is. */
export function missingCapability(
  rights: OwnRights,
  identity: Identity | undefined,
  dropCaps: boolean,
): "CAP_SETUID" | "CAP_SETGID" | "CAP_SETPCAP" | undefined {
  const has = (capability: bigint) => (rights.effective & (1n << capability)) !== 0n;
  if (identity !== undefined) {
    const isSame = identity.uid === rights.uid && identity.gid === rights.gid;
    if (!isSame && !has(CAP_SETUID)) return "CAP_SETUID";
    if ((!isSame || identity.groups.length > 0) && !has(CAP_SETGID)) return "CAP_SETGID";
  }
  const isBounded = mountingCapabilities.some((capability) => (rights.bounding & (1n << BigInt(capability))) !== 0n);
  return dropCaps && isBounded && !has(CAP_SETPCAP) ? "CAP_SETPCAP" : undefined;
}
