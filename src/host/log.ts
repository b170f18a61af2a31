// The log on stderr: one line an event, JSON by pino or plain text; a log that cannot be written never ends or blocks us.
import { writeSync } from "node:fs";
import pino from "pino";
import { shortened } from "../config/shown.ts";
import { isTerminal, isWritable } from "./libc.ts";
import { printable, printableJson } from "../printable.ts";
import type { Log, LogFields, LogLevel } from "../lifecycle/log.ts";

const stderr = 2;
/** A pipe takes up to PIPE_BUF bytes at once or says beforehand that it would block (pipe(7)). */
const longestLineBytes = 4096;
const longestField = 600;

export interface LogOptions {
  readonly level: LogLevel | "silent";
  readonly format: "auto" | "json" | "text";
}

export function createLog({ level, format }: LogOptions): Log {
  const asText = format === "text" || (format === "auto" && isTerminal(stderr));
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => writeLine(line, asText ? textOf : asJson) },
  );
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

function writeLine(line: string, format: (json: string) => string): void {
  const counted = dropped === 0 ? line : line.replace(/\}\n$/, `,"dropped":${dropped}}\n`);
  const bytes = Buffer.from(format(counted));
  try {
    if (bytes.byteLength <= longestLineBytes && isWritable(stderr)) {
      writeSync(stderr, bytes);
      dropped = 0;
      return;
    }
  } catch {
    // A full disk or a closed pipe: nothing can be said about it here, the line counts as dropped.
  }
  dropped += 1;
}

function asJson(line: string): string {
  return `${printable(line.trimEnd())}\n`;
}

/** A JSON line for people: `07:01:02.345 info  mount: mounted source=... target=...`. */
function textOf(line: string): string {
  const { time, level, msg, stage, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${quoted(value)}`);
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(stage)}: ${String(msg)}${rest.join("")}\n`;
}

function quoted(value: unknown): string {
  const isPlain = typeof value !== "string" || (/^[^\s"=]+$/.test(value) && printable(value) === value);
  return isPlain ? String(value) : printableJson(value);
}
