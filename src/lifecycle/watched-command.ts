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
import { askMs, watchMounts, type Loss, type ShareWatch, type ShareWatchPorts } from "./share-watch.ts";

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

/** COMMAND, its shares, and what is to become of them. */
interface Watched {
  readonly ports: WatchedCommandPorts;
  readonly settings: Settings;
  readonly running: Running;
  readonly shares: MountedShares;
  readonly watch: ShareWatch;
  readonly ending: EndingPorts;
  /** Aborts when COMMAND has ended. */
  readonly over: AbortSignal;
  /** Whether somebody outside has asked COMMAND to end. */
  wasAsked: boolean;
  isLost: boolean;
}

type Lost = Pick<Loss, "share" | "lost">;

/** Watches the mounted shares while COMMAND runs, and ends it where NFS_WATCH says so. */
export function watchCommand(
  ports: WatchedCommandPorts,
  settings: Settings,
  running: Running,
  shares: MountedShares,
): WatchedCommand {
  const { clock, killDescendants } = ports;
  const over = new AbortController();
  const { promise: lost, resolve: lose } = Promise.withResolvers<Lost>();
  const onLost = lossHandler(ports, settings, running, shares, lose, over.signal);
  const watch = watchMounts(ports, settings, shares, onLost, over.signal);
  const ending: EndingPorts = { killDescendants, nowMs: clock.nowMs, sleep: clock.sleep };
  const parts = { ports, settings, running, shares, watch, ending, over: over.signal };
  const watched: Watched = { ...parts, wasAsked: false, isLost: false };
  ports.onStopRequest(() => {
    watched.wasAsked = true;
    void escalate(watched);
  });
  const endedForLost = lost.then((loss) => {
    watched.isLost = true;
    return endForLost(watched, loss);
  });
  // Once a share is lost that is the reason of the end, whatever COMMAND ends with.
  const ended = running.ended.then((status) => (watched.isLost ? endedForLost : endedByItself(watched, status)));
  const end = Promise.race([ended, endedForLost]).finally(() => over.abort());
  return { end, isAway: watch.isAway };
}

/** What NFS_WATCH makes of a loss. */
function lossHandler(
  { clock }: WatchedCommandPorts,
  { watch, signalOnRemount }: Settings,
  running: Running,
  shares: MountedShares,
  lose: (loss: Lost) => void,
  over: AbortSignal,
): (loss: Loss) => void {
  const remount = remounter(clock, shares, over, {
    onRemounted: () => {
      if (signalOnRemount !== undefined) running.send(signalOnRemount);
    },
    onFailed: (share, error) => lose({ share, lost: error.message }),
  });
  return (loss) => {
    switch (watch) {
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
}

/** A stop from outside is the caller's to escalate, except where a share that does not answer may hold COMMAND for ever. */
async function escalate(watched: Watched): Promise<void> {
  const { ports, settings, watch, ending, over } = watched;
  const { log, clock } = ports;
  const isOver = () => over.aborted;
  await clock.sleep(settings.stopGraceMs);
  while (!isOver()) {
    await watch.lookNow();
    if (isOver()) return;
    if (watch.blocking().length > 0) {
      log("warn", "the process did not end in time and a share does not answer, killing it", { stage: "init" });
      if (!(await killAll(ending))) await freeStuck(watched);
      return;
    }
    await clock.sleep(escalationMs);
  }
}

async function endForLost(watched: Watched, { share, lost: reason }: Lost): Promise<CommandEnd> {
  const { ports, settings, running, ending } = watched;
  const { stopSignal, stopGraceMs: graceMs } = settings;
  const how = await endCommand(ending, running, { stopSignal, graceMs });
  if (how !== "ended") ports.log("warn", "the process was killed, it did not end in time", { stage: "init" });
  if (how === "stuck") await freeStuck(watched);
  return { kind: "lost", share, reason, wasAsked: watched.wasAsked };
}

async function endedByItself(watched: Watched, status: ExitStatus): Promise<CommandEnd> {
  // What COMMAND left behind may be stuck where COMMAND was not, and would hold the container.
  if (watched.watch.blocking().length > 0 && !(await killAll(watched.ending))) await freeStuck(watched);
  return { kind: "ended", status };
}

/** Frees processes that SIGKILL could not end: they are stuck writing to a dead share. */
async function freeStuck(watched: Watched): Promise<void> {
  const { settings, shares, watch } = watched;
  for (const share of watch.blocking()) {
    if (settings.forceUnmount === "auto" && shares.isOurs(share)) await force(watched, share);
  }
}

/** Forces the unmount of one dead share of ours while something is stuck on it: the first call aborts what is under way, the second what that woke. */
async function force({ ports, watch, ending }: Watched, share: Share): Promise<void> {
  const { log, mounter, killDescendants } = ports;
  for (let call = 1; call <= 2; call++) {
    const there = topMountOn(mounter.mounts(), share.realTarget);
    if (there === undefined || !isShareOf(there, share) || (await watch.askServer(share)) === "answers") return;
    if (killDescendants() === 0) return;
    if (call === 1) log("warn", forced, { stage: "umount", source: share.label, target: share.target });
    await mounter.umount(share.realTarget, "force", askMs);
    if (await killAll(ending)) return;
  }
}

const forced =
  "forcing the unmount of a dead share, other containers in this network namespace may see their writes to it aborted";
