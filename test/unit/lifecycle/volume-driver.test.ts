// The driver of Docker volumes against a model: whatever the daemon asks, and whoever is killed meanwhile, no user is forgotten, no mount
// is left behind or taken from under a container, and nobody who only looks waits.
import { expect, test } from "vitest";
import { parseVolumes } from "../../../src/volumes/stored.ts";
import type { MountRecord } from "../../../src/shares/mountinfo.ts";
import { everyCombination } from "../../support/every-combination.ts";
import { bodyOf, enter, giveBack, type Call, type CallAnswer, type Known } from "../../support/volume-model.ts";
import { settled } from "../fakes/clock.ts";
import { random, type Random } from "../fakes/random.ts";
import { volumeMachine, type PluginProcess, type VolumeMachine } from "../fakes/volume-machine.ts";

const directory = "/var/lib/nfs-init/volumes";
const environment = { NFS_WAIT_TIMEOUT: "5s", NFS_WATCH_INTERVAL: "10s", NFS_PLUGIN_STORE: "nas:/store" };

/** One of the whole share, one of a directory of its own, one whose files go to the trash. */
const volumes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  whole: { share: "nas:/export" },
  own: {},
  passing: { "on-remove": "delete" },
};
const names = Object.keys(volumes);

type Step =
  | { readonly kind: "asked"; readonly call: Call }
  | { readonly kind: "passed"; readonly ms: number }
  /** The plugin is killed and started again. The daemon asks anew for what was not answered, or gives it up. */
  | { readonly kind: "plugin killed"; readonly isLate: boolean; readonly isAskedAgain: boolean }
  /** The daemon is killed and started again; its containers run on with live-restore. */
  | { readonly kind: "daemon killed"; readonly isLive: boolean }
  /** Who has waited longest gives up. */
  | { readonly kind: "hung up" }
  | { readonly kind: "tended" }
  | { readonly kind: "server"; readonly is: "there" | "away" | "refusing" }
  | { readonly kind: "disk"; readonly is: "full" | "room" }
  | { readonly kind: "stale" }
  | { readonly kind: "unmounted by somebody"; readonly name: string };

function history({ pick, below }: Random): readonly Step[] {
  const one = (): Step => {
    const name = pick(names);
    const id = pick(["a", "b"]);
    const draw = below(100);
    if (draw < 14) {
      const isOther = below(6) === 0;
      return asked({ kind: "Create", name, options: isOther ? { share: "nas:/other" } : (volumes[name] ?? {}) });
    }
    if (draw < 36) return asked({ kind: "Mount", name, id });
    if (draw < 54) return asked({ kind: "Unmount", name, id });
    if (draw < 58) return asked({ kind: "Remove", name });
    if (draw < 63) return asked({ kind: pick(["Get", "Path"]), name });
    if (draw < 65) return asked({ kind: "List" });
    if (draw < 80) return { kind: "passed", ms: pick([10, 30, 100, 1_000, 10_000]) };
    if (draw < 84) return { kind: "plugin killed", isLate: below(2) === 0, isAskedAgain: below(2) === 0 };
    if (draw < 87) return { kind: "daemon killed", isLive: below(2) === 0 };
    if (draw < 90) return { kind: "hung up" };
    if (draw < 92) return { kind: "tended" };
    if (draw < 95) return { kind: "server", is: pick(["there", "there", "away", "refusing"]) };
    if (draw < 97) return { kind: "disk", is: pick(["full", "room"]) };
    if (draw < 98) return { kind: "stale" };
    return { kind: "unmounted by somebody", name };
  };
  const begin: readonly Step[] = names.map((name) => asked({ kind: "Create", name, options: volumes[name] ?? {} }));
  return [...begin, ...Array.from({ length: 30 }, one)];
}

const asked = (call: Call): Step => ({ kind: "asked", call });

/** A call that is not answered yet. */
interface Waiting {
  readonly call: Call;
  isGone: boolean;
  /** Whether the machine was to blame at any time since. */
  mayFail: boolean;
  /** Whether its mount was taken away or went stale since. */
  isShaken: boolean;
}

const nameOf = (call: Call): string | undefined => ("name" in call ? call.name : undefined);
const isLook = ({ kind }: Call) => kind === "Get" || kind === "Path" || kind === "List" || kind === "Activate";

/** Docker, its containers and the machine beside the driver, and what is wrong so far. */
interface World {
  readonly wrong: Set<string>;
  readonly known: Known;
  readonly machine: VolumeMachine;
  plugin: PluginProcess;
  isResumed: boolean;
  isTending: boolean;
  hasTended: boolean;
  isServed: boolean;
  /** What containers have, by volume and id. */
  readonly containers: Map<string, MountRecord>;
  waiting: Waiting[];
  /** Volumes whose mount was taken away or went stale, until the next mounts them. */
  readonly broken: Set<string>;
}

/** Lets time pass for all but those who look. */
async function pass(world: World, ms: number): Promise<void> {
  await world.machine.clock.pass(ms);
  await settled();
  look(world);
}

function startPlugin(world: World): void {
  world.plugin = world.machine.start();
  world.isResumed = false;
  const { plugin } = world;
  plugin.resumed.then(
    () => (world.isResumed ||= world.plugin === plugin),
    (error: unknown) => world.wrong.add(`resuming failed: ${String(error)}`),
  );
}

function ask(world: World, waiting: Waiting): void {
  const { call } = waiting;
  const { plugin, wrong } = world;
  world.waiting.push(waiting);
  if (!world.isServed || world.machine.disk === "full") waiting.mayFail = true;
  const over = () => {
    const name = nameOf(call);
    const isAhead = ({ call: other }: Waiting) => !isLook(other) && nameOf(other) === name;
    const first = world.waiting.find(isAhead);
    if (!isLook(call) && first !== waiting) wrong.add(`${call.kind} of ${name} overtook ${first?.call.kind}`);
    world.waiting = world.waiting.filter((one) => one !== waiting);
  };
  plugin
    .call(call.kind, bodyOf(call), () => waiting.isGone)
    .then(
      (answer) => {
        over();
        answered(world, waiting, answer);
      },
      (error: unknown) => {
        over();
        wrong.add(`${call.kind} was a fault: ${error instanceof Error ? (error.stack ?? "") : String(error)}`);
      },
    );
}

function answered(
  { wrong, known, machine, plugin, containers, broken }: World,
  waiting: Waiting,
  answer: CallAnswer,
): void {
  const { call, isGone, mayFail, isShaken } = waiting;
  if (call.kind === "Mount" && isGone) {
    if (answer.Err === "") wrong.add("Mount for one who has gone succeeded");
    return;
  }
  for (const one of enter(known, call, answer, directory, mayFail)) wrong.add(one);
  const name = nameOf(call);
  if (name === undefined) return;
  const key = "id" in call ? `${name} ${call.id}` : "";
  if (call.kind === "Mount" && answer.Err === "") {
    const mount = machine.table.findLast(({ target }) => target === `${directory}/${name}`);
    const isWell = mount !== undefined && !machine.isStale(mount);
    if (!isWell && !isShaken) wrong.add(`${name} was not mounted well for ${call.id}`);
    if (mount !== undefined) containers.set(key, { ...mount, id: mount.id + 100_000, target: "/data" });
    if (isWell) broken.delete(name);
  }
  const users = known.get(name)?.users;
  // A removal that failed may have forgotten the users, which the daemon does not know of, or not.
  if (call.kind === "Remove" && users !== undefined && plugin.driver.volumes.get(name)?.references.size === 0)
    users.clear();
  for (const one of containers.keys())
    if (one.startsWith(`${name} `) && users?.has(one.slice(name.length + 1)) !== true) containers.delete(one);
}

function keptOf({ kept }: VolumeMachine) {
  return kept === undefined ? undefined : parseVolumes(kept)?.volumes;
}

const isHeld = ({ containers }: World, name: string) =>
  [...containers.keys()].some((one) => one.startsWith(`${name} `));

const isOldOnly = ({ known }: World, name: string) =>
  [...(known.get(name)?.users.values() ?? [])].every(({ isOld }) => isOld);

/** Whether a share may be unmounted at this moment: nobody has it, once what is being done is done. */
function mayGo(world: World, target: string, mount: MountRecord): boolean {
  const name = target.startsWith(`${directory}/`) ? target.slice(directory.length + 1) : undefined;
  const volume = name === undefined ? undefined : world.known.get(name);
  if (name === undefined || volume === undefined) return true;
  const doing = world.waiting.find(({ call }) => nameOf(call) === name && !isLook(call))?.call;
  const users = new Map(volume.users);
  if (doing?.kind === "Unmount") giveBack({ ...volume, users }, doing.id);
  if (doing?.kind === "Remove" || users.size === 0) return true;
  const isRenewed = doing?.kind === "Mount" || !world.isResumed || world.plugin.driver.adopting.has(name);
  if (world.machine.isStale(mount) && isRenewed) return true;
  return world.isTending && isOldOnly(world, name) && !isHeld(world, name);
}

/** What must hold whenever nothing goes on. */
function look(world: World): void {
  const { wrong, known, machine, waiting, broken } = world;
  for (const { call } of waiting) if (isLook(call)) wrong.add(`${call.kind} waits`);
  if (!world.isResumed || world.isTending) return;
  for (const name of names) {
    if (waiting.some(({ call }) => nameOf(call) === name)) continue;
    const users = known.get(name)?.users ?? new Map<string, { readonly times: number; readonly isOld: boolean }>();
    const kept = world.plugin.driver.volumes.get(name)?.references;
    // Given up, as no container had it; others may have come since.
    for (const [id, { isOld }] of users)
      if (world.hasTended && isOld && kept?.has(id) !== true && !world.containers.has(`${name} ${id}`))
        users.delete(id);
    const told = (of: ReadonlyMap<string, unknown> = new Map()) =>
      [...of]
        .map((one) => JSON.stringify(one))
        .toSorted()
        .join();
    const expected = new Map([...users].map(([id, { times, isOld }]) => [id, { count: times, isOld }]));
    if (told(kept) !== told(expected)) wrong.add(`users of ${name}: ${told(kept)} instead of ${told(expected)}`);
    const mounts = machine.table.filter(({ target }) => target === `${directory}/${name}`);
    if (mounts.length > 1) wrong.add(`${name} is mounted ${mounts.length} times`);
    if (mounts.length > 0 && users.size === 0) wrong.add(`${name} is mounted for nobody`);
    if (mounts.length === 0 && users.size > 0 && !broken.has(name)) wrong.add(`${name} is not mounted for its users`);
  }
  const others = machine.table.filter(({ target }) => !names.includes(target.slice(directory.length + 1)));
  if (waiting.length === 0) for (const { target } of others) wrong.add(`${target} is left behind`);
}

/** What became of calls that nobody will ask again, as far as the list on disk tells. */
function giveUpLost(world: World, lost: readonly Waiting[]): void {
  const { known, machine, containers } = world;
  const kept = keptOf(machine);
  // What was given back while the disk was full is known to the plugin that is gone alone.
  for (const [name, { users }] of known)
    for (const [id, { count, isOld }] of kept?.get(name)?.references ?? [])
      if (!users.has(id)) users.set(id, { times: count, isOld });
  // Old users may have been given up meanwhile, and that a daemon has come could not be written where the disk was full.
  for (const [name, { users }] of known) {
    const isGivenUp = kept?.get(name)?.references.size === 0 && isOldOnly(world, name) && !isHeld(world, name);
    if (isGivenUp) users.clear();
    for (const [id, user] of users) {
      const isOld = kept?.get(name)?.references.get(id)?.isOld;
      if (user.isOld && isOld === false) users.set(id, { ...user, isOld });
    }
  }
  for (const { call } of lost) {
    const name = nameOf(call);
    if (name === undefined) continue;
    const volume = known.get(name);
    const references = kept?.get(name)?.references;
    if (call.kind === "Create" && references !== undefined && volume === undefined)
      known.set(name, { options: call.options, users: new Map() });
    if (call.kind === "Remove") {
      if (references === undefined) known.delete(name);
      else if (references.size === 0) volume?.users.clear();
      for (const one of containers.keys()) if (one.startsWith(`${name} `)) containers.delete(one);
    }
    if (call.kind === "Unmount") {
      if (references?.has(call.id) !== true) volume?.users.delete(call.id);
      if (volume?.users.has(call.id) !== true) containers.delete(`${name} ${call.id}`);
    }
  }
}

async function take(world: World, step: Step): Promise<void> {
  const { machine, waiting, containers, broken } = world;
  switch (step.kind) {
    case "asked":
      return ask(world, { call: step.call, isGone: false, mayFail: false, isShaken: false });
    case "passed":
      return pass(world, step.ms);
    case "plugin killed": {
      world.plugin.kill(step.isLate);
      world.waiting = [];
      const again = waiting.filter(({ isGone }) => step.isAskedAgain && !isGone);
      giveUpLost(
        world,
        waiting.filter((one) => !again.includes(one)),
      );
      world.isTending = false;
      startPlugin(world);
      for (const one of again) ask(world, one);
      return;
    }
    case "daemon killed":
      for (const one of waiting) one.isGone = true;
      if (!step.isLive) containers.clear();
      return ask(world, { call: { kind: "Activate" }, isGone: false, mayFail: false, isShaken: false });
    case "hung up": {
      const [first] = waiting;
      if (first !== undefined) first.isGone = true;
      return;
    }
    case "tended": {
      const { plugin } = world;
      if (world.isTending) return;
      world.isTending = true;
      world.hasTended = true;
      await plugin.tend().then(() => (world.isTending &&= world.plugin !== plugin));
      return;
    }
    case "server":
      world.isServed = step.is === "there";
      machine.setServer(step.is);
      if (!world.isServed) for (const one of waiting) one.mayFail = true;
      return;
    case "disk":
      machine.disk = step.is;
      if (step.is === "full") for (const one of waiting) one.mayFail = true;
      return;
    case "stale":
      machine.makeStale();
      for (const one of waiting) one.isShaken = true;
      for (const name of names) broken.add(name);
      return;
    case "unmounted by somebody": {
      broken.add(step.name);
      for (const one of waiting) one.isShaken ||= nameOf(one.call) === step.name;
      const at = machine.table.findLastIndex(({ target }) => target === `${directory}/${step.name}`);
      if (at !== -1) machine.table.splice(at, 1);
      return;
    }
  }
}

/** At the end everybody is answered, gives back what he has, and nothing is left. */
async function end(world: World): Promise<void> {
  const { known, wrong, machine } = world;
  await take(world, { kind: "server", is: "there" });
  await take(world, { kind: "disk", is: "room" });
  await take(world, { kind: "plugin killed", isLate: false, isAskedAgain: true });
  await pass(world, 60_000);
  for (const { call } of world.waiting) wrong.add(`${call.kind} was never answered`);
  for (const [name, { users }] of known) {
    for (const [id, { times, isOld }] of users)
      if (!isOld)
        for (let time = 0; time < times; time++)
          ask(world, { call: { kind: "Unmount", name, id }, isGone: false, mayFail: false, isShaken: false });
  }
  await pass(world, 10_000);
  await take(world, { kind: "daemon killed", isLive: false });
  await settled();
  void take(world, { kind: "tended" });
  await pass(world, 10_000);
  for (const [name, { users }] of known) if (users.size > 0) wrong.add(`${name} has users for ever`);
  for (const name of known.keys())
    ask(world, { call: { kind: "Remove", name }, isGone: false, mayFail: false, isShaken: false });
  await pass(world, 20_000);
  await take(world, asked({ kind: "List" }));
  await settled();
  look(world);
  for (const { target } of machine.table) wrong.add(`${target} is left behind at the end`);
}

/** What is wrong with the driver in this history. */
async function play(steps: readonly Step[]): Promise<readonly string[]> {
  const machine = volumeMachine(environment);
  const world: World = {
    wrong: new Set(),
    known: new Map(),
    machine,
    plugin: machine.start(),
    isResumed: true,
    isTending: false,
    hasTended: false,
    isServed: true,
    containers: new Map(),
    waiting: [],
    broken: new Set(),
  };
  machine.onUmount = (target, mount) => {
    if (!mayGo(world, target, mount)) world.wrong.add(`${target} was unmounted under its users`);
  };
  machine.containers = () => [...world.containers.values()];
  for (const step of steps) {
    const taken = take(world, step);
    // What else takes time goes on beside the next step.
    if (step.kind === "passed") await taken;
    await settled();
    look(world);
    if (world.wrong.size > 0) break;
  }
  if (world.wrong.size === 0) await end(world);
  world.plugin.kill(false);
  return [...world.wrong];
}

/** The history without every step that is not needed for it to go wrong. */
async function shortest(steps: readonly Step[]): Promise<readonly Step[]> {
  let left = steps;
  for (let index = steps.length - 1; index >= 0; index--) {
    const fewer = left.toSpliced(index, 1);
    if ((await play(fewer)).length > 0) left = fewer;
  }
  return left;
}

const create = (name: string) => asked({ kind: "Create", name, options: volumes[name] ?? {} });
const mount = (name: string, id: string) => asked({ kind: "Mount", name, id });
const unmount = (name: string, id: string) => asked({ kind: "Unmount", name, id });
const remove = (name: string) => asked({ kind: "Remove", name });
const passed = (ms: number): Step => ({ kind: "passed", ms });
const server = (is: "there" | "away" | "refusing"): Step => ({ kind: "server", is });

test.each<readonly [string, readonly Step[]]>([
  [
    "a volume that went stale and was refused since is not there until the server allows it again",
    [
      create("whole"),
      mount("whole", "a"),
      passed(100),
      { kind: "stale" },
      server("refusing"),
      mount("whole", "b"),
      passed(10_000),
      mount("whole", "b"),
      passed(10_000),
      server("there"),
      mount("whole", "b"),
      passed(10_000),
    ],
  ],
  [
    "a daemon that comes while the disk is full has its driver",
    [
      create("whole"),
      mount("whole", "a"),
      passed(100),
      { kind: "disk", is: "full" },
      { kind: "daemon killed", isLive: true },
    ],
  ],
  [
    "a mount that its caller gave up is given back",
    [
      create("own"),
      server("away"),
      mount("own", "a"),
      passed(1_000),
      { kind: "hung up" },
      server("there"),
      passed(10_000),
    ],
  ],
  [
    "a volume that is created while it is removed is there afterwards",
    [create("own"), mount("own", "a"), passed(1_000), remove("own"), create("own"), mount("own", "a"), passed(1_000)],
  ],
  [
    "what a killed plugin is asked anew counts once",
    [
      create("own"),
      mount("own", "a"),
      { kind: "plugin killed", isLate: true, isAskedAgain: true },
      passed(1_000),
      unmount("own", "a"),
      passed(1_000),
    ],
  ],
])("%s", async (_, steps) => {
  expect(await play(steps)).toEqual([]);
});

/** A thousand take half a minute of a processor. */
const histories = everyCombination ? 1_000 : 100;

test(
  "histories of calls, kills and faults leave every user his mount, and no mount without a user",
  { timeout: 600_000 },
  async () => {
    for (let seed = 1; seed <= histories; seed++) {
      const steps = history(random(seed));
      if ((await play(steps)).length === 0) continue;
      const shrunk = await shortest(steps);
      const lines = shrunk.map((step) => JSON.stringify(step));
      expect.fail([`history ${seed}:`, ...lines, ...(await play(shrunk))].join("\n"));
    }
  },
);

test("a volume whose directory lies on no share is refused when it is created, and keeps no plugin from starting", async () => {
  const machine = volumeMachine({});
  const first = machine.start();
  const created = await first.call(
    "Create",
    { Name: "data", Opts: { share: "//nas", subdir: "media", o: "guest" } },
    () => false,
  );
  expect(created.Err).toMatch(/share/);
  const good = await first.call("Create", { Name: "good", Opts: { share: "nas:/export" } }, () => false);
  expect(good.Err).toBe("");
  first.kill(false);
  const second = machine.start();
  await expect(second.resumed).resolves.toBeUndefined();
  const { Volumes = [] } = await second.call("List", {}, () => false);
  expect(Volumes.map(({ Name }) => Name)).toEqual(["good"]);
});

test("a mount that waits in vain is told the time in whole seconds, whatever was done before", async () => {
  const machine = volumeMachine({ NFS_WAIT_TIMEOUT: "7s", NFS_PLUGIN_STORE: "nas:/store" });
  machine.setServer("away");
  const { call } = machine.start();
  await call("Create", { Name: "data", Opts: { share: "nas:/export" } }, () => false);
  const first = call("Mount", { Name: "data", ID: "one" }, () => false);
  await machine.clock.pass(6_234.5);
  // It waits for its turn.
  const second = call("Mount", { Name: "data", ID: "two" }, () => false);
  await machine.clock.pass(20_000);
  expect((await first).Err).toMatch(/^not mounted within 7 s: /);
  expect((await second).Err).toMatch(/^not mounted within 7 s: /);
});

test.each(["nofail", "nofail,noauto"])("a volume with the option %s is not had without its share either", async (o) => {
  const machine = volumeMachine({ NFS_WAIT_TIMEOUT: "5s" });
  machine.setServer("away");
  const { call } = machine.start();
  await call("Create", { Name: "data", Opts: { share: "nas:/export", o } }, () => false);
  const mounting = call("Mount", { Name: "data", ID: "one" }, () => false);
  await machine.clock.pass(10_000);
  expect((await mounting).Err).toMatch(/^not mounted within 5 s: /);
  machine.setServer("there");
  const again = call("Mount", { Name: "data", ID: "one" }, () => false);
  await machine.clock.pass(5_000);
  expect(await again).toEqual({ Mountpoint: `${directory}/data`, Err: "" });
  expect(machine.table.map(({ target }) => target)).toEqual([`${directory}/data`]);
});
