// The log on stderr: one line an event, JSON by pino or plain text; a log that cannot be written never ends or blocks us.
import * as native from "native";
import pino from "pino";
import type { Log, LogLevel } from "../report/log.ts";
import { jsonOf, shortenFields, textOf, type LogLine } from "../report/log-line.ts";

const stderr = 2;
/** A pipe takes up to PIPE_BUF bytes at once or says beforehand that it would block (pipe(7)). */
const longestLineBytes = 4096;

export interface LogOptions {
  readonly level: LogLevel | "silent";
  readonly format: "auto" | "json" | "text";
}

export function createLog({ level, format }: LogOptions): Log {
  const asText = format === "text" || (format === "auto" && native.isatty(stderr));
  const write = (line: object) => writeLine(line as LogLine, asText ? textOf : jsonOf);
  const logger = pino({
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    browser: {
      asObject: true,
      formatters: { level: (label) => ({ level: label }) },
      write: { fatal: write, error: write, warn: write, info: write, debug: write, trace: write },
    },
  });
  return (severity, message, fields) => {
    logger[severity](shortenFields(fields), message);
  };
}

let dropped = 0;

function writeLine(line: LogLine, format: (line: LogLine) => string): void {
  const bytes = native.encodeUtf8(format(dropped === 0 ? line : { ...line, dropped }));
  if (bytes.byteLength <= longestLineBytes && canWrite(bytes)) dropped = 0;
  else dropped += 1;
}

/** A full disk or a closed pipe: nothing can be said about it here, the line counts as dropped. */
function canWrite(bytes: Uint8Array): boolean {
  try {
    if (native.poll(stderr, native.POLLOUT, 0) !== native.POLLOUT) return false;
    native.write(stderr, bytes);
    return true;
  } catch {
    return false;
  }
}
