// What others, COMMAND above all, have mounted below a share: it goes when that share is detached.
import { isShareMount, isShareOf } from "../kinds/kinds.ts";
import type { MountRecord } from "../shares/mountinfo.ts";
import type { Share } from "../shares/share.ts";
import { isGuard } from "./guard.ts";

/** The mounts below a share that are neither guards, nor shares of the plan, nor the kernel's own further steps into the share. */
export function foreignBelow(
  records: readonly MountRecord[],
  share: Share,
  shares: readonly Share[],
): readonly MountRecord[] {
  const isOfPlan = (mount: MountRecord) =>
    shares.some((one) => one.realTarget === mount.target && isShareOf(mount, one));
  return records.filter(
    (mount) =>
      mount.target.startsWith(`${share.realTarget}/`) &&
      !isGuard(mount) &&
      !isOfPlan(mount) &&
      !isStepInto(mount, records),
  );
}

/** Whether it is another file system of a server, which the kernel has mounted by itself where somebody walked into it. */
function isStepInto(mount: MountRecord, records: readonly MountRecord[]): boolean {
  const above = records.find(({ id }) => id === mount.parentId);
  if (above === undefined || !isShareMount(mount) || !isShareMount(above)) return false;
  const root = above.source.endsWith("/") ? above.source.slice(0, -1) : above.source;
  return mount.source === `${root}${mount.target.slice(above.target.length)}`;
}

/** As people know them: `tmpfs on /data/cache`. */
export function describeMounts(mounts: readonly MountRecord[]): string {
  return mounts.map(({ fstype, target }) => `${fstype} on ${target}`).join(", ");
}
