// The log as the stages see it: a level, a constant phrase, and fields.

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** The part of the flow a line is about. */
export type LogStage = "config" | "fstab" | "wait" | "mount" | "init" | "watch" | "umount" | "serve";

export interface LogFields {
  readonly stage?: LogStage;
  readonly source?: string;
  readonly target?: string;
  readonly version?: string;
  readonly attempt?: number;
  readonly elapsedMs?: number;
  readonly reason?: string;
  readonly hint?: string;
  readonly [name: string]: string | number | boolean | undefined;
}

/** Writes one line. `message` is a constant phrase; what varies goes into `fields`. */
export type Log = (level: LogLevel, message: string, fields: LogFields & { readonly stage: LogStage }) => void;
