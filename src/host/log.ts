// The log on stderr: one line an event, JSON by pino or plain text; a log that cannot be written never ends or blocks us.
import { shortened } from "../text/shown.ts";
import { printable, printableJson } from "../text/printable.ts";
import * as native from "native";
import pino from "pino";
import type { Log, LogFields, LogLevel } from "../report/log.ts";

const stderr = 2;
/** A pipe takes up to PIPE_BUF bytes at once or says beforehand that it would block (pipe(7)). */
const longestLineBytes = 4096;
const longestField = 600;

export interface LogOptions {
  readonly level: LogLevel | "silent";
  readonly format: "auto" | "json" | "text";
}

type Line = Readonly<Record<string, unknown>>;

export function createLog({ level, format }: LogOptions): Log {
  const asText = format === "text" || (format === "auto" && native.isatty(stderr));
  const write = (line: object) => writeLine(line as Line, asText ? textOf : jsonOf);
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
    logger[severity](shorten(fields), message);
  };
}

function shorten(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? shortened(value, longestField) : value,
    ]),
  );
}

let dropped = 0;

function writeLine(line: Line, format: (line: Line) => string): void {
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

function jsonOf(line: Line): string {
  return `${printable(JSON.stringify(line))}\n`;
}

/** A line for people: `07:01:02.345 info  mount: mounted source=... target=...`. */
function textOf({ time, level, msg, stage, ...fields }: Line): string {
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${quoted(value)}`);
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(stage)}: ${String(msg)}${rest.join("")}\n`;
}

function quoted(value: unknown): string {
  const isPlain = typeof value !== "string" || (/^[^\s"=]+$/.test(value) && printable(value) === value);
  return isPlain ? String(value) : printableJson(value);
}
