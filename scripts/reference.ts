// The reference of all variables as Markdown, from the one table; docs/configuration.md holds it between two markers.
import { flagName, variableRows } from "../src/config/variables.ts";

const begin = "<!-- variables: written by npm run docs -->";
const end = "<!-- /variables -->";

/** One table a group, in the order of the variable table. */
export function renderReference(): string {
  const groups = [...new Set(variableRows.map(({ group }) => group))];
  return groups
    .map((group) => {
      const rows = variableRows
        .filter((variable) => variable.group === group)
        .map((variable) => {
          const names = [variable.name, ...(variable.aliases ?? [])].map((name) => `\`${name}\``).join(", ");
          const flag =
            variable.key === "mounts" ? "`--mount` (one share, may be repeated)" : `\`--${flagName(variable)}\``;
          const initial = variable.defaultMeaning ?? (variable.default === "" ? "none" : `\`${variable.default}\``);
          return `| ${names} | ${flag} | ${cell(variable.meaning)} | ${cell(variable.format.accepts)} | ${cell(initial)} |`;
        });
      return `### ${group}\n\n| variable | flag | meaning | accepted | default |\n| --- | --- | --- | --- | --- |\n${rows.join("\n")}\n`;
    })
    .join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", String.raw`\|`);
}

/** A Markdown text with the reference between its markers brought up to date. */
export function withReference(markdown: string): string {
  const [from, to] = [markdown.indexOf(begin), markdown.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`docs/configuration.md lacks the markers ${begin} and ${end}`);
  return `${markdown.slice(0, from + begin.length)}\n\n${renderReference()}\n${markdown.slice(to)}`;
}
