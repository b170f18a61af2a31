// What the pages show is understood: every shell block by bash, every command line of nfs-init by its parser, every variable with its value, every YAML block, every npm and docker build file they name.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { parseCommandLine } from "../../src/command-line/parser.ts";
import { variableRows, type VariableKey } from "../../src/config/variables.ts";
import type { Variable } from "../../src/config/variable.ts";
import { isReserved } from "../../src/roles/roles.ts";
import { filesBelow, project, textOf } from "./uses.ts";

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...readdirSync(join(project, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
  ...filesBelow(join(project, "examples")).filter((file) => file.endsWith(".md")),
];

interface Block {
  readonly language: string;
  readonly text: string;
}

/** The blocks between fences. */
function blocksOf(page: string): readonly Block[] {
  return [...textOf(page).matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = "", text = ""]) => ({
    language,
    text,
  }));
}

/** What is set as code inside of a line. */
function inlineCode(page: string): readonly string[] {
  const prose = textOf(page).replaceAll(/^```[^]*?^```$/gm, "");
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
}

/** Lines of code that a shell would read, with continued lines joined. */
function shellLines(page: string): readonly string[] {
  const blocks = blocksOf(page).filter(({ language }) => language === "sh");
  return [...blocks.flatMap(({ text }) => text.replaceAll("\\\n", " ").split("\n")), ...inlineCode(page)];
}

/** Where nfs-init is a driver, a chart or a file, and is not started. */
const others = /^(?:docker (?:volume|plugin)|helm|cp|install) /;

/** The arguments of nfs-init in a line that starts it with a word of its own; undefined where it only names it, or leaves something out. */
function argumentsIn(line: string): readonly string[] | undefined {
  const [, rest = ""] = /(?:^|\s|\/)nfs-init ((?:--?[a-z-]+|[a-z]+)(?:\s.*)?)$/.exec(line) ?? [];
  if (others.test(line) || /[[\]|…]|\.\.\./.test(rest)) return undefined;
  const [first = ""] = rest.split(/\s(?:&&|;)/);
  const words = [...first.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? "",
  );
  const [word = ""] = words;
  return isReserved(word) || word.startsWith("-") ? words : undefined;
}

const commandLines = pages.flatMap((page) =>
  shellLines(page).flatMap((line) => {
    const words = argumentsIn(line);
    return words === undefined ? [] : [{ page, line, words }];
  }),
);

it("finds command lines of most roles", () => {
  const roles = new Set(commandLines.map(({ words }) => words[0]));
  for (const role of ["wait", "serve", "sidecar", "plugin", "doctor", "check", "status"]) {
    expect([...roles], role).toContain(role);
  }
});

it.each(commandLines)("$page: nfs-init takes `$line`", ({ words }) => {
  // A page may name what goes in front of COMMAND.
  const whole = words.at(-1) === "--" ? [...words, "true"] : words;
  expect(() => parseCommandLine(whole, "")).not.toThrow();
});

const rows = new Map<string, Variable & { readonly key: VariableKey }>(
  variableRows.flatMap((row) => [row.name, ...(row.aliases ?? [])].map((name) => [name, row] as const)),
);

/** Variables with a value, `NFS_2_HOST=nas` as NFS_HOST. */
const settings = pages.flatMap((page) =>
  [...shellLines(page), ...blocksOf(page).map(({ text }) => text)].flatMap((line) =>
    [...line.matchAll(/(?<![\w-])(NFS_(?!INIT_)[A-Z0-9_]+)(?:=|: )("[^"]*"|'[^']*'|[^\s\\'"`;]+)/g)].map(
      ([, name = "", value = ""]) => ({ page, name, value: value.replaceAll(/^["']|["']$/g, "") }),
    ),
  ),
);

it("finds variables with their values", () => {
  expect(settings.length).toBeGreaterThan(40);
});

it.each(settings)("$page: $name takes `$value`", ({ name, value }) => {
  const row = rows.get(name.replace(/^NFS_\d+_/, "NFS_"));
  expect(row, name).toBeDefined();
  expect(row?.format.parse(value)).not.toBeUndefined();
});

describe.each(pages.filter((page) => blocksOf(page).length > 0))("%s", (page) => {
  it("has shell blocks that bash understands", async () => {
    for (const { text } of blocksOf(page).filter(({ language }) => language === "sh")) {
      const { exitCode, stderr } = await execa("bash", ["-n"], { input: text, reject: false });
      expect([exitCode, stderr], text).toEqual([0, ""]);
    }
  });

  it("has YAML blocks that are YAML, and files in its commands that are there", () => {
    for (const { text } of blocksOf(page).filter(({ language }) => language === "yaml")) {
      for (const document of parseAllDocuments(text)) expect(document.errors, text).toEqual([]);
    }
    for (const line of shellLines(page)) {
      for (const [path] of line.matchAll(/(?<![\w./-])(?:examples|scripts|docs|charts)\/[\w@./-]*\w/g)) {
        expect(existsSync(join(project, path)) || line.includes(`${path}.*`), path).toBe(true);
      }
    }
  });
});
