// The exit codes nfs-init promises, and the one error class that carries them to the command line.

/** Exit codes of nfs-init itself; COMMAND's own codes pass through unchanged. */
export const exitCodes = {
  ok: 0,
  /** A share cannot be mounted and trying again will not help; the code mount(8) uses. */
  mountFailed: 32,
  /** Wrong use of the command line (EX_USAGE, sysexits.h). */
  usage: 64,
  /** A fault of nfs-init itself (EX_SOFTWARE, sysexits.h). */
  fault: 70,
  /** A share was lost and starting again can help (EX_TEMPFAIL, sysexits.h). */
  lost: 75,
  /** Wrong configuration (EX_CONFIG, sysexits.h). */
  config: 78,
  /** NFS_WAIT_TIMEOUT ran out; the code timeout(1) uses. */
  timedOut: 124,
  /** COMMAND was found but cannot be executed, as shells say it. */
  notExecutable: 126,
  /** COMMAND was not found, as shells say it. */
  notFound: 127,
  /** Added to the number of the signal that ended COMMAND, as shells do. */
  signalBase: 128,
} as const;

export interface AppErrorDetails {
  /** What the operator can do next, a clause without a full stop. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** Fields for the log line beside the message: source, target, ... */
  readonly fields?: Readonly<Record<string, string | number>>;
}

/** A failure nfs-init understands: what failed, on what, why; it ends the program with `exitCode`. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly exitCode: number;
  readonly hint: string | undefined;
  readonly fields: Readonly<Record<string, string | number>>;

  constructor(message: string, exitCode: number, details: AppErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.exitCode = exitCode;
    this.hint = details.hint;
    this.fields = details.fields ?? {};
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The errno name (`ENOENT`) of a failed system call, if `thrown` is one. */
export function errnoOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
