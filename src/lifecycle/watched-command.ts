// COMMAND beside the watch of its shares: who ends first decides, and what the way out must know is kept.
import { topMountOn } from "../shares/mountinfo.ts";
import { isShareOf } from "../kinds/kinds.ts";
import type { Share } from "../shares/share.ts";
import type { Settings } from "../config/config.ts";
import { endCommand, killAll, type EndingPorts } from "../init/ending.ts";
import type { ExitStatus } from "../init/exit-status.ts";
import type { Running } from "../init/supervise.ts";
import type { MountedShares } from "./mount-shares.ts";
import { remounter } from "./remounter.ts";
import { askMs, watchMounts, type Loss, type ShareWatchPorts } from "./share-watch.ts";

export interface WatchedCommandPorts extends ShareWatchPorts {
  readonly killDescendants: () => number;
  /** Calls back when a signal from outside asks COMMAND to end. */
  readonly onStopRequest: (asked: () => void) => void;
}

export type CommandEnd =
  | { readonly kind: "ended"; readonly status: ExitStatus }
  /** A share was lost, and COMMAND was ended for it; perhaps somebody outside had asked it to end meanwhile. */
  | { readonly kind: "lost"; readonly share: Share; readonly reason: string; readonly wasAsked: boolean };

/** How often it is looked whether a share answers while COMMAND takes longer to end than its grace. */
const escalationMs = 1_000;

export interface WatchedCommand {
  readonly end: Promise<CommandEnd>;
  /** Whether a share was last seen not to answer, or stale: its unmount is not waited for. */
  readonly isAway: (share: Share) => boolean;
}

/** Watches the mounted shares while COMMAND runs, and ends it where NFS_WATCH says so. */
export function watchCommand(
  ports: WatchedCommandPorts,
  settings: Settings,
  running: Running,
  shares: MountedShares,
): WatchedCommand {
  const { log, clock, mounter } = ports;
  const over = new AbortController();
  let isLost = false;
  let wasAsked = false;
  let lose: (loss: Pick<Loss, "share" | "lost">) => void = () => {};
  const lost = new Promise<Pick<Loss, "share" | "lost">>((resolve) => {
    lose = resolve;
  });
  const remount = remounter(ports, shares, over.signal, {
    onRemounted: () => {
      if (settings.signalOnRemount !== undefined) running.send(settings.signalOnRemount);
    },
    onFailed: (share, error) => lose({ share, lost: error.message }),
  });
  const onLost = (loss: Loss) => {
    switch (settings.watch) {
      case "exit":
      case "restart":
        return lose(loss);
      case "remount":
        return remount(loss);
      case "log":
      case "off":
        return;
    }
  };
  const watch = watchMounts(ports, settings, shares, onLost, over.signal);

  const ending: EndingPorts = { killDescendants: ports.killDescendants, nowMs: clock.nowMs, sleep: clock.sleep };
  /** Forces the unmount of one dead share of ours while something is stuck on it: the first call aborts what is under way, the second what that woke. */
  const force = async (share: Share): Promise<void> => {
    for (let call = 1; call <= 2; call++) {
      const there = topMountOn(mounter.mounts(), share.realTarget);
      if (there === undefined || !isShareOf(there, share) || (await watch.askServer(share)) === "answers") return;
      if (ports.killDescendants() === 0) return;
      if (call === 1) log("warn", forced, { stage: "umount", source: share.label, target: share.target });
      await mounter.umount(share.realTarget, "force", askMs);
      if (await killAll(ending)) return;
    }
  };
  /** Frees processes that SIGKILL could not end: they are stuck writing to a dead share. */
  const freeStuck = async (): Promise<void> => {
    for (const share of watch.blocking()) {
      if (settings.forceUnmount === "auto" && shares.ours.has(share)) await force(share);
    }
  };

  // A stop from outside is the caller's to escalate, except where a share that does not answer may hold COMMAND for ever.
  const escalate = async (): Promise<void> => {
    const isOver = () => over.signal.aborted;
    await clock.sleep(settings.stopGraceMs);
    while (!isOver()) {
      await watch.lookNow();
      if (isOver()) return;
      if (watch.blocking().length > 0) {
        log("warn", "the process did not end in time and a share does not answer, killing it", { stage: "init" });
        if (!(await killAll(ending))) await freeStuck();
        return;
      }
      await clock.sleep(escalationMs);
    }
  };
  ports.onStopRequest(() => {
    wasAsked = true;
    void escalate();
  });

  const endForLost = async ({ share, lost: reason }: Pick<Loss, "share" | "lost">): Promise<CommandEnd> => {
    const graceMs = settings.stopGraceMs;
    const how = await endCommand(ending, running, { stopSignal: settings.stopSignal, graceMs });
    if (how !== "ended") log("warn", "the process was killed, it did not end in time", { stage: "init" });
    if (how === "stuck") await freeStuck();
    return { kind: "lost", share, reason, wasAsked };
  };
  const endedForLost = lost.then((loss) => {
    isLost = true;
    return endForLost(loss);
  });
  const endedByItself = async (status: ExitStatus): Promise<CommandEnd> => {
    // What COMMAND left behind may be stuck where COMMAND was not, and would hold the container.
    if (watch.blocking().length > 0 && !(await killAll(ending))) await freeStuck();
    return { kind: "ended", status };
  };
  // Once a share is lost that is the reason of the end, whatever COMMAND ends with.
  const ended = running.ended.then((status) => (isLost ? endedForLost : endedByItself(status)));
  const end = Promise.race([ended, endedForLost]).finally(() => over.abort());
  return { end, isAway: watch.isAway };
}

const forced =
  "forcing the unmount of a dead share, other containers in this network namespace may see their writes to it aborted";
