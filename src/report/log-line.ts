// A line of the log, as JSON or for people.
import { printable, printableJson } from "../text/printable.ts";
import { shortened } from "../text/shown.ts";

/** What a line says: time, level, msg, stage and the fields of the event. */
export type LogLine = Readonly<Record<string, unknown>>;

const longestField = 600;

/** The same fields, none of them longer than a line can hold. */
export function shortenFields(fields: LogLine): LogLine {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? shortened(value, longestField) : value,
    ]),
  );
}

/** A line of JSON. */
export function jsonOf(line: LogLine): string {
  return `${printable(JSON.stringify(line))}\n`;
}

/** A line for people: `07:01:02.345 info  mount: mounted source=... target=...`. */
export function textOf({ time, level, msg, stage, ...fields }: LogLine): string {
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${quoted(value)}`);
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(stage)}: ${String(msg)}${rest.join("")}\n`;
}

function quoted(value: unknown): string {
  const isPlain = typeof value !== "string" || (/^[^\s"=]+$/.test(value) && printable(value) === value);
  return isPlain ? String(value) : printableJson(value);
}
