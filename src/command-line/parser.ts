// The grammar of the command line: role, flags, COMMAND; --help comes from the table of variables.
import { Command as Parser, CommanderError, Option } from "commander";
import { flagName, variableRows, type VariableKey } from "../config/variables.ts";
import { AppError, exitCodes } from "../errors.ts";
import { laterRoles, reserved, roles, type Invocation, type Role } from "./invocation.ts";

export type CommandLine =
  | Invocation
  /** Text that was asked for: --help, --version. */
  | { readonly kind: "text"; readonly text: string };

const usage = `[OPTIONS] -- COMMAND [ARG...]
       nfs-init COMMAND [ARG...]
       nfs-init run [OPTIONS] -- COMMAND [ARG...]
       nfs-init wait|mount|unmount|sidecar|fstab [OPTIONS]
       nfs-init doctor [--json] [OPTIONS]
       nfs-init check [--ready] [--since-start]
       nfs-init status [--json] [--watch]`;

const introduction = `Mounts NFS shares, then runs COMMAND as its init.

  run      the default: wait for the servers, mount, run COMMAND, watch, unmount when it has ended
  wait     return when every share could be mounted; needs no privilege
  mount    wait, mount, return and leave the shares mounted
  unmount  unmount what the configuration names and nfs-init has mounted
  sidecar  mount, watch and mount afresh what is lost; unmount when it is stopped
  doctor   say why a share does not mount here, and what to do about it; changes nothing
  fstab    print the fstab lines of the configuration
  check    are the shares healthy? see nfs-init check --help
  status   the shares, their state, space and traffic; see nfs-init status --help

Every option is also an environment variable, named in brackets; an option wins.`;

/** Reads the arguments after the program's name. Throws AppError 64 for what is no use of it. */
export function parseCommandLine(args: readonly string[], version: string): CommandLine {
  const [first] = args;
  if (first === "help") return { kind: "text", text: helpText() };
  if (first === "version") return { kind: "text", text: `${version}\n` };
  if (laterRoles.some((name) => name === first)) {
    throw new AppError(`nfs-init ${first} is not supported by this version yet`, exitCodes.usage, {
      hint: `to run a program of that name write: nfs-init -- ${first}`,
    });
  }
  const role = roles.find((name) => name === first);
  return role === undefined ? parseRole("run", args, version, true) : parseRole(role, args.slice(1), version, false);
}

function parseRole(role: Role, args: readonly string[], version: string, isImplied: boolean): CommandLine {
  let text = "";
  const parser = createParser((output) => {
    text += output;
  });
  parser.version(version, "--version", "print the version");
  try {
    parser.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "text", text };
    const reason = error.message.replace(/^error: /, "").replace("\n(Did you mean", " (did you mean");
    throw new AppError(reason, exitCodes.usage, { hint: "see nfs-init --help" });
  }
  const command = parser.args;
  const [first = ""] = command;
  // commander drops the `--`; without it in front of COMMAND a role's name was meant as one.
  const isMarked = args[args.length - command.length - 1] === "--";
  if (isImplied && reserved.has(first) && !isMarked) {
    throw new AppError(`"${first}" is a name of nfs-init's own and must come first`, exitCodes.usage, {
      hint: `write: nfs-init ${first} [OPTIONS], or for a program of that name: nfs-init [OPTIONS] -- ${first}`,
    });
  }
  if (role === "run" && command.length === 0) {
    throw new AppError("no COMMAND is given", exitCodes.usage, {
      hint: "write: nfs-init -- COMMAND [ARG...]; see nfs-init --help",
    });
  }
  if (role !== "run" && command.length > 0) {
    throw new AppError(`nfs-init ${role} takes no COMMAND, but got "${command[0]}"`, exitCodes.usage, {
      hint: "see nfs-init --help",
    });
  }
  const values = new Map<VariableKey, string>();
  const { mount, json, ...options } = parser.opts<Readonly<Record<string, string | true | string[] | undefined>>>();
  for (const variable of variableRows) {
    const value = options[optionKey(flagName(variable))];
    if (typeof value === "string") values.set(variable.key, value);
    else if (value === true) values.set(variable.key, "on");
  }
  if (json === true && role !== "doctor") {
    throw new AppError(`nfs-init ${role} knows no --json`, exitCodes.usage, { hint: "see nfs-init --help" });
  }
  const flags = { values, mounts: Array.isArray(mount) ? mount : [] };
  return { kind: "role", role, flags, command, ...(json === true ? { json } : {}) };
}

/** The text of --help. */
export function helpText(): string {
  return createParser(() => {}).helpInformation();
}

function createParser(write: (output: string) => void): Parser {
  const parser = new Parser("nfs-init")
    .usage(usage)
    .description(introduction)
    .argument("[command...]")
    .passThroughOptions()
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {}, getOutHelpWidth: () => 100 })
    .configureHelp({ visibleArguments: () => [] })
    .helpOption("-h, --help", "print this help")
    .option("--json", "doctor: print JSON");
  for (const variable of variableRows) {
    if (variable.key === "mounts") continue;
    const isSwitch = variable.format.accepts.startsWith("on ");
    const flag = `--${flagName(variable)} ${isSwitch ? "[on|off]" : "<value>"}`;
    const initial = variable.defaultMeaning ?? variable.default;

    const fallback = initial === "" ? "" : `; default: ${initial}`;
    parser.addOption(
      new Option(flag, `${variable.meaning}${fallback} [${variable.name}]`).helpGroup(`${variable.group}:`),
    );
  }
  const more = "a further share, may be repeated: 'SOURCE TARGET [TYPE [OPTIONS]]' [NFS_MOUNTS]";
  return parser.addOption(
    new Option("--mount <line>", more)
      .argParser((line, lines: string[] | undefined) => [...(lines ?? []), line])
      .helpGroup("Shares:"),
  );
}

/** commander's key of an option: camel case. */
function optionKey(flag: string): string {
  return flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
