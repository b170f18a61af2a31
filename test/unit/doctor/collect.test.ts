// What is asked of whom: by RPC over a fake network, with a machine that has nothing against mounting.
import { describe, expect, test } from "vitest";
import { collectFacts } from "../../../src/doctor/collect.ts";
import type { DoctorPorts, TrialRequest } from "../../../src/doctor/collect-ports.ts";
import { explain } from "../../../src/doctor/explain.ts";
import type { Environment } from "../../../src/config/config.ts";
import { answers, fakeNetwork, opaque, rpcbind, serves, words, type Service } from "../fakes/server.ts";
import { planOf, shareOf } from "../fakes/shares.ts";
import { goodFacts } from "./good-facts.ts";
import { handClock } from "../fakes/clock.ts";

const nfs = 100_003;
const mountd = 100_005;

/** mountd: NULL, a handle for MNT, nothing for UMNT, an export for all. */
const exporting: Service = (call) => {
  if (call.program !== mountd || call.procedure === 0 || call.procedure === 3) return answers(call);
  if (call.procedure === 1) return answers(call, words(0), opaque(new Uint8Array(8)), words(1, 1));
  return answers(call, words(1), opaque("/export"), words(0, 0));
};

/** rpcbind of version 2: GETPORT as the fake has it, DUMP of the same. */
const registry = (entries: readonly (readonly [number, number, number])[]): Service => {
  const getPort = rpcbind(
    Object.fromEntries(entries.map(([program, version, port]) => [`${program}/${version}/tcp`, port])),
  );
  return (call) =>
    call.procedure === 4
      ? answers(call, ...entries.map(([program, version, port]) => words(1, program, version, 6, port)), words(0))
      : getPort(call);
};

function setUp(services: Parameters<typeof fakeNetwork>[0], names?: Parameters<typeof fakeNetwork>[1]) {
  const network = fakeNetwork(services, names);
  const clock = handClock();
  const trials: TrialRequest[] = [];
  const machine = goodFacts([]);
  const ports: DoctorPorts = {
    network,
    clock,
    route: () => ({ kind: "route", localAddress: "192.0.2.7" }),
    tryPort: (address, port) =>
      Promise.resolve(
        services[`${address}:${port}`] === undefined
          ? { kind: "closed", port, errno: "ECONNREFUSED", reason: "connection refused" }
          : { kind: "open", port },
      ),
    machine: () => machine,
    mountPoint: () => Promise.resolve({ state: { kind: "empty" }, around: undefined }),
    readOptions: () => Promise.resolve({ kind: "unknown" }),
    security: () => ({ release: "6.1.0", hasModule: false, program: "unseen", missing: [] }),
    secretsFile: ({ path }) => ({ path, errno: "ENOENT" }),
    trial: (_, requests) => {
      trials.push(...requests);
      return Promise.resolve({ kind: "tried", calls: [] });
    },
    self: { uid: 0, gid: 0, machineName: "box" },
  };
  const collect = (environment: Environment = {}, budgetMs = 5_000) =>
    collectFacts(ports, [shareOf(environment)], undefined, budgetMs);
  return { clock, network, ports, trials, collect };
}

const version3 = {
  "192.0.2.1:111": registry([
    [nfs, 3, 2049],
    [mountd, 3, 20_048],
  ]),
  "192.0.2.1:2049": serves(nfs, [3]),
  "192.0.2.1:20048": exporting,
};

describe("of a server of version 3", () => {
  test("every part is asked, and MNT is taken back", async () => {
    const { network, collect } = setUp(version3);
    const { shares } = await collect({ NFS_VERSION: "3" });
    expect(shares[0]?.addresses[0]).toMatchObject({
      nfs4: { kind: "version-mismatch", lowest: 3, highest: 3 },
      nfs3: { kind: "success", port: 2049 },
      mountd: { kind: "success", port: 20_048 },
      exports: { kind: "exports", exports: [{ directory: "/export" }] },
      path3: {
        asMounted: { kind: "mounted", reservedPort: true },
        otherPort: { kind: "mounted", reservedPort: false },
      },
    });
    const asked = network.actions.filter((action) => action.startsWith("192.0.2.1:20048"));
    const count = (procedure: number) => asked.filter((action) => action.endsWith(`/3/${procedure}`)).length;
    expect(count(3)).toBe(count(1));
    expect(network.open()).toBe(0);
  });

  test("a trial is made in version 3 alone", async () => {
    const { trials, collect } = setUp(version3);
    await collect();
    expect(trials.map(({ version }) => version)).toEqual(["3"]);
    expect(trials[0]?.call).toMatchObject({ fstype: "nfs", data: expect.stringContaining("addr=192.0.2.1") as string });
  });
});

test("locks are left out of a trial: the kernel would not ask for statd", async () => {
  const { trials, collect } = setUp(version3);
  await collect({ NFS_VERSION: "3", NFS_OPTIONS: "hard,lock" });
  expect(trials[0]?.call.data.split(",")).toContain("nolock");
});

test("a server that answers nothing at all costs no more than the budget", async () => {
  const { clock, collect } = setUp({ "192.0.2.1:2049": "silent", "192.0.2.1:111": "silent" });
  const collecting = collect({}, 300);
  await clock.pass(300);
  const { shares, tookMs } = await collecting;
  expect(tookMs).toBe(300);
  expect(shares[0]).toMatchObject({
    trial: { kind: "not-tried" },
    addresses: [{ nfs4: { kind: "no-answer", errno: "ETIMEDOUT" }, rpcbind: { kind: "no-answer" } }],
  });
});

test("every address of a name is asked", async () => {
  const names = { nas: ["192.0.2.9", "192.0.2.1"] };
  const { trials, collect } = setUp(version3, names);
  const { shares } = await collect({ NFS_VERSION: "3" });
  expect(shares[0]?.addresses.map(({ address, port }) => [address, port?.kind])).toEqual([
    ["192.0.2.9", "closed"],
    ["192.0.2.1", "open"],
  ]);
  expect(trials).toHaveLength(1);
});

test("port 2049 is asked as well where the options name another port", async () => {
  const { collect } = setUp({ "192.0.2.1:2049": serves(nfs, [3, 4]) });
  const { shares } = await collect({ NFS_OPTIONS: "port=2050" });
  expect(shares[0]?.addresses[0]).toMatchObject({
    port: { kind: "closed", port: 2050 },
    usualPort: { kind: "success" },
  });
});

test("the address that an id of EFS may fall back to is asked beside those of its name", async () => {
  const name = "fs-0123abcd.efs.eu-west-1.amazonaws.com";
  const line = "fs-0123abcd:/ /mnt/a efs region=eu-west-1,mounttargetip=192.0.2.1";
  const [share] = planOf({ NFS_MOUNTS: line }).shares;
  if (share === undefined) throw new Error("no share");
  const addressesWith = async (names: Parameters<typeof fakeNetwork>[1]) => {
    const { ports } = setUp({}, names);
    const { shares } = await collectFacts(ports, [share], undefined, 5_000);
    return shares[0]?.addresses.map(({ address }) => address);
  };
  expect(await addressesWith({})).toEqual(["192.0.2.1"]);
  expect(await addressesWith({ [name]: ["192.0.2.9"] })).toEqual(["192.0.2.9", "192.0.2.1"]);
});

test("a name without an answer leaves nothing to ask", async () => {
  const { network, collect } = setUp({}, {});
  const { shares } = await collect();
  expect(shares[0]).toMatchObject({ name: { kind: "unknown" }, addresses: [] });
  expect(network.dialed).toEqual([]);
});

describe("what run is told of a share", () => {
  test("is doctor's sentence where something is in the way", async () => {
    const { ports } = setUp({});
    expect(await explain(shareOf(), ports, undefined, 1_000)).toMatch(
      /^nas:\/export does not mount because nothing listens/,
    );
  });

  test("is nothing where nothing is", async () => {
    const { ports } = setUp(version3);
    const mounting: DoctorPorts = {
      ...ports,
      trial: () => Promise.resolve({ kind: "tried", calls: [{ version: "3", errno: "" }] }),
    };
    expect(await explain(shareOf(), mounting, undefined, 1_000)).toBeUndefined();
  });
});
