// A sidecar's mounts are for processes of other mount namespaces: where they propagate, several instances may look after the same
// one. Each holds it busy, and the last to leave takes it down.
import { isPropagated } from "../mount/umount.ts";
import type { Share } from "../shares/share.ts";
import type { Mounting } from "./mounting.ts";
import { takeDown } from "./take-down.ts";

/** Holds a share that is mounted, where others may see it. */
export function hold(mounting: Mounting, share: Share): void {
  const { isSidecar, mounter, guards, settings, shares, undo } = mounting;
  if (!isSidecar || share.watchOnly || !isPropagated(mounter.mounts(), share.realTarget)) return;
  const managed = shares.of(share);
  if (!managed.isOurs) {
    managed.isOurs = true;
    undo.push(() => guards.remove(share));
    undo.push(() => takeDown(mounting, share));
  }
  managed.held = mounter.hold(share.realTarget, settings.unmountTimeoutMs);
}
