// Why COMMAND's user cannot write to a share that mounts: what ACCESS granted against what mode and owner would let.
import { isReadOnly } from "../../shares/options.ts";
import type { Cause } from "../cause.ts";
import { mayWrite, ownerOf } from "../../rpc/owner.ts";
import type { DoctorFacts, ShareFacts } from "../facts.ts";

type Found = Omit<Cause, "share" | "isFatal">;

/** Undefined where it may write, is not meant to, or nothing is known of it. */
export function accessCause(
  { share, addresses }: ShareFacts,
  { identity }: Pick<DoctorFacts, "identity">,
): Found | undefined {
  if (isReadOnly(share.options)) return undefined;
  const access = addresses.find((facts) => facts.access !== undefined)?.access;
  if (access === undefined || mayWrite(access.answer) !== false) return undefined;
  const { uid, gid, answer, asOwner } = access;
  const who = identity === undefined ? `uid ${uid}` : `uid ${uid} gid ${gid} (NFS_USER)`;
  const readOnly: Found = {
    id: "read-only-export",
    because: `${who} cannot write to ${share.label}: the export is read-only for this client`,
    change: "export with rw on the server and run exportfs -ra there, or put ro into NFS_OPTIONS",
  };
  const owner = ownerOf(answer);
  if (owner === undefined) {
    return { ...readOnly, id: "not-writable", because: `${who} cannot write to ${share.label}`, change: fix };
  }
  const mode = owner.mode.toString(8).padStart(4, "0");
  const has = `its root has mode ${mode} and owner ${owner.uid}:${owner.gid}`;
  const ownerMayWrite = (owner.mode & 0o200) !== 0;
  if ((owner.mode & 0o002) !== 0) return readOnly;
  if (uid === 0) {
    const squashed: Found = {
      id: "root-squash",
      because: `root cannot write to ${share.label}: the server squashes root to another user (root_squash), and ${has}`,
      change: `set NFS_USER=${owner.uid}:${owner.gid}, or export with no_root_squash, or change owner or mode on the server`,
    };
    if (asOwner !== undefined && mayWrite(asOwner) === true) return squashed;
    if (asOwner !== undefined && ownerMayWrite) return readOnly;
    return {
      id: "read-only-or-squashed",
      because: `root cannot write to ${share.label}: the server squashes root to another user (root_squash) or exports it read-only, and ${has}`,
      change:
        "export with rw,no_root_squash on the server, or change owner or mode there and set NFS_USER to that user",
    };
  }
  const isOwner = uid === owner.uid;
  const isLet = isOwner ? ownerMayWrite : gid === owner.gid && (owner.mode & 0o020) !== 0;
  if (isLet) return { ...readOnly, because: `${readOnly.because} (or all_squash makes it somebody else)` };
  if (!isOwner && asOwner !== undefined && mayWrite(asOwner) === false && ownerMayWrite && owner.uid !== 0)
    return readOnly;
  return { id: "not-writable", because: `${who} cannot write to ${share.label}: ${has}`, change: fix };
}

const fix = "change owner or mode on the server, or set NFS_USER to a user who may write there";
