// When the published state is written: at once after a change, at most once an interval after looks, and now and then by itself.
import type { Clock } from "../clock.ts";
import type { BoardNews } from "./board.ts";

export interface RefreshPorts extends Pick<Clock, "nowMs" | "later"> {
  readonly write: () => void;
}

/** A look that comes this much of an interval after the last write counts as one of the next round: rounds jitter. */
const roundShare = 0.75;
/** Without news the state is written after so many intervals, below the three after which it is too old. */
const quietIntervals = 2;

/** After how long a state without a newer one is not to be believed: three looks and one that ran out of time. */
export function staleAfterMs(intervalMs: number, timeoutMs: number): number {
  return 3 * intervalMs + timeoutMs;
}

export interface Refresher {
  readonly news: (news: BoardNews) => void;
  readonly stop: () => void;
}

/**
 * Writes now, and from then on as said above. While shares are looked at the timer is only put off and never wakes anybody;
 * it serves while they are waited for, while all looks hang, and with NFS_WATCH=off.
 */
export function refresher({ nowMs, later, write }: RefreshPorts, intervalMs: number): Refresher {
  let writtenMs = 0;
  let callOff = () => {};
  const refresh = () => {
    callOff();
    writtenMs = nowMs();
    callOff = later(quietIntervals * intervalMs, refresh);
    write();
  };
  refresh();
  return {
    news: (news) => {
      if (news === "change" || nowMs() - writtenMs >= roundShare * intervalMs) refresh();
    },
    stop: () => callOff(),
  };
}
