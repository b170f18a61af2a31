// The options of each role and the text of its --help, from the tables of roles and of variables.
import { Command as Parser, Option } from "commander";
import type { Variable } from "../config/variable.ts";
import { flagName, variableRows, type VariableKey } from "../config/variables.ts";
import { roles, type Role } from "../roles/roles.ts";

/** The variables that are options of a role, in the table's order. */
export function variablesOf({
  variables: { groups = [], keys = [] },
}: Role): readonly (Variable & { readonly key: VariableKey })[] {
  return variableRows.filter(({ key, group }) => groups.includes(group) || keys.includes(key));
}

/** The text of --help: that of a role, or of all of them with the options of COMMAND's. */
export function helpText(role?: Role): string {
  const main = roles.find(({ command }) => command === "required");
  const shown = role ?? main;
  return shown === undefined ? "" : optionParser(shown, "").helpInformation();
}

/** commander with everything that a role knows; `version` is the text of --version. */
export function optionParser(role: Role, version: string): Parser {
  const isMain = role.command === "required";
  const parser = new Parser("nfs-init")
    .usage(isMain ? usages() : usageOf(role))
    .description(isMain ? introduction() : `${capital(role.summary)}.${configured(role)}`)
    .argument("[command...]")
    .passThroughOptions()
    .exitOverride()
    .configureOutput({ getOutHelpWidth: () => 100 })
    .configureHelp({ visibleArguments: () => [] })
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print this help");
  for (const [name, meaning] of Object.entries(role.switches)) parser.option(`--${name}`, meaning);
  for (const variable of variablesOf(role)) parser.addOption(optionOf(variable));
  return parser;
}

function optionOf(variable: Variable & { readonly key: VariableKey }): Option {
  const { name, group, meaning, format } = variable;
  if (variable.key === "mounts") {
    return new Option("--mount <line>", `a further share, may be repeated: 'SOURCE TARGET [TYPE [OPTIONS]]' [${name}]`)
      .argParser((line, lines: string[] | undefined) => [...(lines ?? []), line])
      .helpGroup(`${group}:`);
  }
  const isSwitch = format.accepts.startsWith("on ");
  const initial = variable.defaultMeaning ?? variable.default;
  const fallback = initial === "" ? "" : `; default: ${initial}`;
  const flag = `--${flagName(variable)} ${isSwitch ? "[on|off]" : "<value>"}`;
  return new Option(flag, `${meaning}${fallback} [${name}]`).helpGroup(`${group}:`);
}

/** How each role is called; those that are called alike share a line. */
function usages(): string {
  const names = new Map<string, string[]>();
  for (const role of roles) {
    const rest = wordsAfter(role);
    names.set(rest, [...(names.get(rest) ?? []), role.name]);
  }
  const lines = [...names].map(([rest, alike]) => `nfs-init ${alike.join("|")} ${rest}`);
  return ["[OPTIONS] -- COMMAND [ARG...]", "nfs-init COMMAND [ARG...]", ...lines].join("\n       ");
}

function usageOf(role: Role): string {
  return `${role.name} ${wordsAfter(role)}`;
}

/** What may stand behind a role's name: `[--json] [OPTIONS]`. */
function wordsAfter({ command, switches }: Role): string {
  const program = { required: ["-- COMMAND [ARG...]"], optional: ["[-- COMMAND [ARG...]]"], none: [] }[command];
  return [...Object.keys(switches).map((name) => `[--${name}]`), "[OPTIONS]", ...program].join(" ");
}

function introduction(): string {
  const width = Math.max(...roles.map(({ name }) => name.length));
  const rows = roles.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  const others = "What another than run takes is shown by its own --help: nfs-init check --help.";
  return ["Mounts NFS shares, then runs COMMAND as its init.", "", ...rows, "", everyOption, others].join("\n");
}

const everyOption = "Every option is also an environment variable, named in brackets; an option wins.";

function configured({ switches }: Role): string {
  if (Object.keys(switches).length === 0) return ` ${everyOption}`;
  return " An option with a name in brackets is also an environment variable of that name; the option wins.";
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
