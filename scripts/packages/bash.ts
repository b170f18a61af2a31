// The completion of bash: which options a role has, what their values may be, and COMMAND, from the tables.
import { commandWords, impliedWord, type CommandOption, type CommandWord } from "./options.ts";

/** The text of bash-completion/completions/nfs-init. */
export function bashCompletion(): string {
  return `# bash completion of nfs-init

_nfs_init() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local role=${impliedWord().name} at=1 first=\${COMP_WORDS[1]}
  local plain="" optional="" required="" files="" command="" offers=""
  COMPREPLY=()
  case $first in
${cases(commandWords.map(({ name }) => name))}
      if ((COMP_CWORD > 1)); then role=$first at=2; fi ;;
  esac
  case $role in
${commandWords.map(roleCase).join("\n")}
  esac

  # Where COMMAND begins: at the first word that is neither an option nor a value of one.
  while ((at < COMP_CWORD)); do
    case \${COMP_WORDS[at]} in
      --) ((at++)); break ;;
      -*)
        case " $required " in *" \${COMP_WORDS[at]} "*) ((at++)) ;; esac
        case " $optional " in
          *" \${COMP_WORDS[at]} "*) if [[ \${COMP_WORDS[at+1]} != -* ]]; then ((at++)); fi ;;
        esac
        ((at++)) ;;
      *) break ;;
    esac
  done
  if ((at < COMP_CWORD)) || { ((at == COMP_CWORD)) && [[ \${COMP_WORDS[at-1]} == -- ]]; }; then
    if [[ -z $command ]]; then return; fi
    if declare -F _command_offset >/dev/null; then
      _command_offset "$at"
    elif ((at == COMP_CWORD)); then
      mapfile -t COMPREPLY < <(compgen -c -- "$cur")
    else
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
    return
  fi

  # The value of the option in front of it.
  if [[ " $required $optional " == *" $prev "* ]]; then
    case $role:$prev in
${offerCases().join("\n")}
    esac
    if [[ " $files " == *" $prev "* ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return
    fi
    if [[ " $required " == *" $prev "* ]] || [[ $cur != -* ]]; then
      mapfile -t COMPREPLY < <(compgen -W "$offers" -- "$cur")
      return
    fi
  fi

  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$plain $optional $required" -- "$cur")
  elif ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "${commandWords.map(({ name }) => name).join(" ")}" -- "$cur"; compgen -c -- "$cur")
  elif [[ -n $command ]]; then
    mapfile -t COMPREPLY < <(compgen -c -- "$cur")
  fi
}
complete -F _nfs_init nfs-init
`;
}

function cases(words: readonly string[]): string {
  return `    ${words.join("|")})`;
}

function roleCase({ name, command, options }: CommandWord): string {
  const flags = (value: CommandOption["value"]) => flagsOf(options.filter((option) => option.value === value));
  return `    ${name})
      plain="${flags("none")}"
      optional="${flags("optional")}"
      required="${flags("required")}"
      files="${flagsOf(options.filter(({ offers }) => offers === "files"))}"
      command="${command === "none" ? "" : "yes"}" ;;`;
}

function flagsOf(options: readonly CommandOption[]): string {
  return options.map(({ name }) => `--${name}`).join(" ");
}

/** One case for all options that take the same words. */
function offerCases(): readonly string[] {
  const byWords = new Map<string, string[]>();
  for (const role of commandWords) {
    for (const { name, offers } of role.options) {
      if (typeof offers !== "object") continue;
      const words = offers.join(" ");
      byWords.set(words, [...(byWords.get(words) ?? []), `${role.name}:--${name}`]);
    }
  }
  return [...byWords].map(([words, flags]) => `      ${flags.join("|")}) offers="${words}" ;;`);
}
