// Aside: a place nobody looks at, where a share is mounted and what lies below it is guarded before the whole is moved to its
// mount point (MS_MOVE). So nobody ever reaches the share without its guards.
import { topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import type { Clock } from "../clock.ts";
import type { Mounter } from "./ports.ts";
import { detachMount } from "./umount.ts";

/** What mountinfo shows as source of the private tmpfs that such a place is: out of a shared mount nothing can be moved. */
export const asideSource = "nfs-init-aside";

function isAside(mount: MountRecord): boolean {
  return mount.fstype === "tmpfs" && mount.source === asideSource;
}

/** More mounts than this on top of one another are not ours to clear away. */
const mostLayers = 4;

/** Takes away what is at such a place, also what an instance that was killed has left there. */
export async function clearAside(
  mounter: Pick<Mounter, "mounts" | "umount" | "removeAside">,
  clock: Clock,
  path: string,
  timeoutMs: number,
): Promise<void> {
  if (!mounter.mounts().some((mount) => mount.target === path && isAside(mount))) return;
  for (let layers = 0; layers < mostLayers; layers++) {
    const there = topMountOn(mounter.mounts(), path);
    if (there === undefined) break;
    if (!(await detachMount(mounter, clock, there, timeoutMs))) return;
  }
  await mounter.removeAside(path, timeoutMs);
}
