// The kustomize examples as far as they can be read without being rendered: their files, and that they do not part from the examples beside them.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  kustomizations,
  manifestFiles,
  patchFiles,
  project,
  readKustomization,
  readManifests,
  type Container,
} from "./uses.ts";

describe.each(kustomizations)("%s", (file) => {
  const { apiVersion, kind, resources = [], components = [], patches = [] } = readKustomization(file);

  it("is a kustomization, or a component", () => {
    const version = kind === "Component" ? "v1alpha1" : "v1beta1";
    expect(apiVersion).toBe(`kustomize.config.k8s.io/${version}`);
    expect(["Component", "Kustomization"]).toContain(kind);
  });

  it("names files that are there, and folders with a kustomization", () => {
    for (const name of [...resources, ...components, ...patches.map(({ path }) => path)]) {
      const path = join(dirname(file), name);
      const isFile = manifestFiles.includes(path) || patchFiles.includes(path);
      expect(isFile || existsSync(join(project, path, "kustomization.yaml")), path).toBe(true);
    }
    for (const name of components) {
      expect(readKustomization(join(dirname(file), name, "kustomization.yaml")).kind).toBe("Component");
    }
  });
});

it("the overlay's applications have the labels of the components that it uses", () => {
  const overlay = "examples/kubernetes/overlay";
  const { resources = [], components = [] } = readKustomization(join(overlay, "kustomization.yaml"));
  const wanted = components.flatMap((name) => {
    const { patches = [] } = readKustomization(join(overlay, name, "kustomization.yaml"));
    return patches.map(({ target }) => target?.labelSelector ?? "");
  });
  const labels = resources
    .filter((name) => name.endsWith(".yaml"))
    .flatMap((name) => readManifests(join(overlay, name)))
    .flatMap(({ metadata }) => Object.entries(metadata.labels ?? {}).map(([name, value]) => `${name}=${value}`));
  expect(labels.toSorted()).toEqual(wanted.toSorted());
});

/** The init container of a manifest or a patch, but for what names the shares and the image. */
function initContainerOf(file: string): Omit<Container, "name" | "image" | "env" | "envFrom"> {
  const [container] = readManifests(file)[0]?.spec?.template?.spec?.initContainers ?? [];
  if (container === undefined) throw new Error(`${file} has no init container`);
  const { name: _name, image: _image, env: _env, envFrom: _envFrom, ...rest } = container;
  return rest;
}

it.each(["gate", "sidecar"])("the component %s adds the container that the example of its name has", (name) => {
  expect(initContainerOf(`examples/kubernetes/components/${name}/patch.yaml`)).toEqual(
    initContainerOf(`examples/kubernetes/${name}.yaml`),
  );
});
