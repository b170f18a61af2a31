// README.md says what the program does: its reference is the table's, what it and the other pages name is there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { withReference } from "../../scripts/reference.ts";
import { helpText } from "../../src/command-line/options.ts";
import { flagName, variableRows } from "../../src/config/variables.ts";
import { roleNamed } from "../../src/roles/roles.ts";

const readme = readFileSync("README.md", "utf8");

it("holds the reference that the variable table gives (npm run docs)", () => {
  expect(withReference(readme)).toBe(readme);
});

it("and --help name every variable and its flag", () => {
  const help = helpText() + helpText(roleNamed("serve"));
  for (const variable of variableRows) {
    expect(help).toContain(`[${variable.name}]`);
    if (variable.key !== "mounts") expect(help).toContain(`--${flagName(variable)} `);
    expect(readme).toContain(`\`${variable.name}\``);
  }
});

it("lists every exit code", async () => {
  const { exitCodes } = await import("../../src/errors.ts");
  for (const code of Object.values(exitCodes).filter((one) => one > 0 && one !== exitCodes.signalBase)) {
    expect(readme).toMatch(new RegExp(String.raw`\|[^|]*\b${code}\b[^|]*\|`));
  }
});

it.each(["src", "test"])("shows every folder of %s", (root) => {
  const tree = new RegExp(String.raw`^${root}/\n(?: .*\n)+`, "m").exec(readme)?.[0] ?? "";
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
