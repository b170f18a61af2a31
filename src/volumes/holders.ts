// Who has a volume beside the machine itself: a container whose own mount table holds its share.
import type { MountRecord } from "../shares/mountinfo.ts";
import { isSameOrBelow } from "../shares/paths.ts";

/**
 * Whether one of `tables`, of other mount namespaces, has what `mount` shows. Services with a namespace of their own, and containers
 * that see all of the machine, have a copy of it on the same path: they use nothing. Nor does a mount that is in the table `own` too.
 */
export function isHeld(
  mount: MountRecord,
  own: readonly MountRecord[],
  tables: readonly (readonly MountRecord[])[],
): boolean {
  const ownIds = new Set(own.map(({ id }) => id));
  const isUse = ({ id, device, root, target }: MountRecord): boolean =>
    device === mount.device && isSameOrBelow(root, mount.root) && !target.endsWith(mount.target) && !ownIds.has(id);
  return tables.some((records) => records.some(isUse));
}
