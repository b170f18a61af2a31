// Lines of exports(5): a directory, and behind it clients with their options.
import { explainClient, parseClient, type Client } from "../export/clients.ts";
import { defaultOptions, parseOptions, type ExportOptions } from "../export/options.ts";
import type { Rule } from "../export/exports.ts";
import { decodeField } from "../shares/escape.ts";
import { absolutePath } from "./values.ts";

export type ParsedLine =
  | { readonly kind: "export"; readonly path: string; readonly rules: readonly Rule[] }
  | { readonly kind: "problem"; readonly reason: string };

/** The lines of a list: those that `;` or an end parts, without comments; a backslash at an end joins two. */
export function splitLines(text: string): readonly string[] {
  return text
    .replaceAll(/\\\r?\n/g, " ")
    .split(/[\n;]/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** One line. Where it names no client, those are `otherwise`. */
export function parseLine(line: string, otherwise: readonly Client[]): ParsedLine {
  const [, quoted, plain = "", rest = ""] = /^(?:"([^"]*)"|(\S+))(?:\s+(.*))?$/s.exec(line) ?? [];
  const path = absolutePath.parse(decodeField(quoted ?? plain));
  if (path === undefined) return { kind: "problem", reason: `"${quoted ?? plain}" is no directory` };
  let defaults = "";
  const rules: Rule[] = [];
  for (const word of rest.split(/\s+/).filter((one) => one !== "")) {
    if (word.startsWith("#")) break;
    if (word.startsWith("-")) {
      defaults = word.slice(1);
      continue;
    }
    const rule = parseRule(word, defaults, otherwise);
    if ("reason" in rule) return { kind: "problem", reason: rule.reason };
    rules.push(rule);
  }
  if (rules.length > 0) return { kind: "export", path, rules };
  const options = optionsOf(defaults);
  return "reason" in options
    ? { kind: "problem", reason: options.reason }
    : { kind: "export", path, rules: [{ clients: otherwise, options }] };
}

function parseRule(word: string, defaults: string, otherwise: readonly Client[]): Rule | { readonly reason: string } {
  const parts = /^([^()]*)(?:\(([^()]*)\))?$/.exec(word);
  const unclear = `"${word}" is no client with its options, such as 10.0.0.0/8(rw)`;
  if (parts === null) return { reason: unclear };
  const [, name = "", own] = parts;
  // "host (rw)" with a blank gives the options to everybody: the classic mistake of exports(5).
  if (name === "" && own !== undefined && otherwise.every(({ kind }) => kind === "attached")) {
    return { reason: `"${word}" has options without a client; write no blank before them, or * for everybody` };
  }
  const client = name === "" ? undefined : parseClient(name);
  if (name !== "" && client === undefined) {
    return { reason: explainClient(name) ?? unclear };
  }
  const options = optionsOf([defaults, own ?? ""].filter((one) => one !== "").join(","));
  return "reason" in options ? options : { clients: client === undefined ? otherwise : [client], options };
}

function optionsOf(text: string): ExportOptions | { readonly reason: string } {
  if (text === "") return defaultOptions;
  const parsed = parseOptions(text);
  return parsed.kind === "options" ? parsed.options : { reason: parsed.reason };
}
