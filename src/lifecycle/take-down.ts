// Takes down what this instance has mounted, and keeps other instances from a share meanwhile.
import { describeMounts, foreignBelow } from "../mount/foreign.ts";
import type { TargetLock } from "../mount/ports.ts";
import { isPropagated } from "../mount/umount.ts";
import type { Share } from "../shares/share.ts";
import type { ManagedShare } from "./managed-share.ts";
import type { Mounting } from "./mounting.ts";

/** Takes the lock on a share's target, or gives the one this instance holds already. */
export function lockShare(
  { shares, undo, lockTarget }: Pick<Mounting, "shares" | "undo" | "lockTarget">,
  share: Share,
): TargetLock {
  const managed = shares.of(share);
  if (managed.lock?.kind === "locked") return managed.lock;
  const taken = lockTarget(share.realTarget);
  managed.lock = taken;
  if (taken.kind === "locked") {
    undo.push(async () => {
      managed.lock = undefined;
      taken.release();
    });
  }
  return taken;
}

/** Has a share taken down on the way out, from now on. */
export function undoLater(mounting: Mounting, share: Share): void {
  const managed = mounting.shares.of(share);
  managed.isOurs = true;
  if (managed.isUndoable) return;
  managed.isUndoable = true;
  mounting.undo.push(() => takeDown(mounting, share));
}

export async function takeDown({ shares, mounter, plan, tell, unmount }: Mounting, share: Share): Promise<void> {
  const managed = shares.of(share);
  if (!managed.isOurs) return;
  await letGo(managed);
  const foreign = foreignBelow(mounter.mounts(), share, plan.shares);
  const result = await unmount(share);
  if (result === "detached" && foreign.length > 0) {
    tell({ kind: "goes-with", share, mounts: describeMounts(foreign) });
  }
  tell({ kind: "unmounted", share, result });
  // What is left is still ours: a later instance may take it down.
  if (result !== "in-use" && result !== "left" && managed.lock?.kind === "locked") managed.lock.note(undefined);
}

/** Says what somebody else has mounted below a share that is about to be detached. */
export function sayWhatGoes({ mounter, plan, tell }: Pick<Mounting, "mounter" | "plan" | "tell">, share: Share): void {
  const foreign = foreignBelow(mounter.mounts(), share, plan.shares);
  if (foreign.length > 0) tell({ kind: "goes-with", share, mounts: describeMounts(foreign) });
}

/**
 * Waits until nobody else is about to change what is mounted on the target of a share, and keeps others out until released: other
 * instances may see the same mount point through propagation, each with a state directory of its own.
 */
export async function enterTarget(
  { shares, mounter, lockDirectory }: Pick<Mounting, "shares" | "mounter" | "lockDirectory">,
  share: Share,
): Promise<() => void> {
  const isLocal = share.parent === undefined;
  const isSeenElsewhere = isLocal && isPropagated(mounter.mounts(), share.realTarget);
  const leave = isSeenElsewhere ? await lockDirectory(directoryAbove(share.realTarget)) : undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  shares.of(share).changing = promise;
  return () => {
    leave?.();
    resolve();
  };
}

function directoryAbove(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

/** Lets go of a mount that is held busy (see holding.ts); it may still be on its way to be held. */
export async function letGo(managed: ManagedShare): Promise<void> {
  const release = await managed.held;
  managed.held = undefined;
  await release?.();
}
