// The grammar of the command line, whole: role, options, COMMAND. What a role knows comes from the table of roles.
import { CommanderError, type Command as Parser } from "commander";
import { flagName, type VariableKey } from "../config/variables.ts";
import { AppError, exitCodes } from "../errors.ts";
import { isReserved, roleNamed, texts, type Invocation, type Role } from "../roles/roles.ts";
import { helpText, optionParser, variablesOf } from "./options.ts";

export type CommandLine =
  | Invocation
  /** Text that was asked for: --help, --version. */
  | { readonly kind: "text"; readonly text: string };

/** Reads the arguments after the program's name. Throws AppError 64 for what is no use of it. */
export function parseCommandLine(args: readonly string[], version: string): CommandLine {
  const [first, ...rest] = args;
  if (texts.some((name) => name === first)) {
    return { kind: "text", text: first === "version" ? `${version}\n` : helpText(roleNamed(rest[0])) };
  }
  const named = roleNamed(first);
  const role = named ?? roleNamed("run");
  if (role === undefined) throw new Error("there is no role to imply");
  return parseRole(role, named === undefined ? args : rest, version, named === undefined);
}

function parseRole(role: Role, args: readonly string[], version: string, isImplied: boolean): CommandLine {
  const parser = optionParser(role, version);
  let text = "";
  parser.configureOutput({ writeOut: (output) => (text += output), writeErr: () => {} });
  const see = isImplied ? "see nfs-init --help" : `see nfs-init ${role.name} --help`;
  try {
    parser.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "text", text };
    const reason = error.message.replace(/^error: /, "").replace("\n(Did you mean", " (did you mean");
    throw new AppError(reason, exitCodes.usage, { hint: see });
  }
  const command = parser.args;
  // commander drops the `--`; without it in front of COMMAND a role's name was meant as one.
  const isMarked = args[args.length - command.length - 1] === "--";
  refuseCommand(role, command, isImplied && !isMarked, see);
  return { kind: "role", role, ...given(role, parser), command };
}

/** Throws AppError 64 for a COMMAND that is missing, that nobody runs, or that is a name of our own. */
function refuseCommand({ name, command: takes }: Role, command: readonly string[], isBare: boolean, see: string): void {
  const [first = ""] = command;
  if (isBare && isReserved(first)) {
    throw new AppError(`"${first}" is a name of nfs-init's own and must come first`, exitCodes.usage, {
      hint: `write: nfs-init ${first} [OPTIONS], or for a program of that name: nfs-init [OPTIONS] -- ${first}`,
    });
  }
  if (takes === "required" && command.length === 0) {
    throw new AppError("no COMMAND is given", exitCodes.usage, {
      hint: "write: nfs-init -- COMMAND [ARG...]; see nfs-init --help",
    });
  }
  if (takes === "none" && command.length > 0) {
    throw new AppError(`nfs-init ${name} takes no COMMAND, but got "${first}"`, exitCodes.usage, { hint: see });
  }
}

/** The options that were given. */
function given(role: Role, parser: Parser): Pick<Invocation, "switches" | "flags"> {
  const options = parser.opts<Readonly<Record<string, string | true | readonly string[] | undefined>>>();
  const valueOf = (flag: string) => options[optionKey(flag)];
  const values = new Map<VariableKey, string>();
  let mounts: readonly string[] = [];
  for (const variable of variablesOf(role)) {
    const value = valueOf(variable.key === "mounts" ? "mount" : flagName(variable));
    if (typeof value === "string") values.set(variable.key, value);
    else if (value === true) values.set(variable.key, "on");
    else if (value !== undefined) mounts = value;
  }
  const switches = new Set(Object.keys(role.switches).filter((name) => valueOf(name) === true));
  return { switches, flags: { values, mounts } };
}

/** commander's key of an option: camel case. */
function optionKey(flag: string): string {
  return flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
