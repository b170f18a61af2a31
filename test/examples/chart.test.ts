// The Helm chart as far as it can be read without being rendered: its version, and the variables that it names.
import { expect, it } from "vitest";
import { parse } from "yaml";
import { variableRows } from "../../src/config/variables.ts";
import { filesBelow, textOf } from "./uses.ts";

const { version } = JSON.parse(textOf("package.json")) as { readonly version: string };

it("has the version of this project, and its image", () => {
  expect(parse(textOf("charts/nfs-init/Chart.yaml"))).toMatchObject({ version, appVersion: version });
  expect(parse(textOf("charts/nfs-init/values.yaml"))).toMatchObject({
    image: `registry.example.com/nfs-init:${version}`,
  });
});

it.each(filesBelow("charts"))("%s names no variable that does not exist", (file) => {
  const known = new Set(variableRows.map(({ name }) => name));
  for (const [name] of textOf(file).matchAll(/\bNFS_[A-Z0-9_]+/g)) expect(known, name).toContain(name);
});

it("every value that is there is described by the schema, which allows no other", () => {
  const { properties } = JSON.parse(textOf("charts/nfs-init/values.schema.json")) as {
    readonly properties: Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>;
  };
  const values = parse(textOf("charts/nfs-init/values.yaml")) as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(values)) {
    expect(Object.keys(properties)).toContain(name);
    if (typeof value === "object" && value !== null) {
      expect(Object.keys(properties[name]?.properties ?? {}).toSorted()).toEqual(Object.keys(value).toSorted());
    }
  }
});
