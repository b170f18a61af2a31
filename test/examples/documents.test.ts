// What the pages show is understood: every shell block by bash, every command line of nfs-init by its parser, every variable with its value, every YAML block, every part of a Dockerfile, every file and heading they name.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { parseCommandLine } from "../../src/command-line/parser.ts";
import { withServerAliases } from "../../src/config/server-aliases.ts";
import { variableRows, type VariableKey } from "../../src/config/variables.ts";
import type { Variable } from "../../src/config/variable.ts";
import { isReserved, roles } from "../../src/roles/roles.ts";
import { pluginVariables } from "../../scripts/plugin/config.ts";
import { metrics } from "../../src/report/metrics.ts";
import { readVolume } from "../../src/volumes/options.ts";
import { stagesOf } from "../support/dockerfile.ts";
import { filesBelow, kustomizations, project, textOf } from "./uses.ts";

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
  const [, rest = ""] = /^(?:.*[\s/])?nfs-init ((?:--?[a-z-]+|[a-z]+)(?:\s.*)?)$/.exec(line) ?? [];
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
  const seen = new Set(commandLines.map(({ words }) => words[0]));
  for (const role of ["wait", "serve", "sidecar", "plugin", "doctor", "check", "status"]) {
    expect([...seen], role).toContain(role);
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
  // One of another image, which is turned into ours.
  if (row === undefined && !Object.hasOwn(withServerAliases({ [name]: value }), name)) return;
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
        // What a line puts there need not be there before.
        const isMade = line.startsWith("cp ") && line.endsWith(` ${path}`);
        expect(existsSync(join(project, path)) || line.includes(`${path}.*`) || isMade, path).toBe(true);
      }
    }
  });
});

/** A page for each kind of user. */
const userPages = ["installing", "server", "docker-volumes", "cifs", "efs", "kubernetes", "balena", "moving-over"];

it.each(userPages)("docs/%s.md opens with whom it is for, and ends with a command that shows that it works", (name) => {
  const [, opening = ""] = textOf(`docs/${name}.md`).split("\n\n");
  expect(opening).toMatch(/^For /);
  const last = textOf(`docs/${name}.md`).split(/^## /m).at(-1) ?? "";
  expect(last).toMatch(/^See that it works\n[^]*^```sh\n/m);
});

/** As GitHub makes them of headings. */
const anchorOf = (heading: string) =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");

it("links to headings lead to headings that are there", () => {
  const links = pages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)].map(([, file = "", anchor = ""]) => ({
      page: file === "" ? page : join(dirname(page), file),
      anchor,
    })),
  );
  expect(links.length).toBeGreaterThan(3);
  for (const { page, anchor } of links) {
    const headings = [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    expect(headings, page).toContain(anchor);
  }
});

const checked = ["sh", "yaml", "dockerfile", "gotmpl", "console", ""];

it("a block is in a language that is looked at here, or is what a program says", () => {
  for (const page of pages) {
    for (const { language, text } of blocksOf(page)) {
      expect(checked, page).toContain(language);
      // Commands are in a block of a shell.
      if (language === "") expect(text, page).not.toMatch(/^(?:\$ )?(?:docker|npm|kubectl|helm|systemctl) /m);
    }
  }
});

const dockerfileParts = pages.flatMap((page) =>
  blocksOf(page)
    .filter(({ language }) => language === "dockerfile")
    .map(({ text }) => ({ page, text })),
);

it.each(dockerfileParts)("$page: a part of a Dockerfile starts and asks nfs-init as it can be", ({ text }) => {
  const whole = text.startsWith("FROM ") ? text : `FROM scratch\n${text}`;
  const instructions = stagesOf(whole).at(-1) ?? [];
  const known = ["FROM", "COPY", "ENTRYPOINT", "CMD", "HEALTHCHECK", "ENV"];
  for (const [word, rest] of instructions) {
    expect(known).toContain(word);
    if (word !== "HEALTHCHECK") continue;
    const [program, ...check] = JSON.parse(/ CMD (\[.*\])$/.exec(rest)?.[1] ?? "[]") as string[];
    expect(program).toBe("nfs-init");
    expect(() => parseCommandLine(check, "")).not.toThrow();
  }
  if (!instructions.some(([word]) => word === "ENTRYPOINT")) return;
  expect(instructions).toContainEqual(["COPY", "--from=nfs-init /nfs-init /usr/local/bin/"]);
  const words = instructions
    .filter(([word]) => word === "ENTRYPOINT" || word === "CMD")
    .flatMap(([, rest]) => JSON.parse(rest) as string[]);
  expect(words[0]).toBe("nfs-init");
  expect(() => parseCommandLine(words.slice(1), "")).not.toThrow();
});

it("docs/behaviour.md has every role, and no other", () => {
  const synopsis = blocksOf("docs/behaviour.md").find(({ text }) => text.startsWith("nfs-init [OPTIONS]"))?.text ?? "";
  const named = [...synopsis.matchAll(/^nfs-init ([a-z]+)/gm)].map(([, name = ""]) => name);
  expect(named.toSorted()).toEqual(roles.map(({ name }) => name).toSorted());
});

it("charts include the templates that the chart has", () => {
  const named = pages.flatMap((page) =>
    blocksOf(page)
      .filter(({ language }) => language === "gotmpl")
      .flatMap(({ text }) => [...text.matchAll(/include "([^"]+)"/g)].map(([, name = ""]) => name)),
  );
  expect(named.length).toBeGreaterThan(0);
  for (const name of named) expect(textOf("charts/nfs-init/templates/_client.tpl")).toContain(`define "${name}"`);
});

it("docker build is given files, stages and arguments that are there", () => {
  const builds = pages.flatMap(shellLines).filter((line) => /\bdocker (?:buildx )?build /.test(line));
  expect(builds.length).toBeGreaterThan(1);
  for (const line of builds) {
    const [, file = "Dockerfile"] = /(?:-f|--file) (\S+)/.exec(line) ?? [];
    expect(existsSync(join(project, file)), line).toBe(true);
    const [, target] = /--target (\S+)/.exec(line) ?? [];
    if (target !== undefined) expect(textOf(file)).toMatch(new RegExp(` AS ${target}$`, "m"));
    for (const [, name = ""] of line.matchAll(/--build-arg (\w+)=/g))
      expect(textOf(file)).toMatch(new RegExp(`^ARG ${name}\\b`, "m"));
  }
});

const allLines = pages.flatMap((page) => shellLines(page).map((line) => ({ page, line })));

it("units of systemd that are named are among the examples", () => {
  const named = allLines.flatMap(({ line }) => [
    ...line.matchAll(/(?<![\w/@.-])([\w-]+(?:@\w*)?\.(?:service|socket))\b/g),
  ]);
  const units = new Set(named.map(([, unit = ""]) => unit.replace(/@\w*\./, "@.")));
  expect(units.size).toBeGreaterThan(3);
  // What ours is in place of.
  units.delete("nfs-server.service");
  for (const unit of units) expect(existsSync(join(project, "examples/systemd", unit)), unit).toBe(true);
});

it("helm is given values that the chart has", () => {
  const values = parse(textOf("charts/nfs-init/values.yaml")) as object;
  const set = allLines.flatMap(({ line }) => [...line.matchAll(/--set ([\w.]+)=/g)].map(([, path = ""]) => path));
  expect(set).toContain("server.clients");
  for (const path of set) expect(values).toHaveProperty(path);
});

it("docker volume create is given options that the driver takes", () => {
  const created = allLines.filter(({ line }) => /docker volume create .*-d nfs-init(?:\s|$)/.test(line));
  expect(created.length).toBeGreaterThan(1);
  for (const { line } of created) {
    const given = [...line.matchAll(/ -o ([\w-]+)=(\S+)/g)].map(([, name, value]) => [name, value] as const);
    const options = Object.fromEntries(given) as Readonly<Record<string, string>>;
    expect(readVolume(line.split(" ").at(-1) ?? "", options, undefined), line).not.toHaveProperty("problem");
  }
});

it("docker plugin set is given variables that may be set", () => {
  const settable = pluginVariables()
    .filter((one) => one.settable !== null)
    .map(({ name }) => name);
  const set = allLines.flatMap(({ line }) => [...line.matchAll(/docker plugin set nfs-init (\w+)=/g)]);
  expect(set.length).toBeGreaterThan(0);
  for (const [, name = ""] of set) expect(settable).toContain(name);
});

it("metrics that are named are measured", () => {
  const known = metrics.map(({ name }) => name);
  const named = pages.flatMap((page) => inlineCode(page).flatMap((code) => code.match(/^nfs_init_\w+$/) ?? []));
  expect(named.length).toBeGreaterThan(2);
  for (const name of named) expect(known).toContain(name);
});

it("kubectl is given folders with a kustomization", () => {
  const folders = allLines.flatMap(({ line }) => [...line.matchAll(/kubectl (?:kustomize|apply -k) (\S+)/g)]);
  expect(folders.length).toBeGreaterThan(1);
  for (const [, folder = ""] of folders) expect(kustomizations).toContain(`${folder}/kustomization.yaml`);
});
