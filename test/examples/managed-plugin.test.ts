// What Docker is told of the managed plugin fits what nfs-init does with it.
import { basename } from "node:path";
import { expect, it } from "vitest";
import { pluginConfig, pluginVariables } from "../../scripts/plugin/config.ts";
import { parseCommandLine } from "../../src/command-line/parser.ts";
import { noFlags, readConfig } from "../../src/config/config.ts";
import { variableRows, variables } from "../../src/config/variables.ts";
import { roleNamed } from "../../src/roles/roles.ts";
import { textOf } from "./uses.ts";

const config = pluginConfig();
const defaults = roleNamed("plugin")?.defaults ?? {};
const environment = Object.fromEntries(pluginVariables().map(({ name, value }) => [name, value]));

it("starts the driver, with the configuration of one that is told nothing", () => {
  const [executable, ...words] = config["entrypoint"] as readonly string[];
  expect(executable).toBe("/nfs-init");
  expect(parseCommandLine(words, "")).toMatchObject({ kind: "role", role: { name: "plugin" } });
  const told = readConfig(environment, noFlags, { defaults });
  const plain = readConfig({}, noFlags, { defaults });
  if (told.kind !== "config" || plain.kind !== "config") throw new Error("it is not understood");
  const { pluginDir, pluginState } = plain.config.settings;
  expect({ ...told.config.settings, pluginDir, pluginState }).toEqual(plain.config.settings);
  expect(told.config.warnings).toEqual([]);
});

it("keeps volumes and state below the one directory that Docker propagates and keeps", () => {
  for (const name of ["NFS_PLUGIN_DIR", "NFS_PLUGIN_STATE"])
    expect(environment[name]).toMatch(new RegExp(`^${String(config["propagatedMount"])}/\\w+$`));
});

it("listens where Docker looks for its socket", () => {
  const { socket } = config["interface"] as { readonly socket: string };
  expect(socket).toBe(basename(variables.pluginSocket.default));
});

it("may be told what the driver can be told, but not where volumes and state are", () => {
  const settable = pluginVariables().filter((one) => one.settable !== null);
  const names = settable.map(({ name }) => name);
  for (const name of ["NFS_PLUGIN_STORE", "NFS_OPTIONS", "NFS_LISTEN", "NFS_WAIT_TIMEOUT"])
    expect(names).toContain(name);
  for (const name of ["NFS_PLUGIN_DIR", "NFS_PLUGIN_STATE", "NFS_HOST", "AWS_REGION"])
    expect(names).not.toContain(name);
  // Empty means unset, so that a default of a later version comes with it.
  for (const { value } of settable) expect(value).toBe("");
});

it("may be told what the help of the driver has, but for what the page names", () => {
  const { groups = [], keys = [] } = roleNamed("plugin")?.variables ?? {};
  const all = variableRows.filter(({ key, group }) => groups.includes(group) || keys.includes(key));
  const settable = new Set(pluginVariables().flatMap(({ name, settable: how }) => (how === null ? [] : [name])));
  const left = all.map(({ name }) => name).filter((name) => !settable.has(name));
  const [, sentence = ""] =
    /can be set, but for ([^\n]*?), which mean nothing there\./.exec(textOf("docs/docker-volumes.md")) ?? [];
  const named = [...sentence.matchAll(/`(NFS_\w+)`/g)].map(([, name = ""]) => name);
  expect(named.toSorted()).toEqual(left.toSorted());
});
