// Keeps what lies in memory and COMMAND has mounted below a share: the way to it leads over that share and is dead once the share is
// lost. So while the share is there a second mount of the same tmpfs is made in the state directory, from where it is mounted on the
// fresh share. It keeps nobody from unmounting the first one, and goes soon after that.
import { topMountOn, type MountRecord } from "../shares/mountinfo.ts";
import { isShareOf } from "../kinds/kinds.ts";
import type { Share } from "../shares/share.ts";
import { isSameOrBelow } from "../shares/paths.ts";
import type { Settings } from "../config/config.ts";
import { foreignBelow } from "../mount/foreign.ts";
import type { Mounter } from "../mount/ports.ts";
import type { UndoStack } from "./undo.ts";

export interface KeeperMachine {
  readonly mounter: Mounter;
  /** Where something that is mounted on `target` can be kept, or why there is no such place. */
  readonly keptPath: (target: string) => { readonly path: string } | { readonly reason: string };
}

export interface Keeper {
  /** Looks at the mounts there are now: keeps what has come, and lets go of what was unmounted from a share that is there. */
  readonly look: (records: readonly MountRecord[], mounted: readonly Share[]) => void;
  /** Whether something is kept whose mount point lies on `share` itself. */
  readonly has: (share: Share) => boolean;
  /** Mounts it on the share, which is put together at `at`; gives the targets of what is there. */
  readonly putBack: (share: Share, at: string) => Promise<readonly string[]>;
}

interface Kept {
  readonly target: string;
  /** `major:minor` of the tmpfs. */
  readonly device: string;
  readonly path: string;
  /** The share that its mount point lies on. */
  readonly share: Share;
  readonly made: Promise<boolean>;
}

export function keeperOf(
  { mounter, keptPath }: KeeperMachine,
  shares: readonly Share[],
  { watch, watchTimeoutMs }: Pick<Settings, "watch" | "watchTimeoutMs">,
  undo: UndoStack,
): Keeper {
  const kept = new Map<string, Kept>();
  const remove = async (path: string): Promise<void> => {
    await mounter.umount(path, "lazy", watchTimeoutMs);
    await mounter.removeAside(path, watchTimeoutMs);
  };
  const letGo = async (one: Kept): Promise<void> => {
    kept.delete(one.target);
    if (await one.made) await remove(one.path);
  };
  const shareOf = (target: string): Share | undefined =>
    shares
      .filter(({ realTarget }) => target !== realTarget && isSameOrBelow(target, realTarget))
      .toSorted((one, other) => other.realTarget.length - one.realTarget.length)[0];
  const make = async ({ target, device }: MountRecord, path: string): Promise<boolean> => {
    // An instance that was killed may have left something there.
    if (topMountOn(mounter.mounts(), path) !== undefined) await remove(path);
    const answer = await mounter.keep(target, path, watchTimeoutMs);
    // Whoever writes to the share may have led the way elsewhere meanwhile.
    const isIt = answer.kind === "done" && topMountOn(mounter.mounts(), path)?.device === device;
    if (answer.kind === "done" && !isIt) await remove(path);
    if (!isIt) kept.delete(target);
    return isIt;
  };
  let isUndoable = false;
  const keep = (mount: MountRecord, share: Share): void => {
    const place = keptPath(mount.target);
    if ("reason" in place) return;
    if (!isUndoable) undo.push(async () => void (await Promise.all([...kept.values()].map(letGo))));
    isUndoable = true;
    const { target, device } = mount;
    kept.set(target, { target, device, path: place.path, share, made: make(mount, place.path) });
  };
  const keptOn = (share: Share) => [...kept.values()].filter((one) => one.share === share);
  return {
    look: (records, mounted) => {
      if (watch !== "remount") return;
      const isThere = (share: Share): boolean => {
        const top = topMountOn(records, share.realTarget);
        return mounted.includes(share) && top !== undefined && isShareOf(top, share);
      };
      const inMemory = shares
        .filter(({ parent }) => parent === undefined)
        .flatMap((root) => foreignBelow(records, root, shares))
        .filter((mount) => mount.fstype === "tmpfs" && topMountOn(records, mount.target)?.id === mount.id);
      for (const one of kept.values()) {
        const isSame = inMemory.some(({ target, device }) => target === one.target && device === one.device);
        if (!isSame && isThere(one.share)) void letGo(one);
      }
      for (const mount of inMemory) {
        const share = shareOf(mount.target);
        if (share !== undefined && isThere(share) && !kept.has(mount.target)) keep(mount, share);
      }
    },
    has: (share) => keptOn(share).length > 0,
    putBack: async (share, at) => {
      const back: string[] = [];
      for (const one of keptOn(share)) {
        if (!(await one.made)) continue;
        const path = `${at}${one.target.slice(share.realTarget.length)}`;
        const prepared = await mounter.prepare(path, at, watchTimeoutMs);
        if (prepared.kind !== "prepared") continue;
        const answer = await mounter.bind(one.path, prepared.path, watchTimeoutMs);
        prepared.release();
        if (answer.kind === "done") back.push(one.target);
      }
      return back;
    },
  };
}
