// Kubernetes manifests by the API's schemas, as kubernetes-models carries them: what is required and of which type, and no field that does not exist.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import * as apps from "kubernetes-models/apps/v1";
import * as batch from "kubernetes-models/batch/v1";
import * as storage from "kubernetes-models/storage.k8s.io/v1";
import * as core from "kubernetes-models/v1";
import { onTestFinished } from "vitest";
import type { Manifest } from "../examples/uses.ts";

const models = {
  "v1 Service": { module: "kubernetes-models/v1", create: (data: object) => new core.Service(data) },
  "v1 PersistentVolume": {
    module: "kubernetes-models/v1",
    create: (data: object) => new core.PersistentVolume(data),
  },
  "apps/v1 StatefulSet": {
    module: "kubernetes-models/apps/v1",
    create: (data: object) => new apps.StatefulSet(data),
  },
  "storage.k8s.io/v1 StorageClass": {
    module: "kubernetes-models/storage.k8s.io/v1",
    create: (data: object) => new storage.StorageClass(data as storage.IStorageClass),
  },
  "v1 ConfigMap": { module: "kubernetes-models/v1", create: (data: object) => new core.ConfigMap(data) },
  "apps/v1 Deployment": {
    module: "kubernetes-models/apps/v1",
    create: (data: object) => new apps.Deployment(data),
  },
  "batch/v1 Job": { module: "kubernetes-models/batch/v1", create: (data: object) => new batch.Job(data) },
} as const;

/** The model of a manifest, which validates it. */
export function modelOf({ apiVersion, kind }: Manifest) {
  const name = `${apiVersion} ${kind}`;
  const model = Object.entries(models).find(([key]) => key === name)?.[1];
  if (model === undefined) throw new Error(`no model is named for ${name}`);
  return model;
}

/** Says what tsc says of the manifests as object literals: it knows every field of theirs, which the models' own validation does not ask for. */
export async function fieldErrors(manifests: readonly Manifest[]): Promise<string> {
  const cache = resolve("node_modules/.cache/nfs-init");
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "manifests-"));
  onTestFinished(() => rmSync(work, { recursive: true }));
  const lines = manifests.map((manifest, index) => {
    const type = `import("${modelOf(manifest).module}").I${manifest.kind}`;
    return `export const manifest${index}: ${type} = ${JSON.stringify(manifest, undefined, 1)};\n`;
  });
  writeFileSync(join(work, "manifests.ts"), lines.join(""));
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--ignoreConfig", "--types", ""];
  const { stdout } = await execa("tsc", [...options, join(work, "manifests.ts")], { preferLocal: true, reject: false });
  return stdout;
}
