// The kustomize examples as kubectl renders them, read by the API's schemas and by nfs-init.
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import { parseCommandLine } from "../../src/command-line/parser.ts";
import { noFlags, readConfig } from "../../src/config/config.ts";
import { readManifestsIn, usesIn, type Manifest } from "../examples/uses.ts";
import { fieldErrors, modelOf } from "../support/manifests.ts";
import { kubernetesTools } from "./kubernetes-tools.ts";

const overlay = "examples/kubernetes/overlay";
let kubectl = "";

beforeAll(async () => {
  kubectl = (await kubernetesTools()).kubectl;
}, 300_000);

async function render(folder: string): Promise<readonly Manifest[]> {
  const { stdout } = await execa(kubectl, ["kustomize", folder]);
  return readManifestsIn(stdout);
}

describe.each([
  [overlay, ["ConfigMap", "Deployment", "Job", "Service", "StatefulSet"]],
  ["examples/kubernetes/server", ["Service", "StatefulSet"]],
])("%s", (folder, kinds) => {
  it("has all that is required, of the right types, and no field that does not exist", async () => {
    const manifests = await render(folder);
    expect(manifests.map(({ kind }) => kind).toSorted()).toEqual(kinds);
    for (const manifest of manifests) modelOf(manifest).create(manifest).validate();
    expect(await fieldErrors(manifests)).toBe("");
  });

  it("starts nfs-init with a configuration without a problem or a warning, by commands that it has", async () => {
    const uses = usesIn(folder, await render(folder)).filter(({ commandLines }) => commandLines.length > 0);
    expect(uses.length).toBeGreaterThan(0);
    for (const { environment, commandLines, place } of uses) {
      const read = readConfig(environment, noFlags, { isServer: environment["NFS_EXPORT"] !== undefined });
      expect(read, place).toEqual({ kind: "config", config: expect.objectContaining({ warnings: [] }) as unknown });
      for (const words of commandLines) expect(() => parseCommandLine(words, "")).not.toThrow();
    }
  });
});

it("puts the sidecar and the gate before the containers of those with their labels, and into no other", async () => {
  const names = (await render(overlay)).map(({ metadata, spec }) => [
    metadata.name,
    spec?.template?.spec?.initContainers?.map(({ name }) => name),
  ]);
  expect(names.filter(([, containers]) => containers !== undefined)).toEqual([
    ["app", ["nfs"]],
    ["report", ["nfs-wait"]],
  ]);
});

it("gives every container of nfs-init the same image, and the shares of the overlay", async () => {
  const manifests = await render(overlay);
  const map = manifests.find(({ kind }) => kind === "ConfigMap")?.metadata.name ?? "";
  // Another content has another name, so that a change starts the pods anew.
  expect(map).toMatch(/^shares-\w+$/);
  const containers = manifests.flatMap(({ spec }) => [
    ...(spec?.template?.spec?.initContainers ?? []),
    ...(spec?.template?.spec?.containers ?? []),
  ]);
  const own = containers.filter(({ name }) => ["nfs", "nfs-wait"].includes(name));
  expect(own.map(({ image }) => image)).toEqual(own.map(() => "registry.example.com/tools/nfs-init:0.1.0"));
  const told = containers.flatMap(({ envFrom = [] }) => envFrom.map(({ configMapRef }) => configMapRef?.name));
  expect(told).toEqual([map, map, map]);
});

it("leaves who may mount, and the disk, to the overlay", async () => {
  const server = (await render(overlay)).find(({ kind }) => kind === "StatefulSet");
  const { env = [] } = server?.spec?.template?.spec?.containers?.[0] ?? {};
  expect(env.filter(({ name }) => name === "NFS_EXPORT_CLIENTS")).toEqual([
    { name: "NFS_EXPORT_CLIENTS", value: "10.42.0.0/16" },
  ]);
  expect(JSON.stringify(server)).toContain('"claimName":"shop-disk"');
});
