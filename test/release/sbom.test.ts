// The lists of parts: valid CycloneDX, complete, without what is not in the executable.
import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { describe, expect, it } from "vitest";
import { runtimeVersion } from "../../scripts/release/targets.ts";
import { released } from "./released.ts";

interface Bom {
  readonly metadata: { readonly component: { readonly "bom-ref": string } };
  readonly components: readonly { readonly name: string; readonly version: string; readonly purl: string }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

describe.each(released)("the list of nfs-init-$name", ({ file, runtime }) => {
  const text = readFileSync(`${file}.cdx.json`, "utf8");
  const bom = JSON.parse(text) as Bom;

  it("is valid CycloneDX 1.6", async () => {
    expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull();
  });

  it("names every package that is bundled and no tool", () => {
    const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
      readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>;
    };
    const bundled = Object.entries(lock.packages)
      .filter(([path, entry]) => path !== "" && entry.dev !== true && entry.optional !== true)
      .map(([path]) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length));
    expect(bundled).toContain("pino");
    const listed = bom.components.map(({ purl }) => decodeURIComponent(purl).replace(/^pkg:npm\/(.+)@.*$/, "$1"));
    // The same version may lie in two places.
    expect([...new Set(listed)].toSorted()).toEqual([...new Set([...bundled, runtime.name])].toSorted());
  });

  it("names the runtime that the program is compiled into", () => {
    const [group, name] = runtime.name.split("/");
    const purl = `pkg:npm/${encodeURIComponent(group ?? "")}/${name}@${runtimeVersion}`;
    expect(bom.components).toContainEqual(expect.objectContaining({ name, version: runtimeVersion, purl }));
    const program = bom.dependencies.find(({ ref }) => ref === bom.metadata.component["bom-ref"]);
    expect(program?.dependsOn).toContain(purl);
  });
});
