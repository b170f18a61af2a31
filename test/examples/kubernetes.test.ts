// The Kubernetes examples, by the API's schemas.
import { describe, expect, it } from "vitest";
import { fieldErrors, modelOf } from "../support/manifests.ts";
import { manifestFiles, readFinalStage, readManifests, textOf, type Manifest } from "./uses.ts";

describe.each(manifestFiles)("%s", (file) => {
  it("has all that is required, of the right types", () => {
    for (const manifest of readManifests(file)) modelOf(manifest).create(manifest).validate();
  });

  it("names the profile only that is here", () => {
    for (const [, profile] of textOf(file).matchAll(/localhostProfile: (.*)/g)) {
      expect(textOf(`examples/kubernetes/apparmor/${profile}`)).toContain(`profile ${profile} `);
    }
  });
});

it("have no field that does not exist", async () => {
  expect(await fieldErrors(manifestFiles.flatMap(readManifests))).toBe("");
});

it("call nfs-init by its name, which the image of nothing else finds on its path", () => {
  expect(readFinalStage("Dockerfile")).toContainEqual(["ENV", "PATH=/"]);
  expect(textOf("Dockerfile")).toMatch(/^COPY --from=build \S+ \/nfs-init$/m);
});

it("the models find what is wrong", async () => {
  const [manifest] = readManifests("examples/kubernetes/gate.yaml");
  const text = JSON.stringify(manifest);
  const wrong = (from: string, to: string) => JSON.parse(text.replace(from, to)) as Manifest;
  const missing = wrong('"name":"wait",', "");
  expect(() => modelOf(missing).create(missing).validate()).toThrow(/name/);
  expect(await fieldErrors([wrong("runAsNonRoot", "runAsNotRoot")])).toMatch(/runAsNotRoot/);
});
