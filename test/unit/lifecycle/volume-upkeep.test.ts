// Volumes in use over a start of the plugin: looked after again whenever their server comes back, and no call waits for that.
import { expect, test } from "vitest";
import { volumeMachine, type PluginProcess, type VolumeMachine } from "../fakes/volume-machine.ts";

const directory = "/var/lib/nfs-init/volumes";

/** The options of one of a whole share, and of one of a directory of its own. */
const volumes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  whole: { share: "nas:/export" },
  own: {},
};

const nobodyHangsUp = () => false;
const ask = (plugin: PluginProcess, operation: string, body: unknown) => plugin.call(operation, body, nobodyHangsUp);
const statusOf = async (plugin: PluginProcess, name: string) =>
  (await ask(plugin, "Get", { Name: name })).Volume?.Status;

/** A machine on which volumes are in use by one user each, with the plugin killed and its server away. */
async function leftWithoutServer(uses: Readonly<Record<string, readonly string[]>>): Promise<VolumeMachine> {
  const machine = volumeMachine({ NFS_WAIT_TIMEOUT: "100s", NFS_PLUGIN_STORE: "nas:/store" });
  const first = machine.start();
  for (const [name, ids] of Object.entries(uses)) {
    await ask(first, "Create", { Name: name, Opts: volumes[name] ?? {} });
    for (const id of ids) {
      const mounting = ask(first, "Mount", { Name: name, ID: id });
      await machine.clock.pass(5_000);
      expect((await mounting).Err).toBe("");
    }
  }
  first.kill(false);
  machine.setServer("away");
  return machine;
}

test("a volume in use whose server is away when the plugin starts is looked after again once that answers, however late", async () => {
  const machine = await leftWithoutServer({ whole: ["one"], own: ["two"] });
  const plugin = machine.start();
  await machine.clock.pass(600_000);
  for (const name of ["whole", "own"])
    expect(await statusOf(plugin, name)).toMatchObject({
      state: "waiting",
      references: 1,
      reason: expect.stringMatching(/mounted already/) as string,
    });
  machine.setServer("there");
  await machine.clock.pass(60_000);
  for (const name of ["whole", "own"])
    expect(await statusOf(plugin, name)).toEqual({
      state: "mounted",
      source: name === "own" ? "nas:/store" : "nas:/export",
      references: 1,
    });
  expect(machine.table.map(({ target }) => target)).toEqual([`${directory}/whole`, `${directory}/own`]);
});

test("whoever gives back a volume whose server is away since the plugin started is not kept waiting, nor are those who have it still forgotten", async () => {
  const machine = await leftWithoutServer({ whole: ["one", "two"] });
  const plugin = machine.start();
  await machine.clock.pass(1_000);
  const givingBack = ask(plugin, "Unmount", { Name: "whole", ID: "one" });
  await machine.clock.pass(5_000);
  expect((await givingBack).Err).toBe("");
  machine.setServer("there");
  await plugin.tend();
  await machine.clock.pass(60_000);
  expect(await statusOf(plugin, "whole")).toMatchObject({ state: "mounted", references: 1 });
});

test("a mount that was given up while its server was away is tried again for those who have the volume already", async () => {
  const machine = await leftWithoutServer({ whole: ["one"] });
  const plugin = machine.start();
  await machine.clock.pass(1_000);
  const mounting = ask(plugin, "Mount", { Name: "whole", ID: "two" });
  await machine.clock.pass(150_000);
  expect((await mounting).Err).toMatch(/not mounted within 100 s/);
  machine.setServer("there");
  await plugin.tend();
  await machine.clock.pass(60_000);
  expect(await statusOf(plugin, "whole")).toEqual({ state: "mounted", source: "nas:/export", references: 1 });
});

test("what nobody has any more is taken down although its server has been away since the plugin started", async () => {
  const machine = await leftWithoutServer({ whole: ["one"] });
  const plugin = machine.start();
  await machine.clock.pass(1_000);
  await ask(plugin, "Activate", {});
  const tending = plugin.tend();
  await machine.clock.pass(10_000);
  await tending;
  expect(await statusOf(plugin, "whole")).toMatchObject({ state: "unused", references: 0 });
  expect(machine.table).toEqual([]);
});

test("what an earlier instance has left is found below a directory of volumes that is a symbolic link", async () => {
  const links = { "/srv/volumes": "/data/volumes" };
  const machine = volumeMachine({ NFS_PLUGIN_DIR: "/srv/volumes" }, links);
  const first = machine.start();
  await ask(first, "Create", { Name: "whole", Opts: volumes["whole"] });
  const mounting = ask(first, "Mount", { Name: "whole", ID: "one" });
  await machine.clock.pass(5_000);
  expect((await mounting).Err).toBe("");
  expect(machine.table.map(({ target }) => target)).toEqual(["/data/volumes/whole"]);
  first.kill(false);
  const second = machine.start();
  await machine.clock.pass(5_000);
  const givingBack = ask(second, "Unmount", { Name: "whole", ID: "one" });
  await machine.clock.pass(5_000);
  expect((await givingBack).Err).toBe("");
  expect(machine.table).toEqual([]);
});

test("who gives back a volume while the disk of the list is full has given it back, which is written once there is room", async () => {
  const machine = volumeMachine({});
  const first = machine.start();
  await ask(first, "Create", { Name: "whole", Opts: volumes["whole"] });
  const mounting = ask(first, "Mount", { Name: "whole", ID: "one" });
  await machine.clock.pass(5_000);
  expect((await mounting).Err).toBe("");
  machine.disk = "full";
  const givingBack = ask(first, "Unmount", { Name: "whole", ID: "one" });
  await machine.clock.pass(5_000);
  expect((await givingBack).Err).toBe("");
  expect(machine.table).toEqual([]);
  machine.disk = "room";
  await first.tend();
  first.kill(false);
  const second = machine.start();
  await machine.clock.pass(5_000);
  expect(await statusOf(second, "whole")).toMatchObject({ state: "unused", references: 0 });
});
