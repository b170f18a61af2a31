// Lists what an executable is made of, as a CycloneDX document: the bundled packages by npm's own lock file, and the runtime.
import { writeFile } from "node:fs/promises";
import { execa } from "execa";
import { executableName, runtimeVersion, type Target } from "./targets.ts";

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
  await writeFile(file, `${JSON.stringify(withRuntime(JSON.parse(stdout) as Bom, target), undefined, 2)}\n`);
}

function withRuntime(bom: Bom, target: Target): Bom {
  const { component: program, tools } = bom.metadata;
  const [group = "", name = ""] = target.runtime.name.split("/");
  const purl = `pkg:npm/${encodeURIComponent(group)}/${name}@${runtimeVersion}`;
  const runtime: Component = {
    type: "platform",
    name,
    group,
    version: runtimeVersion,
    "bom-ref": purl,
    purl,
    description: "The JavaScript runtime that the program is compiled into",
    licenses: [{ license: { id: "MIT", acknowledgement: "declared" } }],
    externalReferences: [
      {
        type: "distribution",
        url: `https://registry.npmjs.org/${target.runtime.name}/-/${name}-${runtimeVersion}.tgz`,
        hashes: [
          {
            alg: "SHA-512",
            content: Buffer.from(target.runtime.integrity.slice("sha512-".length), "base64").toString("hex"),
          },
        ],
      },
    ],
  };
  return {
    ...bom,
    metadata: {
      ...bom.metadata,
      // npm is the one of this machine; any gives the same list.
      tools: { components: tools.components.filter((tool) => tool.name !== "npm") },
      component: { ...program, properties: [{ name: "nfs-init:executable", value: executableName(target) }] },
    },
    components: [...bom.components, runtime],
    dependencies: [
      ...bom.dependencies.map((entry) =>
        entry.ref === program["bom-ref"] ? { ...entry, dependsOn: [...(entry.dependsOn ?? []), purl] } : entry,
      ),
      { ref: purl },
    ],
  };
}
