// The completion of zsh, for its _arguments, from the tables.
import { commandWords, impliedWord, type CommandOption, type CommandWord } from "./options.ts";

/** The text of zsh/vendor-completions/_nfs-init. */
export function zshCompletion(): string {
  const summaries = commandWords.map(({ name, summary }) => `    ${quoted(`${name}:${escaped(summary)}`)}`);
  return `#compdef nfs-init

local role=${impliedWord().name}
local -a words_of_nfs_init=(
${summaries.join("\n")}
)

if (( CURRENT == 2 )) && [[ $PREFIX != -* ]]; then
  _describe -t commands 'command of nfs-init' words_of_nfs_init
  _command_names -e
  return
fi

case $words[2] in
  ${commandWords.map(({ name }) => name).join("|")})
    role=$words[2]
    shift words
    (( CURRENT-- )) ;;
esac

case $role in
${commandWords.map(roleCase).join("\n")}
esac
`;
}

function roleCase({ name, command, options }: CommandWord): string {
  const specs = [
    ...options.map(specOf),
    ...(command === "none" ? [] : [quoted("(-)1:COMMAND: _command_names -e"), quoted("*::arguments: _normal")]),
  ];
  return `  ${name})\n    _arguments -S \\\n${specs.map((spec) => `      ${spec}`).join(" \\\n")} ;;`;
}

function specOf({ name, meaning, value, offers }: CommandOption): string {
  const option = `--${name}[${escaped(meaning)}]`;
  const action = offers === "files" ? "_files" : offers === undefined ? " " : `(${offers.join(" ")})`;
  switch (value) {
    case "none":
      return quoted(option);
    case "optional":
      return quoted(`${option}:: :${action}`);
    case "required":
      return quoted(`${name === "mount" ? "*" : ""}${option}:${name}:${action}`);
  }
}

/** What _arguments would read as the end of a description or of a field. */
function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, String.raw`\$&`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
