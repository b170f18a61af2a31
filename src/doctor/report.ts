// Doctor's page for a person, and the same as JSON for a machine.
import { printable, printableJson } from "../text/printable.ts";
import type { Check, CheckStatus } from "./check.ts";
import type { DoctorFacts } from "./facts.ts";
import type { Findings } from "./findings.ts";
import type { ServerFacts } from "./server/facts.ts";
import type { ServerFindings } from "./server/judge.ts";

/** Grows when a field of the JSON is renamed, removed, or means something else. */
export const schemaVersion = 1;

const words: Readonly<Record<CheckStatus, string>> = {
  ok: "ok",
  warning: "warning",
  fails: "fails",
  "not-applicable": "-",
};
/** ECMA-48 colours: green, yellow, red, dim. */
const colours: Readonly<Record<CheckStatus, number>> = { ok: 32, warning: 33, fails: 31, "not-applicable": 2 };

/** The page; ends with the verdict, a sentence on a line of its own. */
export function formatPage({ sections, verdict }: Pick<Findings, "sections" | "verdict">, isColoured: boolean): string {
  const paint = (code: number, text: string) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);
  const width = Math.max(...sections.flatMap(({ checks }) => checks.map(({ name }) => name.length)), 0);
  const line = ({ name, status, fact, next }: Check) => {
    const text = `  ${paint(colours[status], words[status].padEnd(7))}  ${name.padEnd(width)}  ${printable(fact)}`;
    return next === undefined ? [text] : [text, `  ${" ".repeat(7 + 2 + width)}  -> ${printable(next)}`];
  };
  const body = sections.flatMap(({ title, checks }) => [paint(1, printable(title)), ...checks.flatMap(line), ""]);
  return `${[...body, printable(verdict)].join("\n")}\n`;
}

export function formatJson(
  { sections, causes, wouldMount, verdict }: Findings,
  { engine, tookMs }: Pick<DoctorFacts, "engine" | "tookMs">,
): string {
  const told = { schemaVersion, engine, wouldMount, verdict, causes, sections, tookMs: Math.round(tookMs) };
  return `${printableJson(told, 2)}\n`;
}

/** The same about a server. */
export function formatServerJson(
  { sections, wouldServe, verdict }: ServerFindings,
  { tookMs }: Pick<ServerFacts, "tookMs">,
): string {
  const told = { schemaVersion, wouldServe, verdict, sections, tookMs: Math.round(tookMs) };
  return `${printableJson(told, 2)}\n`;
}
