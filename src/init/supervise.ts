// Programs as children: each started in a process group of its own, given the signals that are for it, waited for.
import { AppError, exitCodes } from "../errors.ts";
import type { EndedChild } from "./children.ts";
import type { Command } from "./command.ts";
import type { ExitStatus } from "./exit-status.ts";
import type { Relay } from "./relay.ts";

export type StartOutcome =
  | { readonly kind: "started"; readonly pid: number; readonly ended: Promise<EndedChild> }
  | NotStarted;

export type NotStarted =
  | { readonly kind: "not-found" }
  | { readonly kind: "not-executable"; readonly reason: string; readonly hint?: string };

export interface InitPorts {
  /**
   * Starts a program in a process group of its own, in the foreground of the terminal if there is one to give. Rejects with the
   * signal's reason where that aborts before the program runs; then it never does.
   */
  readonly start: (command: Command, signal?: AbortSignal) => Promise<StartOutcome>;
  /** Becomes the program; settles only where that fails. */
  readonly replace: (command: Command) => Promise<NotStarted>;
  /** Sends a signal to a program. */
  readonly send: (pid: number, signal: number) => void;
  /** The signals that reach us, for those who are to have them. */
  readonly signals: Relay;
  /** Puts us back into the foreground of the terminal where that program had it. */
  readonly reclaimTerminal: (pid: number) => void;
}

/** A program while it runs. */
export interface Running {
  readonly send: (signal: number) => void;
  readonly ended: Promise<ExitStatus>;
}

/** Which signal a program gets for one that reached us. */
export type SignalMap = ReadonlyMap<number, number>;

export interface StartOptions {
  /** Rewrites signals on their way. */
  readonly map?: SignalMap | undefined;
  /** Ends the start where it aborts before the program runs. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts a program and gives it the signals that reach us, beside others that are given them. Rejects with AppError 126 or 127 where
 * it cannot be started.
 */
export async function startCommand(
  ports: InitPorts,
  command: Command,
  { map, signal: abort }: StartOptions = {},
): Promise<Running> {
  const started = await ports.start(command, abort);
  if (started.kind !== "started") throw notStarted(command, started);
  const { pid } = started;
  let hasEnded = false;
  const send = (signal: number) => {
    // Its number may be another process's by then.
    if (!hasEnded) ports.send(pid, signal);
  };
  const removeReceiver = ports.signals.add((signal) => send(map?.get(signal) ?? signal));
  const ended = started.ended.then((child): ExitStatus => {
    hasEnded = true;
    removeReceiver();
    ports.reclaimTerminal(pid);
    return child.ended === "exited"
      ? { kind: "exited", code: child.value }
      : { kind: "signalled", signal: child.value };
  });
  return { send, ended };
}

/** Becomes COMMAND. Rejects with AppError 126 or 127 where that fails. */
export async function becomeCommand(ports: Pick<InitPorts, "replace">, command: Command): Promise<never> {
  throw notStarted(command, await ports.replace(command));
}

function notStarted(command: Command, outcome: NotStarted): AppError {
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
