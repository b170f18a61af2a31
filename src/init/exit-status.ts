// How COMMAND ended, and the exit code that says so.
import { exitCodes } from "../errors.ts";

export type ExitStatus =
  | { readonly kind: "exited"; readonly code: number }
  /** Ended by a signal; real-time signals too. */
  | { readonly kind: "signalled"; readonly signal: number };

/** COMMAND's own code, or 128+n as shells and other inits say it. */
export function exitCodeOf(status: ExitStatus): number {
  return status.kind === "exited" ? status.code : exitCodes.signalBase + status.signal;
}
