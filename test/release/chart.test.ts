// The Helm chart, rendered by Helm and read by the API's schemas.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { parse as parseYaml } from "yaml";
import { readManifestsIn, textOf, type Manifest } from "../examples/uses.ts";
import { fieldErrors, modelOf } from "../support/manifests.ts";
import { kubernetesTools } from "./kubernetes-tools.ts";

const chart = "charts/nfs-init";
const user = "test/release/chart";

let helm = "";

beforeAll(async () => {
  helm = (await kubernetesTools()).helm;
}, 300_000);

/** Renders the chart itself, or one that has it among its dependencies. */
async function render(which: "itself" | "a user's", values: object): Promise<readonly Manifest[]> {
  const work = mkdtempSync(join(tmpdir(), "nfs-init-chart-"));
  onTestFinished(() => rmSync(work, { recursive: true }));
  const folder = join(work, "chart");
  cpSync(which === "itself" ? chart : user, folder, { recursive: true });
  // What `helm dependency build` does.
  if (which === "a user's") cpSync(chart, join(folder, "charts/nfs-init"), { recursive: true });
  writeFileSync(join(work, "values.json"), JSON.stringify(values));
  const names = ["files", folder, "--namespace", "storage"];
  const { stdout } = await execa(helm, ["template", ...names, "--values", join(work, "values.json")]);
  return readManifestsIn(stdout);
}

const clients = { server: { clients: "10.0.0.0/8" } };

describe.each<{ title: string; which: "itself" | "a user's"; values: object; kinds: readonly string[] }>([
  { title: "the server", which: "itself", values: clients, kinds: ["Service", "StatefulSet"] },
  {
    title: "the server with everything that can be set",
    which: "itself",
    values: {
      server: {
        clients: "10.0.0.0/8",
        env: { NFS_SERVER_THREADS: 16, NFS_LOG_LEVEL: "debug" },
        disk: { existingClaim: "old", storageClassName: "fast" },
        resources: { limits: { memory: "64Mi" } },
        nodeSelector: { disk: "yes" },
        tolerations: [{ key: "storage", operator: "Exists" }],
      },
      storageClass: { enabled: true },
    },
    kinds: ["Service", "StatefulSet", "StorageClass"],
  },
  {
    title: "the server with a disk of a class",
    which: "itself",
    values: { server: { clients: "10.0.0.0/8", disk: { storageClassName: "fast" } } },
    kinds: ["Service", "StatefulSet"],
  },
  { title: "another chart with gate and sidecar", which: "a user's", values: {}, kinds: ["Deployment"] },
  {
    title: "nothing, where the server is not wanted",
    which: "itself",
    values: { server: { enabled: false } },
    kinds: [],
  },
])("$title", ({ which, values, kinds }) => {
  it("has all that is required, of the right types, and no field that does not exist", async () => {
    const manifests = await render(which, values);
    expect(manifests.map(({ kind }) => kind).toSorted()).toEqual(kinds);
    for (const manifest of manifests) modelOf(manifest).create(manifest).validate();
    expect(await fieldErrors(manifests)).toBe("");
  });
});

it("a variable that is given wins over the chart's own", async () => {
  const manifests = await render("itself", { server: { clients: "10.0.0.0/8", env: { NFS_EXPORT_OPTIONS: "ro" } } });
  const server = manifests.find(({ kind }) => kind === "StatefulSet");
  const env = server?.spec?.template?.spec?.containers?.[0]?.env ?? [];
  expect(env.filter(({ name }) => name === "NFS_EXPORT_OPTIONS")).toEqual([
    { name: "NFS_EXPORT_OPTIONS", value: "ro" },
  ]);
  expect(env).toContainEqual({ name: "NFS_EXPORT", value: "/export/data" });
});

it("is rendered by what docs/kubernetes.md installs it with", async () => {
  const [, words = ""] = /^helm install (.*)$/m.exec(textOf("docs/kubernetes.md")) ?? [];
  const { stdout } = await execa(helm, ["template", ...words.split(" ")]);
  const text = JSON.stringify(readManifestsIn(stdout));
  for (const [, value = ""] of words.matchAll(/--set \S+?=(\S+)/g)) expect(text).toContain(JSON.stringify(value));
});

it("says in the end where the server is and how to look at it", async () => {
  const notes = async (...settings: readonly string[]) => {
    const sets = settings.flatMap((one) => ["--set", one]);
    const names = ["install", "files", chart, "--namespace", "storage", "--dry-run=client"];
    return (await execa(helm, [...names, ...sets])).stdout.replace(/^.*\nNOTES:\n/s, "");
  };
  const text = await notes("server.clients=10.0.0.0/8", "storageClass.enabled=true");
  expect(text).toContain("/export/data is served at files.storage.svc.cluster.local once");
  expect(text).toContain("\n  kubectl --namespace storage exec statefulset/files -- nfs-init status\n");
  expect(text).toContain('Claims of the class "nfs"');
  expect(await notes("server.enabled=false")).toMatch(/^Nothing was made/);
});

/** Paths of the values that have none below them, as in `server.disk.size`. */
function leaves(value: unknown, at: readonly string[] = []): readonly string[] {
  const inner = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  if (inner.length === 0) return [at.join(".")];
  return inner.flatMap(([name, one]) => leaves(one, [...at, name]));
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

function places({ properties }: Schema, at: readonly string[] = []): readonly string[] {
  if (properties === undefined) return [at.join(".")];
  return Object.entries(properties).flatMap(([name, inner]) => places(inner, [...at, name]));
}

it("every value has a place in the schema, and every place of the schema a value", () => {
  const values: unknown = parseYaml(textOf(`${chart}/values.yaml`));
  const schema = JSON.parse(textOf(`${chart}/values.schema.json`)) as Schema;
  // Helm itself sets `global` for the charts that a chart depends on.
  expect(leaves(values).toSorted()).toEqual(
    places(schema)
      .filter((place) => place !== "global")
      .toSorted(),
  );
});

it("the server is not rendered without saying who may mount", async () => {
  await expect(render("itself", {})).rejects.toThrow(/server\.clients: the networks that may mount/);
});
