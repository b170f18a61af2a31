// COMMAND as a child: started in a process group of its own, given the signals that reach us, waited for.
import { AppError, exitCodes } from "../errors.ts";
import type { Command } from "./command.ts";
import type { ExitStatus } from "./exit-status.ts";
import type { EndedChild } from "./reaper.ts";

export type StartOutcome =
  | { readonly kind: "started"; readonly pid: number }
  | { readonly kind: "not-found" }
  | { readonly kind: "not-executable"; readonly reason: string };

export interface InitPorts {
  /** Starts COMMAND in a process group of its own, in the foreground of the terminal if there is one. */
  readonly start: (command: Command) => StartOutcome;
  /** Sends a signal to COMMAND. */
  readonly send: (pid: number, signal: number) => void;
  /** Reaps ended children from now on, and calls `onEnd` for each. */
  readonly reapChildren: (onEnd: (child: EndedChild) => void) => void;
  /** Gives every signal for COMMAND to `onSignal`, those first that came before this call. */
  readonly routeSignals: (onSignal: (signal: number) => void) => void;
  /** Puts us back into the foreground of the terminal. */
  readonly reclaimTerminal: () => void;
}

/** COMMAND while it runs. */
export interface Running {
  readonly send: (signal: number) => void;
  readonly ended: Promise<ExitStatus>;
}

/** Starts COMMAND and gives it the signals that reach us. Throws AppError 126 or 127 where it cannot be started. */
export function startCommand(ports: InitPorts, command: Command): Running {
  const started = ports.start(command);
  if (started.kind !== "started") throw notStarted(command, started);
  const { pid } = started;
  let hasEnded = false;
  const send = (signal: number) => {
    // Its number may be another process's by then.
    if (!hasEnded) ports.send(pid, signal);
  };
  const ended = new Promise<ExitStatus>((resolve) => {
    ports.reapChildren((child) => {
      if (child.pid !== pid) return;
      hasEnded = true;
      ports.reclaimTerminal();
      resolve(
        child.ended === "exited" ? { kind: "exited", code: child.value } : { kind: "signalled", signal: child.value },
      );
    });
  });
  ports.routeSignals(send);
  return { send, ended };
}

function notStarted(command: Command, outcome: Exclude<StartOutcome, { kind: "started" }>): AppError {
  const file = new TextDecoder().decode(command.argv[0]);
  return outcome.kind === "not-found"
    ? new AppError(`cannot start ${file}: not found`, exitCodes.notFound, {
        hint: "check the path, PATH, and the interpreter in its first line",
      })
    : new AppError(`cannot start ${file}: ${outcome.reason}`, exitCodes.notExecutable, {
        hint: "check that it is a program and its mode has x",
      });
}
