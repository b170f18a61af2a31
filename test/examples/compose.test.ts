// The Compose examples, by the Compose specification's schema (as dclint carries it) and by balena's own parser.
import { join } from "node:path";
import balena from "@balena/compose";
import { DCLinter } from "dclint";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { composeFiles, project, readComposition, textOf } from "./uses.ts";

describe.each(composeFiles)("%s", (file) => {
  it("follows the Compose specification", () => {
    expect(lint(join(project, file))).toEqual([]);
  });

  it("has no service that waits for another by depends_on", () => {
    for (const service of Object.values(readComposition(file).services))
      expect(service).not.toHaveProperty("depends_on");
  });
});

it("the schema finds what is wrong", () => {
  expect(lint(join(import.meta.dirname, "wrong-compose.yaml"))).toEqual([expect.stringContaining("invalid-schema")]);
});

describe("examples/balena", () => {
  it("is understood by balena's parser", () => {
    const composition = balena.parse.normalize(parse(textOf("examples/balena/docker-compose.yml")));
    expect(Object.keys(composition.services)).toEqual(["storage", "web", "api"]);
    expect(balena.parse.parse(composition).map(({ serviceName }) => serviceName)).toEqual(["storage", "web", "api"]);
  });

  it("uses nothing that balena has not: bind mounts, variable substitution", () => {
    const text = textOf("examples/balena/docker-compose.yml");
    expect(text).not.toMatch(/\$\{?\w/);
    expect(text).not.toMatch(/^\s*- [./].*:/m);
  });
});

/** Rules of dclint that the examples have reasons not to follow. */
const rules = {
  // Keys stand in the order of their meaning here, not of the alphabet.
  "service-keys-order": 0,
  "services-alphabetical-order": 0,
  "top-level-properties-order": 0,
  // balena asks for a version and takes no name.
  "no-version-field": 0,
  "require-project-name-field": 0,
  "require-quotes-in-ports": [2, { quoteType: "double" }],
};

interface Message {
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

function lint(file: string): readonly string[] {
  const linter = new DCLinter({ rules, quiet: false, debug: false, exclude: [], stopOnFirstError: false });
  const results = linter.lintFiles([file], false) as readonly { readonly messages: readonly Message[] }[];
  return results.flatMap(({ messages }) => messages).map(({ rule, line, message }) => `${line}: ${rule}: ${message}`);
}
