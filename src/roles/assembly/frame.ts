// What a role that reads a configuration begins and ends with: the log, its signals, and what is said where it ends early.
import * as native from "native";
import type { Environment } from "../../config/config.ts";
import { decodeEnvironment } from "../../text/encoding.ts";
import { choiceOf, variables } from "../../config/variables.ts";
import { AppError, exitCodes } from "../../errors.ts";
import { createLog } from "../../host/log.ts";
import { openSignalInbox, type SignalInbox } from "../../host/signals.ts";
import { writeTerminationLog } from "../../host/termination-log.ts";
import { ownUmask } from "../../init/handover.ts";
import type { Log, LogStage } from "../../report/log.ts";
import type { Start } from "./start.ts";

export interface Frame extends Start {
  readonly log: Log;
  readonly environment: Environment;
  readonly inbox: SignalInbox;
  /** Where nfs-init was started; undefined where that directory is gone. */
  readonly workingDirectory: string | undefined;
  /** COMMAND gets it back. */
  readonly inheritedUmask: number;
}

/** Every problem of a configuration: it ends the program before anything is touched. */
export class WrongConfiguration extends Error {
  override readonly name = "WrongConfiguration";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}

/** Runs a role; gives the exit code. What ends it early is logged here, and for orchestrators unless `isQuiet`. */
export async function inFrame(
  start: Start,
  role: (frame: Frame) => Promise<number>,
  { isQuiet = false, phrases = {} }: { readonly isQuiet?: boolean; readonly phrases?: LastPhrases } = {},
): Promise<number> {
  const inbox = openSignalInbox();
  const environment = decodeEnvironment(start.given);
  // What nfs-init makes has the mode that is promised.
  const inheritedUmask = native.umask(ownUmask);
  const flag = start.invocation.flags.values;
  const log = createLog({
    level: choiceOf(variables.logLevel, flag.get("logLevel") ?? environment[variables.logLevel.name]),
    format: choiceOf(variables.logFormat, flag.get("logFormat") ?? environment[variables.logFormat.name]),
  });
  try {
    return await role({ ...start, log, environment, inbox, workingDirectory: currentDirectory(), inheritedUmask });
  } catch (error) {
    const { reason, exitCode } = lastLines(log, error, { ...lastPhrases, ...phrases });
    if (!isQuiet && reported.has(exitCode)) writeTerminationLog(reason);
    return exitCode;
  }
}

function currentDirectory(): string | undefined {
  try {
    return native.getcwd();
  } catch {
    return undefined;
  }
}

/** The phrase of the last log line and the stage it is about, by the exit code. */
export type LastPhrases = Readonly<Record<number, { readonly phrase: string; readonly stage: LogStage }>>;

const lastPhrases: LastPhrases = {
  [exitCodes.mountFailed]: { phrase: "a share cannot be mounted", stage: "mount" },
  [exitCodes.config]: { phrase: "wrong configuration", stage: "config" },
  [exitCodes.timedOut]: { phrase: "gave up waiting", stage: "wait" },
  [exitCodes.lost]: { phrase: "a share was lost", stage: "watch" },
  [exitCodes.notExecutable]: { phrase: "the process cannot be started", stage: "init" },
  [exitCodes.notFound]: { phrase: "the process cannot be started", stage: "init" },
};

/** Exit codes whose reason goes to the termination log too: those that are about shares and their configuration. */
const reported: ReadonlySet<number> = new Set([
  exitCodes.mountFailed,
  exitCodes.lost,
  exitCodes.config,
  exitCodes.timedOut,
]);

/** Logs why it ends, a problem of the configuration a line. Throws what is a fault of ours. */
function lastLines(
  log: Log,
  error: unknown,
  phrases: LastPhrases,
): { readonly reason: string; readonly exitCode: number } {
  if (error instanceof WrongConfiguration) {
    for (const reason of error.problems) log("fatal", "wrong configuration", { stage: "config", reason });
    return { reason: error.message, exitCode: exitCodes.config };
  }
  if (!(error instanceof AppError)) throw error;
  const { message, exitCode, hint, fields } = error;
  const { phrase, stage } = phrases[exitCode] ?? { phrase: "nfs-init ends", stage: "init" };
  const toDo = hint === undefined ? {} : { hint };
  log("fatal", phrase, { stage, ...fields, reason: message, ...toDo, exitCode });
  return { reason: hint === undefined ? message : `${message}; ${hint}`, exitCode };
}
