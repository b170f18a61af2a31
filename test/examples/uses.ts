// Finds where the examples use nfs-init: the environments it would read, and the command lines it would be started with.
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { stagesOf, type Instruction } from "../support/dockerfile.ts";

export const project = join(import.meta.dirname, "../..");
export const folder = join(project, "examples");

/** One configuration and what is started with it. */
export interface Use {
  /** For the test's title: file and service. */
  readonly place: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Arguments of nfs-init, without its own name. */
  readonly commandLines: readonly (readonly string[])[];
  /** All that it may have, such as SYS_ADMIN; undefined where it is not said. */
  readonly capabilities?: readonly string[];
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom?: readonly { readonly configMapRef?: { readonly name: string } }[];
  readonly securityContext?: { readonly capabilities?: { readonly add?: readonly string[] } };
  readonly [field: string]: unknown;
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template?: {
      readonly spec?: { readonly initContainers?: readonly Container[]; readonly containers?: readonly Container[] };
    };
  };
}

export interface Kustomization {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly patches?: readonly {
    readonly path: string;
    readonly target?: { readonly kind?: string; readonly name?: string; readonly labelSelector?: string };
  }[];
  readonly configMapGenerator?: readonly { readonly name: string; readonly literals: readonly string[] }[];
  readonly images?: readonly { readonly name: string; readonly newName?: string; readonly newTag?: string }[];
}

export interface Composition {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly environment?: Readonly<Record<string, string>>;
        readonly entrypoint?: readonly string[];
        readonly command?: readonly string[];
      }
    >
  >;
}

export const balenaFiles = ["examples/balena/docker-compose.yml", "examples/balena-block/fleet/docker-compose.yml"];
export const composeFiles = ["examples/compose/compose.yaml", "examples/docker-volumes/compose.yaml", ...balenaFiles];
export const units = ["media", "nfs-init-plugin", "nfs-init-serve", "nfs-init@"].map(
  (name) => `examples/systemd/${name}.service`,
);
export const sockets = ["examples/systemd/nfs-init-plugin.socket"];
const kubernetesFiles = filesBelow(join(folder, "kubernetes")).filter((file) => file.endsWith(".yaml"));
export const kustomizations = kubernetesFiles.filter((file) => basename(file) === "kustomization.yaml");
/** What kustomize lays over manifests. */
export const patchFiles = kustomizations.flatMap((file) =>
  (readKustomization(file).patches ?? []).map(({ path }) => join(dirname(file), path)),
);
export const manifestFiles = kubernetesFiles.filter((file) => ![...kustomizations, ...patchFiles].includes(file));
export const dockerfiles = [
  "Dockerfile.alpine",
  "Dockerfile.ubuntu",
  ...filesBelow(folder).filter((file) => /\/Dockerfile[^/]*$/.test(file)),
];

/** Every file of the examples, as a path from the project. */
export function filesBelow(start: string): readonly string[] {
  return readdirSync(start, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(project, join(entry.parentPath, entry.name)));
}

export function textOf(file: string): string {
  return readFileSync(join(project, file), "utf8");
}

export function readComposition(file: string): Composition {
  return parse(textOf(file), { merge: true }) as Composition;
}

export function readKustomization(file: string): Kustomization {
  return parse(textOf(file)) as Kustomization;
}

export function readManifests(file: string): readonly Manifest[] {
  return readManifestsIn(textOf(file));
}

/** The documents of a YAML stream. */
export function readManifestsIn(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    const manifest = document.toJS() as Manifest | null;
    return manifest === null ? [] : [manifest];
  });
}

/** The instructions of the last stage. */
export function readFinalStage(file: string): readonly Instruction[] {
  return stagesOf(textOf(file)).at(-1) ?? [];
}

/** `[section, name, value]` of every assignment: systemd.syntax(7), without continued lines. */
export function readUnit(file: string): readonly (readonly [string, string, string])[] {
  let section = "";
  const assignments: [string, string, string][] = [];
  for (const line of textOf(file).split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const header = /^\[(\w+)\]$/.exec(line)?.[1];
    const [, name, value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (header !== undefined) section = header;
    else if (name !== undefined && section !== "") assignments.push([section, name, value]);
    else throw new Error(`${file}: not understood: ${line}`);
  }
  return assignments;
}

/** Everything that the examples and the images ask of nfs-init. */
export function allUses(): readonly Use[] {
  return [
    ...composeFiles.flatMap(usesOfComposition),
    ...manifestFiles.flatMap(usesOfManifests),
    ...units.map(useOfUnit),
    ...dockerfiles.map(useOfDockerfile),
  ].filter(({ environment, commandLines }) => commandLines.length > 0 || Object.keys(environment).length > 0);
}

function usesOfComposition(file: string): readonly Use[] {
  return Object.entries(readComposition(file).services).map(([name, service]) => ({
    place: `${file} ${name}`,
    environment: service.environment ?? {},
    commandLines: argumentsOf([...(service.entrypoint ?? []), ...(service.command ?? [])]),
  }));
}

function usesOfManifests(file: string): readonly Use[] {
  return usesIn(file, readManifests(file));
}

/** What manifests ask of nfs-init; `where` is for the titles. */
export function usesIn(where: string, manifests: readonly Manifest[]): readonly Use[] {
  const maps = new Map(
    manifests.filter(({ kind }) => kind === "ConfigMap").map((one) => [one.metadata.name, one.data]),
  );
  return manifests.flatMap(({ spec, metadata }) =>
    [...(spec?.template?.spec?.initContainers ?? []), ...(spec?.template?.spec?.containers ?? [])].map((container) => ({
      place: `${where} ${metadata.name}/${container.name}`,
      environment: Object.assign(
        {},
        ...(container.envFrom ?? []).map(({ configMapRef }) => maps.get(configMapRef?.name ?? "")),
        Object.fromEntries((container.env ?? []).map(({ name, value = "" }) => [name, value])),
      ) as Record<string, string>,
      commandLines: commandsIn(container),
      ...(container.securityContext?.capabilities !== undefined && {
        capabilities: container.securityContext.capabilities.add ?? [],
      }),
    })),
  );
}

/** Every list under a `command` key, at any depth: the container's own and those of its probes. */
function commandsIn(value: unknown): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    key === "command" && Array.isArray(inner) ? argumentsOf(inner as string[]) : commandsIn(inner),
  );
}

function useOfUnit(file: string): Use {
  const unit = readUnit(file);
  const environment = unit
    .filter(([, name]) => name === "Environment")
    .flatMap(([, , value]) => value.split(" ").map((word) => word.split(/=(.*)/s).slice(0, 2)));
  return {
    place: file,
    environment: Object.fromEntries(environment) as Record<string, string>,
    commandLines: unit
      .filter(([, name]) => name.startsWith("Exec"))
      .flatMap(([, , value]) => argumentsOf(value.split(" "))),
    capabilities: unit
      .filter(([, name]) => name === "CapabilityBoundingSet")
      .flatMap(([, , value]) => value.split(" ").map((name) => name.replace(/^CAP_/, ""))),
  };
}

function useOfDockerfile(file: string): Use {
  const stage = readFinalStage(file);
  const [entrypoint, command] = ["ENTRYPOINT", "CMD"].map((wanted) =>
    stage.filter(([word]) => word === wanted).flatMap(([, rest]) => JSON.parse(rest) as string[]),
  );
  // No shell is needed for it, and an image may have none.
  const checks = stage
    .filter(([word]) => word === "HEALTHCHECK")
    .map(([, rest]) => JSON.parse(/\sCMD\s+(\[.*\])$/.exec(` ${rest}`)?.[1] ?? "[]") as string[]);
  return {
    place: file,
    environment: Object.fromEntries(
      stage.filter(([word]) => word === "ENV").map(([, rest]) => rest.split("=")),
    ) as Record<string, string>,
    commandLines: [[...(entrypoint ?? []), ...(command ?? [])], ...checks].flatMap((words) => argumentsOf(words)),
  };
}

function argumentsOf([program = "", ...words]: readonly string[]): readonly (readonly string[])[] {
  return /(^|\/)nfs-init$/.test(program) ? [words] : [];
}
