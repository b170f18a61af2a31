// A virtual address on real interfaces: two hosts, which are network namespaces of the test's own, on one cable.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { VipEvent } from "../../src/export/vip/keeping.ts";
import type { Vip } from "../../src/export/vip/written.ts";
import { eventually } from "../support/eventually.ts";
import { isRoot } from "../support/process.ts";
import { buildRooms, startRooms, type Rooms } from "../support/rooms/rooms.ts";

const program = await buildRooms("vip");
const names = ["a", "b"].map((name) => `nfs-init-vip-${process.pid}-${name}`) as [string, string];
const [first, second] = names;
const ip = (...words: readonly string[]) => execFileSync("ip", words, { encoding: "utf8" });
const on = (name: string, words: string) => ip("-n", name, ...words.split(" "));

beforeEach((context) => {
  context.skip(!isRoot, "network namespaces need root");
});
beforeAll(() => {
  if (!isRoot) return;
  for (const name of names) ip("netns", "add", name);
  on(first, `link add eth0 type veth peer name eth0 netns ${second}`);
  names.forEach((name, index) => {
    on(name, `addr add 10.99.0.${index + 1}/24 dev eth0`);
    on(name, `addr add 2001:db8:99::${index + 1}/64 dev eth0 nodad`);
    on(name, "link set lo up");
    on(name, "link set eth0 up");
  });
});
afterAll(() => {
  if (isRoot) for (const name of names) ip("netns", "del", name);
});

const running: Rooms[] = [];
afterEach(async () => {
  for (const rooms of running.splice(0)) {
    await rooms.ask("releaseVip").catch(() => {});
    rooms.end();
  }
});

/** nfs-init on a host, by way of a command. */
function host(name: string, ...by: readonly string[]): Rooms {
  const rooms = startRooms(program, ["ip", "netns", "exec", name, ...by]);
  running.push(rooms);
  return rooms;
}

const vip: Vip = { address: "10.99.0.9", prefixLength: 24 };
const vip6: Vip = { address: "2001:db8:99::9", prefixLength: 64 };
const seconds = 20_000;
const keep = (rooms: Rooms, wanted: Vip = vip) => rooms.ask("keepVip", wanted, seconds);

interface Shown {
  readonly local: string;
  readonly prefixlen: number;
  readonly valid_life_time: number;
}

/** The addresses of a host's eth0. */
function addresses(name: string): readonly Shown[] {
  const shown = JSON.parse(on(name, "-j addr show dev eth0")) as [{ readonly addr_info: readonly Shown[] }];
  return shown[0].addr_info;
}
const shownAt = (name: string, { address }: Vip = vip) => addresses(name).find(({ local }) => local === address);
const hardware = (name: string) => (JSON.parse(on(name, "-j link show dev eth0")) as [{ address: string }])[0].address;
const waitsFor = (rooms: Rooms, kind: string) =>
  eventually(`it waits: ${kind}`, async () =>
    (await rooms.ask("vipEvents")).find(
      (event): event is Extract<VipEvent, { kind: "waiting" }> =>
        event.kind === "waiting" && event.trouble.kind === kind,
    ),
  );

describe("a free address", () => {
  test("is taken on the interface whose network holds it, for a time that is renewed, and given back", async () => {
    const rooms = host(first);
    expect(await keep(rooms)).toMatchObject({ kind: "held", device: "eth0", wasThere: "no" });
    const shown = shownAt(first);
    expect(shown?.prefixlen).toBe(24);
    expect(shown?.valid_life_time).toBeGreaterThan(20);
    expect(shown?.valid_life_time).toBeLessThanOrEqual(30);
    await rooms.ask("releaseVip");
    expect(shownAt(first)).toBeUndefined();
  });

  test("is taken on the interface that is named, whose network does not hold it", async () => {
    const other: Vip = { address: "192.0.2.9", prefixLength: 32, device: "eth0" };
    expect(await keep(host(first), other)).toMatchObject({ kind: "held" });
    expect(shownAt(first, other)?.prefixlen).toBe(32);
  });

  test("neighbours who know another host by it learn where it is now", async () => {
    on(second, "neigh replace 10.99.0.9 lladdr 02:00:00:00:00:77 dev eth0 nud stale");
    await keep(host(first));
    expect(on(second, "neigh show 10.99.0.9")).toContain(hardware(first));
  });

  test("of IPv6 is taken, neighbours learn of it, and it is given back", async () => {
    on(second, "neigh replace 2001:db8:99::9 lladdr 02:00:00:00:00:77 dev eth0 nud stale");
    const rooms = host(first);
    expect(await keep(rooms, vip6)).toMatchObject({ kind: "held", device: "eth0" });
    await eventually("the neighbour learns", () => on(second, "neigh show 2001:db8:99::9").includes(hardware(first)));
    await rooms.ask("releaseVip");
    expect(shownAt(first, vip6)).toBeUndefined();
  });
});

describe("an address that another host has", () => {
  test("is not taken while that host answers for it, and is as soon as it does not", async () => {
    on(second, "addr add 10.99.0.9/24 dev eth0");
    const rooms = host(first);
    const kept = keep(rooms);
    expect((await waitsFor(rooms, "taken")).trouble).toEqual({ kind: "taken", hardware: hardware(second) });
    expect(shownAt(first)).toBeUndefined();
    on(second, "addr del 10.99.0.9/24 dev eth0");
    expect(await kept).toMatchObject({ kind: "held" });
  });

  test("of IPv6 is not taken either", async () => {
    on(second, "addr add 2001:db8:99::9/64 dev eth0 nodad");
    const rooms = host(first);
    const kept = keep(rooms, vip6);
    await waitsFor(rooms, "taken");
    on(second, "addr del 2001:db8:99::9/64 dev eth0");
    expect(await kept).toMatchObject({ kind: "held" });
  });

  test("passes from one instance to the other, and never do both have it", async () => {
    const [one, other] = [host(first), host(second)];
    const both = [keep(one), keep(other)] as const;
    const winner = await Promise.race(both.map((kept, index) => kept.then(() => index)));
    const [loser, keeper] = winner === 0 ? [other, one] : [one, other];
    await waitsFor(loser, "taken");
    expect(names.filter((name) => shownAt(name) !== undefined)).toEqual([names[winner]]);
    await keeper.ask("releaseVip");
    expect(await both[1 - winner]).toMatchObject({ kind: "held" });
  });
});

describe("an address that is here already", () => {
  test("is taken over from an instance that was killed, and given back", async () => {
    const killed = host(first);
    await keep(killed);
    process.kill(killed.pid, "SIGKILL");
    running.splice(0);
    const rooms = host(first);
    expect(await keep(rooms)).toMatchObject({ kind: "held", wasThere: "left" });
    await rooms.ask("releaseVip");
    expect(shownAt(first)).toBeUndefined();
  });

  test("and at another host, too, is given up once that host does not give way", async () => {
    const killed = host(first);
    await keep(killed);
    process.kill(killed.pid, "SIGKILL");
    running.splice(0);
    on(second, "addr add 10.99.0.9/24 dev eth0");
    const rooms = host(first);
    await keep(rooms);
    expect(await rooms.ask("vipLost")).toEqual({ kind: "taken", hardware: hardware(second) });
    expect(await rooms.ask("vipEvents")).toContainEqual({ kind: "contested", hardware: hardware(second) });
    expect(shownAt(first)).toBeUndefined();
    on(second, "addr del 10.99.0.9/24 dev eth0");
  });

  test("for good stays: it is somebody else's", async () => {
    on(first, "addr add 10.99.0.9/24 dev eth0");
    const rooms = host(first);
    expect(await keep(rooms)).toMatchObject({ kind: "held", wasThere: "permanent" });
    await rooms.ask("releaseVip");
    expect(shownAt(first)?.valid_life_time).toBe(4_294_967_295);
    on(first, "addr del 10.99.0.9/24 dev eth0");
  });
});

describe("what stands in the way is told at once", () => {
  const elsewhere: Vip = { address: "192.0.2.9", prefixLength: 24 };

  test("no network holds the address and no interface is named", async () => {
    expect(await keep(host(first), elsewhere)).toEqual({ kind: "no-network" });
    on(first, "route add default via 10.99.0.2");
    expect(await keep(host(first), elsewhere)).toEqual({ kind: "no-network" });
    on(first, "route del default via 10.99.0.2");
  });

  test("the interface is not there", async () => {
    expect(await keep(host(first), { ...vip, device: "eth7" })).toEqual({ kind: "no-device", device: "eth7" });
  });

  test.each([
    ["NET_ADMIN", "net_admin"],
    ["NET_RAW", "net_raw"],
  ])("without %s", async (capability, name) => {
    const rooms = host(first, "setpriv", "--bounding-set", `-${name}`, "--inh-caps", `-${name}`, "--");
    expect(await keep(rooms)).toEqual({ kind: "not-permitted", capability });
  });
});

describe("a client whose connection was lost with the host before", () => {
  /** Takes one connection, says the client's port, and at a word forgets it, saying so to the client. */
  const server = `
const { createServer } = require("node:net");
createServer((socket) => {
  console.log(socket.remotePort);
  process.stdin.once("data", () => (socket.resetAndDestroy(), process.exit()));
}).listen(2049, process.argv[1], () => console.log("listens"));`;

  test.each([
    ["IPv4", vip, "10.99.0.2"],
    ["IPv6", vip6, "2001:db8:99::2"],
  ])("learns it as soon as the next host writes to it by %s", async (_family, wanted, client) => {
    const rooms = host(first);
    await keep(rooms, wanted);
    const before = spawn("ip", ["netns", "exec", first, process.execPath, "-e", server, wanted.address]);
    const lines = createInterface(before.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe("listens");
    const connection = await host(second).dial(wanted.address, 2_049, AbortSignal.timeout(seconds));
    const clientPort = Number((await lines.next()).value);
    const received = connection.receive();
    received.catch(() => {});
    // What it says to the client does not arrive: nobody has that hardware address.
    on(first, `neigh replace ${client} lladdr 02:00:00:00:00:77 dev eth0 nud permanent`);
    before.stdin.write("\n");
    await once(before, "close");
    on(first, `neigh del ${client} dev eth0`);
    expect(await rooms.ask("resetVip", [{ port: 2_049, client, clientPort }])).toEqual({
      kind: "sent",
      connections: 1,
    });
    await expect(received).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});

test("a cable that is not plugged in is waited for", async () => {
  on(second, "link set eth0 down");
  const rooms = host(first);
  const kept = keep(rooms, { ...vip, device: "eth0" });
  await waitsFor(rooms, "link-down");
  on(second, "link set eth0 up");
  expect(await kept).toMatchObject({ kind: "held" });
});
