// Reaps what has ended: COMMAND, and the orphans that PID 1 or a subreaper inherits; never a child the runtime waits for.

/** A child that has ended, as waitid(2) tells it. */
export interface EndedChild {
  readonly pid: number;
  readonly ended: "exited" | "signalled";
  /** Exit code or signal number. */
  readonly value: number;
}

export interface ReaperPorts {
  /** A child that has ended and waits to be reaped, left as it is; always the same one until it is reaped. */
  readonly peek: () => EndedChild | undefined;
  readonly collect: (pid: number) => void;
  /** Whether the runtime reaps this child. */
  readonly isRuntimeChild: (pid: number) => boolean;
}

/**
 * Reaps every ended child in front of the first one that the runtime is still to reap. Returns whether it got past all of
 * them; if not, it must be called again soon: waitid(2) shows children in a fixed order and does not skip.
 */
export function reap(ports: ReaperPorts, onEnd: (child: EndedChild) => void): boolean {
  for (let child = ports.peek(); child !== undefined; child = ports.peek()) {
    if (ports.isRuntimeChild(child.pid)) return false;
    ports.collect(child.pid);
    onEnd(child);
  }
  return true;
}
