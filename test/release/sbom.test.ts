// The lists of parts: valid CycloneDX, complete, without what is not in the executable.
import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { describe, expect, it } from "vitest";
import { engine, libc } from "../../scripts/native/pins.ts";
import { released } from "./released.ts";

interface Bom {
  readonly metadata: { readonly component: { readonly "bom-ref": string } };
  readonly components: readonly { readonly name: string; readonly version: string; readonly purl: string }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

describe.each(released)("the list of nfs-init-$name", ({ file, cpu }) => {
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
    const listed = bom.components.map(({ purl }) =>
      decodeURIComponent(purl).replace(/^pkg:(?:npm|deb\/debian)\/(.+)@.*$/, "$1"),
    );
    // The same version may lie in two places.
    expect([...new Set(listed)].toSorted()).toEqual([...new Set([...bundled, engine.name, libc.name])].toSorted());
  });

  it.each([
    { part: engine, file: engine.file },
    { part: libc, file: libc.files[cpu] },
  ])("names $part.name, with the file that it is made from", ({ part, file: pinned }) => {
    const component = bom.components.find(({ name }) => name === part.name);
    expect(component).toMatchObject({
      version: part.version,
      externalReferences: [
        { url: expect.stringContaining(pinned.path), hashes: [{ alg: "SHA-256", content: pinned.sha256 }] },
      ],
    });
    const program = bom.dependencies.find(({ ref }) => ref === bom.metadata.component["bom-ref"]);
    expect(program?.dependsOn).toContain(component?.purl);
  });
});
