// The Compose examples, by the Compose specification's schema (as dclint carries it) and by balena's own parser.
import { existsSync } from "node:fs";
import { join } from "node:path";
import balena from "@balena/compose";
import { DCLinter } from "dclint";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { balenaFiles, composeFiles, project, readComposition, readFinalStage, textOf } from "./uses.ts";

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

describe.each(balenaFiles)("%s", (file) => {
  it("is understood by balena's parser", () => {
    const composition = balena.parse.normalize(parse(textOf(file)));
    const services = file.startsWith("examples/balena-block") ? ["files", "web"] : ["storage", "web", "api"];
    expect(Object.keys(composition.services)).toEqual(services);
    expect(balena.parse.parse(composition).map(({ serviceName }) => serviceName)).toEqual(services);
  });

  it("uses nothing that balena has not: bind mounts, variable substitution", () => {
    expect(textOf(file)).not.toMatch(/\$\{?\w/);
    expect(textOf(file)).not.toMatch(/^\s*- [./].*:/m);
  });
});

describe("examples/balena-block", () => {
  const block = parse(textOf("examples/balena-block/balena.yml")) as Readonly<Record<string, unknown>>;
  const { version } = JSON.parse(textOf("package.json")) as { readonly version: string };

  it("is a block of balena, with the version of this project", () => {
    expect(block).toMatchObject({ name: "nfs-server", type: "sw.block", version });
    const { defaultDeviceType, supportedDeviceTypes } = block["data"] as {
      readonly defaultDeviceType: string;
      readonly supportedDeviceTypes: readonly string[];
    };
    expect(supportedDeviceTypes).toContain(defaultDeviceType);
    expect(Object.keys(block).toSorted()).toEqual(["data", "description", "name", "type", "version"]);
  });

  it("is one service, which balena builds from the Dockerfile alone", () => {
    expect(existsSync(join(project, "examples/balena-block/Dockerfile"))).toBe(true);
    expect(existsSync(join(project, "examples/balena-block/docker-compose.yml"))).toBe(false);
  });

  it("is named alike wherever the fleet uses it, and its executable is where the fleet takes it from", () => {
    const image = `bh.cr/my_org/${String(block["name"])}/${version}`;
    const services = readComposition("examples/balena-block/fleet/docker-compose.yml").services;
    expect(services["files"]).toMatchObject({ image });
    const path = "/usr/local/bin/nfs-init";
    expect(readFinalStage("examples/balena-block/fleet/web/Dockerfile")).toContainEqual([
      "COPY",
      `--from=${image} ${path} ${path}`,
    ]);
    expect(readFinalStage("examples/balena-block/Dockerfile")).toContainEqual(["COPY", `nfs-init ${path}`]);
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
  // Its registry has the release in the path, and takes no tag.
  "service-image-require-explicit-tag": 0,
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
