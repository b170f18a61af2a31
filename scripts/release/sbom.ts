// Lists what an executable is made of, as a CycloneDX document: the bundled packages by npm's own lock file, the engine and the C library.
import { writeFile } from "node:fs/promises";
import { execa } from "execa";
import type { PinnedFile } from "../debian/pinned.ts";
import { engine, libc } from "../native/pins.ts";
import { executableName, type Target } from "./targets.ts";

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly "bom-ref"?: string;
  readonly [field: string]: unknown;
}

/** The part of CycloneDX 1.6 that is added to. */
interface Bom {
  readonly metadata: {
    readonly component: Component;
    readonly tools: { readonly components: readonly Component[] };
    readonly [field: string]: unknown;
  };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
  readonly [field: string]: unknown;
}

/** Writes the list of one executable. It holds neither times nor random numbers: the same sources give the same list. */
export async function writeSbom(target: Target, file: string): Promise<void> {
  const { stdout } = await execa(
    "cyclonedx-npm",
    [
      "--omit",
      "dev",
      "--omit",
      "optional",
      "--flatten-components",
      "--package-lock-only",
      "--output-reproducible",
      "--spec-version",
      "1.6",
    ],
    {
      preferLocal: true,
      stderr: "inherit",
    },
  );
  await writeFile(file, `${JSON.stringify(withNativeParts(JSON.parse(stdout) as Bom, target), undefined, 2)}\n`);
}

/** What is linked in beside the packages: each file as Debian's archive has it. */
export function nativeParts(target: Target): readonly Component[] {
  return [
    nativePart({
      ...engine,
      packageVersion: engine.version.replaceAll("-", "."),
      qualifiers: "arch=source",
      file: engine.file,
      description: "The JavaScript engine",
    }),
    nativePart({
      ...libc,
      packageVersion: libc.revision,
      qualifiers: `arch=${target.cpu === "x64" ? "amd64" : "arm64"}`,
      file: libc.files[target.cpu],
      description: "The C library, linked statically",
    }),
  ];
}

function nativePart(part: {
  readonly name: string;
  readonly version: string;
  readonly packageVersion: string;
  readonly qualifiers: string;
  readonly file: PinnedFile;
  readonly license: string;
  readonly description: string;
}): Component {
  const purl = `pkg:deb/debian/${part.name}@${encodeURIComponent(part.packageVersion)}?${part.qualifiers}`;
  return {
    type: "library",
    name: part.name,
    version: part.version,
    "bom-ref": purl,
    purl,
    description: part.description,
    licenses: [{ license: { id: part.license, acknowledgement: "declared" } }],
    externalReferences: [
      {
        type: "distribution",
        url: `https://deb.debian.org/debian/${part.file.path}`,
        hashes: [{ alg: "SHA-256", content: part.file.sha256 }],
      },
    ],
  };
}

function withNativeParts(bom: Bom, target: Target): Bom {
  const { component: program, tools } = bom.metadata;
  const parts = nativeParts(target);
  const refs = parts.flatMap((part) => part["bom-ref"] ?? []);
  return {
    ...bom,
    metadata: {
      ...bom.metadata,
      // npm is the one of this machine; any gives the same list.
      tools: { components: tools.components.filter((tool) => tool.name !== "npm") },
      component: { ...program, properties: [{ name: "nfs-init:executable", value: executableName(target) }] },
    },
    components: [...bom.components, ...parts],
    dependencies: [
      ...bom.dependencies.map((entry) =>
        entry.ref === program["bom-ref"] ? { ...entry, dependsOn: [...(entry.dependsOn ?? []), ...refs] } : entry,
      ),
      ...refs.map((ref) => ({ ref })),
    ],
  };
}
