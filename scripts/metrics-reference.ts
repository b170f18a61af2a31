// The reference of all metrics as Markdown, from the one table; docs/metrics.md holds it between two markers.
import { metrics } from "../src/report/metrics.ts";

const begin = "<!-- metrics: written by npm run docs -->";
const end = "<!-- /metrics -->";

function renderMetrics(): string {
  const rows = metrics.map(({ name, type, labels, help }) => {
    const names = labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${names} | ${help} |`;
  });
  return `| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}

/** A Markdown text with the metrics between its markers brought up to date. */
export function withMetrics(markdown: string): string {
  const [from, to] = [markdown.indexOf(begin), markdown.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`docs/metrics.md lacks the markers ${begin} and ${end}`);
  return `${markdown.slice(0, from + begin.length)}\n\n${renderMetrics()}\n${markdown.slice(to)}`;
}
