// The Helm chart, rendered by what Helm is made of (Go's templates, sprig and YAML, out of Debian's packages), and read by the API's schemas.
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { unpackPackages } from "../../scripts/debian/unpack.ts";
import type { Manifest } from "../examples/uses.ts";
import { fieldErrors, modelOf } from "../support/manifests.ts";

const chart = "charts/nfs-init";
const user = "test/release/chart";
const program = "node_modules/.cache/nfs-init/render-chart";

beforeAll(async () => {
  const root = await unpackPackages("go", [
    {
      names: ["golang-1.19-go", "golang-github-masterminds-sprig-dev", "golang-k8s-sigs-yaml-dev"],
      withDependencies: true,
    },
  ]);
  const go = join(root, "usr/lib/go-1.19");
  await execa(join(go, "bin/go"), ["build", "-o", program, "test/release/render.go"], {
    env: { GOROOT: go, GOPATH: join(root, "usr/share/gocode"), GO111MODULE: "off", CGO_ENABLED: "0" },
  });
}, 600_000);

async function render(charts: readonly string[], values: object): Promise<readonly Manifest[]> {
  const { stdout } = await execa(program, ["files", "storage", JSON.stringify(values), ...charts]);
  return parseAllDocuments(stdout)
    .map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0];
      return document.toJS() as Manifest | null;
    })
    .filter((manifest) => manifest !== null);
}

const clients = { server: { clients: "10.0.0.0/8" } };

describe.each<{ title: string; charts: readonly string[]; values: object; kinds: readonly string[] }>([
  { title: "the server", charts: [chart], values: clients, kinds: ["Service", "StatefulSet"] },
  {
    title: "the server with everything that can be set",
    charts: [chart],
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
    charts: [chart],
    values: { server: { clients: "10.0.0.0/8", disk: { storageClassName: "fast" } } },
    kinds: ["Service", "StatefulSet"],
  },
  { title: "another chart with gate and sidecar", charts: [chart, user], values: {}, kinds: ["Deployment"] },
  {
    title: "nothing, where the server is not wanted",
    charts: [chart],
    values: { server: { enabled: false } },
    kinds: [],
  },
])("$title", ({ charts, values, kinds }) => {
  it("has all that is required, of the right types, and no field that does not exist", async () => {
    const manifests = await render(charts, values);
    expect(manifests.map(({ kind }) => kind).toSorted()).toEqual(kinds);
    for (const manifest of manifests) modelOf(manifest).create(manifest).validate();
    expect(await fieldErrors(manifests)).toBe("");
  });
});

it("a variable that is given wins over the chart's own", async () => {
  const manifests = await render([chart], { server: { clients: "10.0.0.0/8", env: { NFS_EXPORT_OPTIONS: "ro" } } });
  const server = manifests.find(({ kind }) => kind === "StatefulSet");
  const env = server?.spec?.template?.spec?.containers?.[0]?.env ?? [];
  expect(env.filter(({ name }) => name === "NFS_EXPORT_OPTIONS")).toEqual([
    { name: "NFS_EXPORT_OPTIONS", value: "ro" },
  ]);
  expect(env).toContainEqual({ name: "NFS_EXPORT", value: "/export/data" });
});

it("the server is not rendered without saying who may mount", async () => {
  await expect(render([chart], {})).rejects.toThrow(/server\.clients: the networks that may mount/);
});
