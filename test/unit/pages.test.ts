// The pages say what the program does: the reference is the table's, the tree and the drawing are those of src/, what they name is there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { withReference } from "../../scripts/reference.ts";
import { helpText } from "../../src/command-line/options.ts";
import { flagName, variableRows } from "../../src/config/variables.ts";
import { textOf } from "../../src/report/log-line.ts";
import { logLinesOf } from "../../src/report/log-lines.ts";
import { roleNamed } from "../../src/roles/roles.ts";
import { judge, mountedCondition } from "../../src/watch/staleness.ts";
import { shareOf } from "./fakes/shares.ts";

const readme = readFileSync("README.md", "utf8");
const configuration = readFileSync("docs/configuration.md", "utf8");
const behaviour = readFileSync("docs/behaviour.md", "utf8");
const architecture = readFileSync("docs/architecture.md", "utf8");

it("README.md is a screen and a half: at most 1300 words", () => {
  expect(readme.split(/\s+/).length).toBeLessThanOrEqual(1_300);
});

it("README.md shows the line of a lost share as it is logged", () => {
  const share = shareOf({ NFS_HOST: "10.0.0.2", NFS_HOST_MOUNT: "/data", NFS_MOUNT_POINT: "/data" });
  const budgets = { threshold: 1, unresponsiveAfterMs: 0, serverGoneAfterMs: 0, longestGapMs: 600_000 };
  const seen = { mount: "present", look: { kind: "stale" }, server: "answers" } as const;
  const { lost = "it is not lost" } = judge(mountedCondition(0, true), seen, budgets, 1_000);
  const event = { kind: "changed", share, from: "healthy", to: "stale", lost } as const;
  const [line] = logLinesOf(event, 0);
  const time = "2026-11-28T07:31:10.033Z";
  expect(readme).toContain(textOf({ time, level: line?.level, msg: line?.message, ...line?.fields }));
});

it("README.md and docs/ lead to every page of docs/", () => {
  const names = readdirSync("docs").filter((name) => name.endsWith(".md"));
  const texts = [readme, ...names.map((name) => readFileSync(join("docs", name), "utf8"))].join("\n");
  for (const name of names) expect(texts).toMatch(new RegExp(String.raw`\]\((?:docs/)?${name}\)`));
});

it("docs/configuration.md holds the reference that the variable table gives (npm run docs)", () => {
  expect(withReference(configuration)).toBe(configuration);
});

it("docs/configuration.md and --help name every variable and its flag", () => {
  const help = helpText() + helpText(roleNamed("serve")) + helpText(roleNamed("plugin"));
  for (const variable of variableRows) {
    expect(help).toContain(`[${variable.name}]`);
    if (variable.key !== "mounts") expect(help).toContain(`--${flagName(variable)} `);
    expect(configuration).toContain(`\`${variable.name}\``);
  }
});

it("docs/behaviour.md lists every exit code", async () => {
  const { exitCodes } = await import("../../src/errors.ts");
  for (const code of Object.values(exitCodes).filter((one) => one > 0 && one !== exitCodes.signalBase)) {
    expect(behaviour).toMatch(new RegExp(String.raw`\|[^|]*\b${code}\b[^|]*\|`));
  }
});

it.each(["src", "test"])("docs/architecture.md shows every folder of %s", (root) => {
  const tree = new RegExp(String.raw`^${root}/\n(?: .*\n)+`, "m").exec(architecture)?.[0] ?? "";
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const shown = [...tree.matchAll(/\b([a-z]+(?:-[a-z]+)*)\/(?=\s)/g)]
    .map(([, name = ""]) => name)
    .filter((name) => name !== root);
  expect(shown.toSorted()).toEqual(
    folders
      .map(({ name }) => name)
      .filter((name) => name !== "fixtures")
      .toSorted(),
  );
});

/** The rooms of src/ that a file imports from, its own left out. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(join("src", file), "utf8");
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)]
    .map(([, path = ""]) => roomOf(join(dirname(file), path)))
    .filter((room) => room !== roomOf(file));
}

function roomOf(file: string): string {
  const [first = ""] = file.split("/");
  return first === file ? file : `${first}/`;
}

it("docs/architecture.md draws the rooms of src/ on floors, and every import leads to a floor below", () => {
  const drawing = /## Floors\n[^`]*```\n([^`]+)```/.exec(architecture)?.[1] ?? "";
  const floors = drawing.trim().split("\n");
  const floorOf = new Map(
    floors.flatMap((line, floor) =>
      line
        .trim()
        .split(/\s+/)
        .map((room) => [room, floor] as const),
    ),
  );
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const rooms = new Set(files.map(roomOf));
  expect([...floorOf.keys()].toSorted()).toEqual([...rooms].toSorted());
  const upwards = files.flatMap((file) =>
    importsOf(file)
      .filter((room) => (floorOf.get(room) ?? -1) <= (floorOf.get(roomOf(file)) ?? -1))
      .map((room) => `${file} imports from ${room}`),
  );
  expect(upwards).toEqual([]);
});

it("nothing but host/, cli.ts and roles/assembly/ imports the module native", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const importing = files.filter((file) =>
    /(?:from|import\()\s*"native"/.test(readFileSync(join("src", file), "utf8")),
  );
  expect(importing).not.toEqual([]);
  expect(importing.filter((file) => !/^(?:host\/|roles\/assembly\/|cli\.ts$)/.test(file))).toEqual([]);
});

const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs", "examples"].flatMap((place) =>
  place.endsWith(".md")
    ? [place]
    : readdirSync(place, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".md"))
        .map((name) => join(place, name)),
);

it.each(pages)("%s leads to files that are there and names npm scripts that exist", (page) => {
  const text = readFileSync(page, "utf8");
  for (const [, link = ""] of text.matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
    if (!/^https?:/.test(link)) expect(existsSync(join(dirname(page), link)), link).toBe(true);
  }
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  for (const [, script = ""] of text.matchAll(/\bnpm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(script);
});
