// How often COMMAND is started again in the same container before the container's own restart policy is to decide.

const most = 5;
const perMs = 10 * 60_000;

export interface RestartBudget {
  readonly most: number;
  readonly perMs: number;
  /** Whether one more restart is allowed now; counts it if so. */
  readonly take: (nowMs: number) => boolean;
}

export function restartBudget(): RestartBudget {
  let takenMs: readonly number[] = [];
  return {
    most,
    perMs,
    take: (nowMs) => {
      takenMs = takenMs.filter((oneMs) => nowMs - oneMs < perMs);
      if (takenMs.length >= most) return false;
      takenMs = [...takenMs, nowMs];
      return true;
    },
  };
}
