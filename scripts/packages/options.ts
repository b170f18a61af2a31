// What a shell completes and the manual lists: the roles with their options, from the tables of roles and of variables.
import { variablesOf } from "../../src/command-line/options.ts";
import { anyWordToggle, toggle } from "../../src/config/values.ts";
import { flagName } from "../../src/config/variables.ts";
import { roles, texts, type Role } from "../../src/roles/roles.ts";

/** One option of a role. */
export interface CommandOption {
  /** Without its dashes. */
  readonly name: string;
  readonly meaning: string;
  /** Whether a word behind it is its value. */
  readonly value: "none" | "optional" | "required";
  /** What may stand there; undefined where nothing can be guessed. */
  readonly offers?: readonly string[] | "files" | undefined;
}

/** A word of nfs-init's own with what may follow it. */
export interface CommandWord {
  readonly name: string;
  readonly summary: string;
  readonly command: Role["command"];
  readonly options: readonly CommandOption[];
}

const general: readonly CommandOption[] = [
  { name: "help", meaning: "print this help", value: "none" },
  { name: "version", meaning: "print the version", value: "none" },
];

/** Every word that nfs-init does not take for a program, in the order of --help. */
export const commandWords: readonly CommandWord[] = [
  ...roles.map((role) => ({
    name: role.name,
    summary: role.summary,
    command: role.command,
    options: optionsOf(role),
  })),
  ...texts.map((name) => ({ name, summary: `print the ${name}`, command: "none", options: [] }) as const),
];

function optionsOf(role: Role): readonly CommandOption[] {
  return [
    ...general,
    ...Object.entries(role.switches).map(([name, meaning]) => ({ name, meaning, value: "none" }) as const),
    ...variablesOf(role).map((variable): CommandOption => {
      const isToggle = [toggle, anyWordToggle].some((format) => format === variable.format);
      return {
        name: variable.key === "mounts" ? "mount" : flagName(variable),
        meaning: variable.meaning,
        value: isToggle ? "optional" : "required",
        offers: variable.format.offers,
      };
    }),
  ];
}

/** The word that is meant where none is given. */
export function impliedWord(): CommandWord {
  const implied = commandWords.find(({ command }) => command === "required");
  if (implied === undefined) throw new Error("no role takes a COMMAND");
  return implied;
}
