// What the examples and images tell nfs-init is understood by it, without a warning.
import { describe, expect, it } from "vitest";
import { parseCommandLine } from "../../src/command-line/parser.ts";
import { noFlags, readConfig } from "../../src/config/config.ts";
import { readExports } from "../../src/config/exports.ts";
import type { Variable } from "../../src/config/variable.ts";
import { variableRows } from "../../src/config/variables.ts";
import { missingCapability } from "../../src/init/identity.ts";
import { isReserved, roleNamed } from "../../src/roles/roles.ts";
import { allUses, filesBelow, folder, readFinalStage, textOf } from "./uses.ts";

const uses = allUses();

it("finds uses of every kind", () => {
  const places = uses.map(({ place }) => place).join("\n");
  expect(uses.length).toBeGreaterThan(12);
  for (const part of [
    "compose.yaml web",
    "docker-compose.yml api",
    "docker-compose.yml storage",
    "sidecar.yaml",
    "media.service",
    "Dockerfile.alpine",
  ]) {
    expect(places).toContain(part);
  }
});

describe.each(uses)("$place", ({ environment, commandLines }) => {
  it("has a configuration without a problem or a warning", () => {
    const isServer = environment["NFS_EXPORT"] !== undefined;
    const result = readConfig(environment, noFlags, { isServer });
    if (isServer) {
      const sources = { accounts: () => ({ passwd: "", group: "" }), readText: () => undefined };
      expect(readExports(environment, noFlags, sources).kind).toBe("exports");
    }
    expect(result).toEqual({ kind: "config", config: expect.objectContaining({ warnings: [] }) as unknown });
  });

  it("uses commands that nfs-init has or keeps", () => {
    for (const words of commandLines) {
      const [first = ""] = words;
      if (first !== "--") expect(isReserved(first), first).toBe(true);
      if (first === "--" || roleNamed(first) !== undefined) expect(() => parseCommandLine(words, "")).not.toThrow();
    }
  });
});

/** The numbers of those that nfs-init itself needs: capabilities(7). */
const capabilityNumbers = { SETGID: 6n, SETUID: 7n, SETPCAP: 8n, SYS_MODULE: 16n, SYS_ADMIN: 21n };

const handovers = uses.filter(
  ({ environment, capabilities }) =>
    capabilities?.includes("SYS_ADMIN") === true && environment["NFS_HOST"] !== undefined,
);

it("finds uses that say which capabilities there are", () => {
  expect(handovers.map(({ place }) => place)).toEqual([
    "examples/kubernetes/entrypoint.yaml web/nginx",
    "examples/kubernetes/gate.yaml report/report",
    "examples/systemd/media.service",
  ]);
});

it.each(handovers)("$place has every capability that its configuration asks for", (use) => {
  const result = readConfig(use.environment, noFlags);
  if (result.kind === "problems") throw new Error(result.problems.join("; "));
  const { identity, settings } = result.config;
  const mask = Object.entries(capabilityNumbers)
    .filter(([name]) => use.capabilities?.includes(name))
    .reduce((sum, [, number]) => sum | (1n << number), 0n);
  expect(
    missingCapability({ uid: 0, gid: 0, effective: mask, bounding: mask }, identity, settings.dropCaps),
  ).toBeUndefined();
});

/** Names that are not ours: those Kubernetes sets for a Service called nfs. */
const foreign = new Set(["NFS_SERVICE_HOST", "NFS_PORT"]);

it.each(filesBelow(folder))("%s names no variable that does not exist", (file) => {
  const known = new Set(variableRows.flatMap((row: Variable) => [row.name, ...(row.aliases ?? [])]));
  const numbered = new Set(variableRows.filter((row: Variable) => row.numbered).map(({ name }) => name));
  for (const [name] of textOf(file).matchAll(/\bNFS_[A-Z0-9_]+/g)) {
    const isKnown = known.has(name) || (/^NFS_\d+_/.test(name) && numbered.has(name.replace(/^NFS_\d+_/, "NFS_")));
    expect(isKnown || foreign.has(name), name).toBe(true);
  }
});

it.each(["Dockerfile.alpine", "Dockerfile.ubuntu"])("%s labels its image with the version of this project", (file) => {
  const { version } = JSON.parse(textOf("package.json")) as { readonly version: string };
  expect(readFinalStage(file)).toContainEqual(["ARG", `VERSION=${version}`]);
});

it.each([
  "Dockerfile.alpine",
  "Dockerfile.ubuntu",
  ...["api", "storage", "web"].map((name) => `examples/balena/${name}/Dockerfile`),
])("%s gives a CMD, since its ENTRYPOINT takes away that of the base", (file) => {
  const words = readFinalStage(file).map(([word]) => word);
  expect(words.indexOf("CMD")).toBeGreaterThan(words.indexOf("ENTRYPOINT"));
  const check = readFinalStage(file).find(([word]) => word === "HEALTHCHECK");
  expect(check?.[1]).toMatch(/ CMD \["nfs-init", "check"\]$/);
  // The base's own is kept.
  expect(words).not.toContain("STOPSIGNAL");
});
