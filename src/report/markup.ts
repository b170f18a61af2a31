// HTML that is put together safely: whatever is not markup itself is text, shown and escaped.
import { printable } from "../text/printable.ts";

/** Text that is HTML already. */
export interface Markup {
  readonly html: string;
}

type Part = string | number | null | Markup | readonly Markup[];

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A template of HTML: strings that stand in it are escaped, also for attributes in quotes; null is nothing. */
export function markup(template: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { html: template.reduce((before, after, index) => `${before}${written(parts[index - 1] ?? null)}${after}`) };
}

function written(part: Part): string {
  if (part === null) return "";
  if (typeof part === "number") return String(part);
  if (typeof part === "string") return printable(part).replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
  if ("html" in part) return part.html;
  return part.map(({ html }) => html).join("");
}
