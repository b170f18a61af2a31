// What was given for a variable, by which name, and what is said of it: tidied, and refused where nobody can have meant it.
import { encodingProblem } from "../text/encoding.ts";
import { holdsSecret, withoutSecretFiles } from "../text/secrets.ts";
import { shown } from "../text/shown.ts";
import { isPassword, numberedExport, numberedShare } from "./share-names.ts";
import type { Format } from "./values.ts";
import type { Environment, Flags } from "./config.ts";
import type { Variable } from "./variable.ts";
import { flagName, variableRows, variables, type VariableKey } from "./variables.ts";

/** A value as it was given, without the blanks around it, and the name to use for it in messages. */
export interface Given {
  readonly name: string;
  readonly value: string;
  /** Whether it may hold a secret, so that nothing of it is shown. */
  readonly isHidden: boolean;
  /** Why it cannot be meant, whatever it is for. */
  readonly refusal: string | undefined;
}

/** Everything that was given, and where problems and warnings about it are collected. */
export interface Reader {
  /** By the name of the variable. */
  readonly values: ReadonlyMap<string, Given>;
  readonly flags: ReadonlyMap<VariableKey, Given>;
  /** Lines of `--mount`. */
  readonly mounts: readonly Given[];
  /** Names of variables that hold a password themselves. */
  readonly passwords: readonly string[];
  readonly problems: string[];
  readonly warnings: string[];
}

/** The longest value: no path (PATH_MAX) and no options of a mount (a page) are longer. */
export const longestValue = 4_096;

/** The longest list of shares: what the kernel lets one variable have (MAX_ARG_STRLEN). */
const longestList = 131_072;

/** The longest line of a list: four columns. */
const longestLine = 4 * longestValue;

/** Takes up what was given; empty values count as unset. */
export function readGiven(environment: Environment, flags: Flags): Reader {
  const warnings: string[] = [];
  const values = new Map<string, Given>();
  for (const { name, key } of namesIn(environment)) {
    const one = take(name, environment[name] ?? "", key, warnings);
    if (one.value !== "") values.set(name, one);
  }
  const flagged = new Map<VariableKey, Given>();
  for (const variable of variableRows) {
    const value = flags.values.get(variable.key);
    if (value === undefined) continue;
    const one = take(`--${flagName(variable)}`, value, variable.key, warnings);
    if (one.value !== "") flagged.set(variable.key, one);
  }
  const mounts = flags.mounts.map((line) => lineOf("--mount", line));
  const passwords = Object.keys(environment).filter((name) => isPassword(name) && environment[name] !== "");
  return { values, flags: flagged, mounts, passwords, problems: [], warnings };
}

/** Names of our variables that are set. */
function namesIn(environment: Environment): readonly { readonly name: string; readonly key: VariableKey }[] {
  const plain = variableRows.flatMap(({ name, aliases, key }) =>
    [name, ...(aliases ?? [])].map((one) => ({ name: one, key })),
  );
  const withNumbers = Object.keys(environment).flatMap((name) => {
    const numbered = numberedShare(name) ?? numberedExport(name);
    return numbered === undefined ? [] : [{ name, key: numbered.key }];
  });
  return [...plain, ...withNumbers].filter(({ name }) => (environment[name] ?? "") !== "");
}

function take(name: string, text: string, key: VariableKey, warnings: string[]): Given {
  // The blanks and line ends of a list are its form; carriage returns are not.
  const isList = key === "mounts" || key === "exports";
  const carriageReturns = isList && text.includes("\r");
  if (carriageReturns || (!isList && tidied(text) !== text)) {
    const what = isList ? "the carriage returns in it" : "blanks or line ends around its value";
    warnings.push(`${name}: ${what} are ignored; write it without them`);
  }
  // TEST is anybody's name, and any word will do for it.
  const one = takenAs(name, text, isList ? longestList : longestValue);
  if (key === "mountSkip") return { ...one, isHidden: false };
  // mount.cifs(8) takes what stands behind a % for the password.
  return key === "username" && one.value.includes("%") ? { ...one, isHidden: true } : one;
}

/** A value as it was given under a name. */
export function takenAs(name: string, text: string, longest = longestValue): Given {
  const value = tidied(text);
  return { name, value, isHidden: holdsSecret(withoutSecretFiles(value)), refusal: valueRefusal(value, longest) };
}

/** One line of a list of shares. */
export function lineOf(name: string, text: string): Given {
  return takenAs(name, text, longestLine);
}

/** A value without the blanks and line ends around it. */
export function tidied(text: string): string {
  return text.trim();
}

function valueRefusal(value: string, longest: number): string | undefined {
  if (value.length > longest) return `its ${value.length} characters are more than ${longest}`;
  const [first] = value;
  const isQuoted = value.length > 1 && (first === '"' || first === "'") && value.endsWith(first);
  if (isQuoted) return "the quotes are part of the value; write it without them";
  return encodingProblem(value);
}

/** The value of a variable: the flag's, else the variable's under the first of its names. */
export function given(reader: Reader, key: VariableKey): Given | undefined {
  const { name, aliases = [] }: Variable = variables[key];
  const flag = reader.flags.get(key);
  return flag ?? [name, ...aliases].map((one) => reader.values.get(one)).find((one) => one !== undefined);
}

/** A sentence about a value that cannot be. */
export function problem({ name, value, isHidden }: Given, reason: string): string {
  // The reason may repeat parts of the value.
  if (isHidden)
    return `${name}="***": it seems to hold a password, which everybody could read there: NFS has no use for one, and a CIFS share has it in a file that NFS_PASSWORD_FILE or its option credentials names`;
  return `${name}="${shown(value)}": ${reason}`;
}

/** The value in its format; undefined, with a problem noted, where it is not of that format. */
export function parsed<T>({ problems }: Pick<Reader, "problems">, one: Given, format: Format<T>): T | undefined {
  const value = one.refusal === undefined && !one.isHidden ? format.parse(one.value) : undefined;
  if (value !== undefined) return value;
  const reason = one.refusal ?? format.explain?.(one.value) ?? "not understood";
  problems.push(problem(one, `${reason}; accepted: ${format.accepts}`));
  return undefined;
}
