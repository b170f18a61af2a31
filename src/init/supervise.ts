// COMMAND as a child: started in a process group of its own, given the signals that reach us, waited for.
import { AppError, exitCodes } from "../errors.ts";
import type { Command } from "./command.ts";
import type { ExitStatus } from "./exit-status.ts";

/** A child that has ended, as waitid(2) tells it. */
export interface EndedChild {
  readonly pid: number;
  readonly ended: "exited" | "signalled";
  /** Exit code or signal number. */
  readonly value: number;
}

export type StartOutcome =
  | { readonly kind: "started"; readonly pid: number }
  | { readonly kind: "not-found" }
  | { readonly kind: "not-executable"; readonly reason: string; readonly hint?: string };

export interface InitPorts {
  /** Starts COMMAND in a process group of its own, in the foreground of the terminal if there is one. */
  readonly start: (command: Command) => StartOutcome;
  /** Becomes COMMAND; returns only where that fails. */
  readonly replace: (command: Command) => Exclude<StartOutcome, { kind: "started" }>;
  /** Sends a signal to COMMAND. */
  readonly send: (pid: number, signal: number) => void;
  /** Reaps ended children from now on, and calls `onEnd` for each, in place of an earlier one. */
  readonly reapChildren: (onEnd: (child: EndedChild) => void) => void;
  /**
   * Gives every signal for COMMAND to `onSignal`, those first that came before this call; with undefined, signals are kept
   * again as before COMMAND ran.
   */
  readonly routeSignals: (onSignal: ((signal: number) => void) | undefined) => void;
  /** Puts us back into the foreground of the terminal. */
  readonly reclaimTerminal: () => void;
}

/** COMMAND while it runs. */
export interface Running {
  readonly send: (signal: number) => void;
  readonly ended: Promise<ExitStatus>;
}

/** Which signal COMMAND gets for one that reached us. */
export type SignalMap = ReadonlyMap<number, number>;

/** Starts COMMAND and gives it the signals that reach us. Throws AppError 126 or 127 where it cannot be started. */
export function startCommand(ports: InitPorts, command: Command, map?: SignalMap): Running {
  const started = ports.start(command);
  if (started.kind !== "started") throw notStarted(command, started);
  const { pid } = started;
  let hasEnded = false;
  const send = (signal: number) => {
    // Its number may be another process's by then.
    if (!hasEnded) ports.send(pid, signal);
  };
  // Before anything is reaped: COMMAND may have ended already, and then signals are nobody's again.
  ports.routeSignals((signal) => send(map?.get(signal) ?? signal));
  const ended = new Promise<ExitStatus>((resolve) => {
    ports.reapChildren((child) => {
      if (child.pid !== pid) return;
      hasEnded = true;
      ports.routeSignals(undefined);
      ports.reclaimTerminal();
      resolve(
        child.ended === "exited" ? { kind: "exited", code: child.value } : { kind: "signalled", signal: child.value },
      );
    });
  });
  return { send, ended };
}

/** Becomes COMMAND. Throws AppError 126 or 127 where that fails. */
export function becomeCommand(ports: InitPorts, command: Command): never {
  throw notStarted(command, ports.replace(command));
}

export function notStarted(command: Command, outcome: Exclude<StartOutcome, { kind: "started" }>): AppError {
  const file = new TextDecoder().decode(command.argv[0]);
  return outcome.kind === "not-found"
    ? new AppError(`cannot start ${file}: not found`, exitCodes.notFound, {
        hint: "check the path, PATH, and the interpreter in its first line",
      })
    : new AppError(
        `cannot start ${file}: ${outcome.reason}`,
        exitCodes.notExecutable,
        outcome.hint === undefined ? {} : { hint: outcome.hint },
      );
}
