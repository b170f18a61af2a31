// The completion of fish, from the tables; an option that several roles have alike is one line.
import { commandWords, impliedWord, type CommandOption } from "./options.ts";

/** The text of fish/vendor_completions.d/nfs-init.fish. */
export function fishCompletion(): string {
  const names = commandWords.map(({ name }) => name).join(" ");
  return `# fish completion of nfs-init

# What nfs-init is asked to be on this command line.
function __nfs_init_role
    set -l words (commandline -opc)
    if set -q words[2]; and contains -- $words[2] ${names}
        echo $words[2]
    else
        echo ${impliedWord().name}
    end
end

# Whether nothing but options stands on it yet.
function __nfs_init_has_no_word
    not string match -qrv '^-' -- (commandline -opc)[2..]
end

complete -c nfs-init -f
complete -c nfs-init -n __nfs_init_has_no_word -a '(__fish_complete_command)'
${commandWords.map(({ name, summary }) => `complete -c nfs-init -n __nfs_init_has_no_word -a ${name} -d ${quoted(summary)}`).join("\n")}
${optionLines().join("\n")}
`;
}

function optionLines(): readonly string[] {
  const rolesByLine = new Map<string, string[]>();
  for (const role of commandWords) {
    for (const option of role.options) {
      const line = lineOf(option);
      rolesByLine.set(line, [...(rolesByLine.get(line) ?? []), role.name]);
    }
  }
  return [...rolesByLine].map(
    ([line, names]) => `complete -c nfs-init -n 'contains -- (__nfs_init_role) ${names.join(" ")}' ${line}`,
  );
}

function lineOf({ name, meaning, value, offers }: CommandOption): string {
  const words = typeof offers === "object" ? ` -a ${quoted(offers.join(" "))}` : "";
  const argument = value === "none" ? "" : offers === "files" ? " -r -F" : ` -x${words}`;
  return `-l ${name}${argument} -d ${quoted(meaning)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
