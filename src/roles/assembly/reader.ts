// What those who read a published state know of themselves, and where it lies: check and status.
import type { Environment } from "../../config/config.ts";
import { parsed, takenAs, tidied } from "../../config/given.ts";
import { meansExports, meansShares } from "../../config/share-names.ts";
import { anyWordToggle, toggle } from "../../config/values.ts";
import { flagName, variables } from "../../config/variables.ts";
import { AppError, exitCodes } from "../../errors.ts";
import { clock } from "../../host/clock.ts";
import { bootId, pidNamespace, processStartedMs } from "../../host/process-facts.ts";
import { readStateFile } from "../../host/state-file.ts";
import { complain } from "../../host/stdio.ts";
import { printable } from "../../text/printable.ts";
import type { CallerFacts, FoundState } from "../../report/health.ts";
import type { Invocation } from "../roles.ts";

export interface Reader {
  readonly readState: () => FoundState;
  readonly caller: () => CallerFacts;
}

/** Throws AppError 78 for a directory that cannot be one. */
export function readerOf({ flags }: Invocation, environment: Environment): Reader {
  const stateDir = stateDirOf(flags.values.get("stateDir"), environment);
  return { readState: () => readStateFile(stateDir), caller: () => callerFacts(environment) };
}

export function sayWhy(line: string): void {
  complain(`${printable(line)}\n`);
}

function stateDirOf(flag: string | undefined, environment: Environment): string {
  const { name, format, default: initial } = variables.stateDir;
  const isGiven = tidied(flag ?? "") !== "";
  const given = takenAs(
    isGiven ? `--${flagName(variables.stateDir)}` : name,
    (isGiven ? flag : environment[name]) ?? "",
  );
  const problems: string[] = [];
  const path = given.value === "" ? initial : parsed({ problems }, given, format);
  if (path !== undefined) return path;
  throw new AppError(problems.join("; "), exitCodes.config);
}

function callerFacts(environment: Environment): CallerFacts {
  const isOn = (format: typeof toggle, name: string) =>
    tidied(environment[name] ?? "") !== "" && format.parse(tidied(environment[name] ?? "")) === true;
  return {
    nowMs: clock.nowMs(),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    processStartedMs,
    hasShares: Object.entries(environment).some(
      ([name, value]) => (meansShares(name) || meansExports(name)) && tidied(value ?? "") !== "",
    ),
    isSkipped: [variables.mountSkip.name, ...variables.mountSkip.aliases].some((name) => isOn(anyWordToggle, name)),
    isReplaced: isOn(toggle, variables.exec.name),
  };
}
