// The places where shares are put together with their guards before they are shown; see mount/aside.ts.
import type { Share } from "../shares/share.ts";
import type { Settings } from "../config/config.ts";
import { clearAside } from "../mount/aside.ts";
import type { AsidePorts } from "../mount/attempt-ports.ts";
import type { Clock } from "../clock.ts";
import type { Mounter } from "../mount/ports.ts";
import type { Guards } from "./guards.ts";
import type { Keeper } from "./keeper.ts";
import type { Log } from "../report/log.ts";
import type { ManagedShares } from "./managed-share.ts";
import type { UndoStack } from "./undo.ts";

export interface AsideMachine {
  readonly log: Log;
  readonly clock: Clock;
  readonly mounter: Mounter;
  /** Where a share can be put together, or why there is no such place. */
  readonly asidePath: (target: string) => { readonly path: string } | { readonly reason: string };
}

export function asidePlaces(
  { log, clock, mounter, asidePath }: AsideMachine,
  { attemptTimeoutMs }: Pick<Settings, "attemptTimeoutMs">,
  shares: ManagedShares,
  guards: Pick<Guards, "below" | "putBelow">,
  keeper: Pick<Keeper, "has" | "putBack">,
  undo: UndoStack,
): AsidePorts {
  let isRefused = false;
  const refuse = ({ target }: Share, reason: string): void => {
    if (!isRefused) log("warn", inPlace, { stage: "mount", target, reason });
    isRefused = true;
  };
  const close = async (share: Share): Promise<void> => {
    const { asidePath: path } = shares.of(share);
    if (path !== undefined) await clearAside(mounter, clock, path, attemptTimeoutMs);
  };
  return {
    open: async (share) => {
      if (isRefused || (guards.below(share).length === 0 && !keeper.has(share))) return undefined;
      const found = asidePath(share.realTarget);
      if ("reason" in found) {
        refuse(share, found.reason);
        return undefined;
      }
      const { path } = found;
      const managed = shares.of(share);
      if (managed.asidePath === undefined) undo.push(() => close(share));
      managed.asidePath = path;
      // An instance that was killed may have left something there.
      await clearAside(mounter, clock, path, attemptTimeoutMs);
      const made = await mounter.makeAside(path, attemptTimeoutMs);
      if (made.kind === "done") return path;
      refuse(share, made.kind === "failed" ? made.errno : "no answer in time");
      await close(share);
      return undefined;
    },
    guardBelow: async (share, at) => {
      const unguarded = await guards.putBelow(share, at);
      if (unguarded !== undefined) return unguarded;
      const back = await keeper.putBack(share, at);
      if (back.length > 0) log("info", putBack, { stage: "mount", target: share.target, reason: back.join(", ") });
      return undefined;
    },
    refuse,
    close,
  };
}

const putBack = "mounted again on the fresh share what lies in memory and was mounted below it";

const inPlace =
  "shares cannot be put together aside, for a moment what is written below one before all are there lands on that one";
