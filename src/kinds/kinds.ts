// The kinds of share.
import type { MountRecord } from "../shares/mountinfo.ts";
import type { Share } from "../shares/share.ts";
import { formatSource } from "./nfs/source.ts";

/** Whether a record is a mounted NFS share. */
export function isShareMount(record: MountRecord): boolean {
  return record.fstype === "nfs" || record.fstype === "nfs4";
}

/** Whether a mounted NFS file system is this share: the same source, or the same path of the same address. */
export function isShareOf(mount: MountRecord, { source }: Pick<Share, "source">): boolean {
  if (!isShareMount(mount)) return false;
  if (mount.source === formatSource(source)) return true;
  const path = /^(?:\[[^\]]*\]|[^:]*):(.*)$/s.exec(mount.source)?.[1];
  return path === source.path && mount.superOptions.includes(`addr=${source.host}`);
}
