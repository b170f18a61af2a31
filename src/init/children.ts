// Who waits for which child: the reaper tells by pid, and nobody takes another's child for its own.

/** A child that has ended, as waitid(2) tells it. */
export interface EndedChild {
  readonly pid: number;
  readonly ended: "exited" | "signalled";
  /** Exit code or signal number. */
  readonly value: number;
}

/** `program`: one that is looked after for the user. `worker`: a process of our own, which works for us. */
export type ChildKind = "program" | "worker";

export interface Children {
  /** Calls back once, when that child has been reaped. To be asked for before anything is reaped again. */
  readonly await: (pid: number, kind: ChildKind, onEnd: (child: EndedChild) => void) => void;
  /** To be told of every child that was reaped; what nobody waits for is an orphan that became ours. */
  readonly ended: (child: EndedChild) => void;
  /** Whether somebody waits for that child: its number cannot be another process's yet. */
  readonly isAwaited: (pid: number) => boolean;
  readonly isWorker: (pid: number) => boolean;
  readonly workers: () => readonly number[];
  /** Calls back when no worker is left; at once where there is none. */
  readonly onNoWorkers: (call: () => void) => void;
}

export function childTable(): Children {
  const awaited = new Map<number, { readonly kind: ChildKind; readonly onEnd: (child: EndedChild) => void }>();
  let waiting: (() => void)[] = [];
  const workers = () => [...awaited].filter(([, { kind }]) => kind === "worker").map(([pid]) => pid);
  const tellIfNone = () => {
    if (waiting.length === 0 || workers().length > 0) return;
    const calls = waiting;
    waiting = [];
    for (const call of calls) call();
  };
  return {
    await: (pid, kind, onEnd) => {
      awaited.set(pid, { kind, onEnd });
    },
    ended: (child) => {
      const one = awaited.get(child.pid);
      // Its number may be another child's as soon as it is reaped.
      awaited.delete(child.pid);
      one?.onEnd(child);
      tellIfNone();
    },
    isAwaited: (pid) => awaited.has(pid),
    isWorker: (pid) => awaited.get(pid)?.kind === "worker",
    workers,
    onNoWorkers: (call) => {
      waiting.push(call);
      tellIfNone();
    },
  };
}
