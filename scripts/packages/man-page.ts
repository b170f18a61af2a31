// The manual page nfs-init(1), in the macros of man(7): from the tables of roles and variables, and the exit codes of docs/behaviour.md.
import { flagName, variableRows } from "../../src/config/variables.ts";
import { roles } from "../../src/roles/roles.ts";
import { commandWords } from "./options.ts";

export interface ManualFacts {
  readonly version: string;
  /** As in 2026-11-28. */
  readonly date: string;
  /** The text of docs/behaviour.md, for its table of exit codes. */
  readonly behaviour: string;
}

/** The text of man1/nfs-init.1. */
export function manPage({ version, date, behaviour }: ManualFacts): string {
  const lines = [
    `.TH NFS\\-INIT 1 ${date} "nfs\\-init ${version}" "User Commands"`,
    ".SH NAME",
    `nfs\\-init \\- mount NFS shares before a process starts, and watch them afterwards`,
    ".SH SYNOPSIS",
    ...synopsis().slice(0, -1),
    ".SH DESCRIPTION",
    ...sentences(
      "Waits until the servers of all configured shares answer, mounts the shares, and runs COMMAND as its init. When a share is lost COMMAND is ended, so that whoever supervises it starts it again on a fresh mount. With no shares configured it is a plain init of a container.",
    ),
    ".SH COMMANDS",
    ...commandWords.flatMap(({ name, summary }) => item(`\\fB${name}\\fR`, summary)),
    ".PP",
    ...sentences("COMMAND may follow without a word of these; one that is called like one of them needs -- before it."),
    ".SH OPTIONS",
    ...sentences(
      "Every option is also an environment variable, which is named beside it; an option wins. An empty variable is as good as none. Which options a command takes is printed by its own --help.",
    ),
    ...switches(),
    ...groups(),
    ".SH ENVIRONMENT",
    ...sentences(
      "The variables named above. Further shares and exports carry a number: NFS_1_HOST, NFS_1_MOUNT_POINT, NFS_2_EXPORT. What is not given for them falls back to the variable without a number.",
    ),
    ".SH EXIT STATUS",
    ...exitCodes(behaviour).flatMap(([code, meaning]) => item(code, meaning)),
    ".SH FILES",
    ...item("\\fI/etc/fstab\\fR", "where the shares stand in a block of its own while they are mounted"),
    ...item("\\fI/run/nfs\\-init\\fR", "the state of the running instance, which check and status read"),
    ".SH EXAMPLES",
    ".nf",
    roff("NFS_HOST=10.0.0.2 NFS_MOUNT_POINT=/data nfs-init -- my-server --port 80"),
    roff("NFS_HOST=10.0.0.2 NFS_MOUNT_POINT=/data nfs-init doctor"),
    roff("NFS_EXPORT=/srv/data nfs-init serve"),
    roff("nfs-init check --ready"),
    ".fi",
    ".SH SEE ALSO",
    ".BR nfs (5),",
    ".BR fstab (5),",
    ".BR exports (5),",
    ".BR mount (8)",
  ];
  return `${lines.join("\n")}\n`;
}

function synopsis(): readonly string[] {
  return commandWords.flatMap(({ name, command, options }) => {
    const program = { required: " \\-\\- COMMAND [ARG...]", optional: " [\\-\\- COMMAND [ARG...]]", none: "" }[command];
    const isMain = command === "required";
    const rest = `${options.length === 0 ? "" : " [OPTIONS]"}${program}`;
    return [`.B nfs\\-init${isMain ? "" : ` ${name}`}`, rest.trim(), ".br"].filter((line) => line !== "");
  });
}

/** The options that are no variables, with the command that has them. */
function switches(): readonly string[] {
  return roles.flatMap((role) =>
    Object.entries(role.switches).flatMap(([name, meaning]) =>
      item(`\\fB\\-\\-${roff(name)}\\fR (${role.name})`, meaning),
    ),
  );
}

function groups(): readonly string[] {
  const names = [...new Set(variableRows.map(({ group }) => group))];
  return names.flatMap((group) => [
    `.SS ${roff(group)}`,
    ...variableRows
      .filter((variable) => variable.group === group)
      .flatMap((variable) => {
        const flag = variable.key === "mounts" ? "mount" : flagName(variable);
        const initial = variable.defaultMeaning ?? (variable.default === "" ? "none" : variable.default);
        const called = [variable.name, ...(variable.aliases ?? [])].join(", ");
        return item(
          `\\fB\\-\\-${roff(flag)}\\fR \\fIvalue\\fR (${roff(called)})`,
          `${variable.meaning}. Accepted: ${variable.format.accepts}. Default: ${initial}.`,
        );
      }),
  ]);
}

/** Rows of the table of exit codes, as code and meaning. */
function exitCodes(behaviour: string): readonly (readonly [string, string])[] {
  const table = /\| code \| meaning \|\n\|[^\n]*\n((?:\|.*\n)+)/.exec(behaviour)?.[1];
  if (table === undefined) throw new Error("docs/behaviour.md has no table of exit codes");
  return table
    .trim()
    .split("\n")
    .map((row) => {
      const [, code = "", meaning = ""] = row.split("|").map((cell) => cell.trim().replaceAll("`", ""));
      return [roff(code), meaning] as const;
    });
}

function item(term: string, text: string): readonly string[] {
  return [".TP", term, ...sentences(text)];
}

/** A paragraph, a sentence a line, as roff sets them best. */
function sentences(text: string): readonly string[] {
  return text.split(/(?<=[a-z)][.:]) (?=[A-Z])/).map(roff);
}

/** Text as roff takes it: no escape, no request, and hyphens that can be copied. */
function roff(text: string): string {
  return text
    .replaceAll("\\", String.raw`\e`)
    .replaceAll("-", String.raw`\-`)
    .replace(/^[.']/, String.raw`\&$&`);
}
