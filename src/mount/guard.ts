// The guard: a read-only, empty tmpfs under each share, so that nothing lands on the local disk while the share is away.
import type { MountRecord } from "../shares/mountinfo.ts";

/** What mountinfo shows as source of a guard. */
export const guardSource = "nfs-init-guard";

export function isGuard(mount: MountRecord): boolean {
  return mount.fstype === "tmpfs" && mount.source === guardSource;
}
