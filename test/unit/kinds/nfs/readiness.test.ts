import { describe, expect, test, vi } from "vitest";
import type { Environment } from "../../../../src/config/config.ts";
import { mountAddresses, questionOf } from "../../../../src/kinds/nfs/question.ts";
import { askServer } from "../../../../src/kinds/nfs/readiness.ts";
import { fakeNetwork, fragment, rpcbind, serves, words, type FakeNetwork, type Service } from "../../fakes/server.ts";
import { shareOf } from "../../fakes/shares.ts";

const nfs = 100_003;
const mountd = 100_005;
const v3 = { "100003/3/tcp": 2_049, "100005/3/tcp": 20_048 };

/** A whole server of NFS versions `versions` at 192.0.2.1. */
function server(versions: readonly number[], changes: Readonly<Record<string, Service | "silent" | undefined>> = {}) {
  const services: Readonly<Record<string, Service | "silent" | undefined>> = {
    "192.0.2.1:2049": serves(nfs, versions),
    "192.0.2.1:111": rpcbind(v3),
    "192.0.2.1:20048": serves(mountd, [1, 2, 3]),
    ...changes,
  };
  const there = Object.entries(services).flatMap(([at, service]) =>
    service === undefined ? [] : [[at, service] as const],
  );
  return fakeNetwork(Object.fromEntries(there));
}

function ask(network: FakeNetwork, environment: Environment = {}, signal = new AbortController().signal) {
  return askServer(network, questionOf(shareOf(environment)), signal);
}

/** As in most rounds of waiting. */
function askBriefly(network: FakeNetwork, environment: Environment = {}) {
  return askServer(network, questionOf(shareOf(environment)), new AbortController().signal, false);
}

describe("the question", () => {
  test.each([
    [{}, { host: "nas", port: undefined, family: undefined, version4: true, version3: true }],
    [{ NFS_VERSION: "4" }, { version4: true, version3: false }],
    [{ NFS_VERSION: "4.2" }, { version4: true, version3: false }],
    [{ NFS_VERSION: "3" }, { version4: false, version3: true }],
    [{ NFS_OPTIONS: "port=2050,mountport=892" }, { port: 2_050, mountPort: 892 }],
    [{ NFS_OPTIONS: "port=1,port=2050" }, { port: 2_050 }],
    [{ NFS_OPTIONS: "port=0" }, { port: undefined }],
    [{ NFS_OPTIONS: "port=99999" }, { port: undefined }],
    [{ NFS_OPTIONS: "mounthost=other" }, { mountHost: "other" }],
    [{ NFS_OPTIONS: "mountaddr=192.0.2.9" }, { mountHost: "192.0.2.9" }],
    [{ NFS_OPTIONS: "proto=tcp" }, { family: 4 }],
    [{ NFS_OPTIONS: "proto=tcp6" }, { family: 6 }],
    [{ NFS_OPTIONS: "proto=udp6" }, { family: 6 }],
  ])("of %j asks for %j", (environment, question) => {
    expect(questionOf(shareOf(environment))).toMatchObject(question);
  });
});

describe("a brief question", () => {
  const away = { "192.0.2.1:2049": undefined };

  test.each(["auto", "3"])("does not go on to rpcbind where port 2049 is closed, version %s", async (version) => {
    const network = server([3, 4], away);
    expect(await askBriefly(network, { NFS_VERSION: version })).toMatchObject({ kind: "not-ready" });
    expect(network.actions.filter((action) => action.includes(":111"))).toEqual([]);
  });

  test.each([
    { version: "auto", versions: [3, 4] },
    { version: "auto", versions: [3] },
    { version: "3", versions: [3] },
    { version: "3", versions: [3, 4] },
  ])("finds a server of $versions ready all the same, version $version", async ({ version, versions }) => {
    expect(await askBriefly(server(versions), { NFS_VERSION: version })).toMatchObject({ kind: "ready" });
  });

  test("does not take port 2049 for the whole of version 3", async () => {
    const network = server([3], { "192.0.2.1:20048": undefined });
    expect(await askBriefly(network, { NFS_VERSION: "3" })).toMatchObject({
      kind: "not-ready",
      reason: expect.stringMatching(/^mountd of /) as string,
    });
  });
});

test.each(["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN"])(
  "of a host that cannot be reached (%s) no other port is asked",
  async (code) => {
    const asked: number[] = [];
    const unreachable: Pick<FakeNetwork, "resolveName" | "dial"> = {
      resolveName: () => Promise.resolve({ kind: "addresses", addresses: ["192.0.2.1"] }),
      dial: (_, port) => {
        asked.push(port);
        return Promise.reject(Object.assign(new Error("no way there"), { code }));
      },
    };
    const answer = await askServer(unreachable, questionOf(shareOf()), new AbortController().signal);
    expect(answer).toEqual({ kind: "not-ready", reason: "port 2049 of 192.0.2.1: no way there" });
    expect(asked).toEqual([2_049]);
  },
);

describe("a server is ready", () => {
  test("when NFS 4 answers, and neither rpcbind nor mountd is asked", async () => {
    const network = server([3, 4], { "192.0.2.1:111": undefined });
    expect(await ask(network)).toEqual({ kind: "ready", unspoken: [], address: "192.0.2.1" });
    expect(network.actions).toEqual(["resolve nas", "192.0.2.1:2049 100003/4/0"]);
  });

  test("for version 3 when rpcbind, NFS 3 and mountd answer", async () => {
    const network = server([3]);
    expect(await ask(network, { NFS_VERSION: "3" })).toEqual({ kind: "ready", unspoken: [], address: "192.0.2.1" });
    expect(network.actions).toEqual([
      "resolve nas",
      "192.0.2.1:111 100000/2/3",
      "192.0.2.1:111 100000/2/3",
      "192.0.2.1:2049 100003/3/0",
      "192.0.2.1:20048 100005/3/0",
    ]);
  });

  test("for version 3 without rpcbind where both ports are given", async () => {
    const network = server([3], { "192.0.2.1:111": undefined, "192.0.2.1:892": serves(mountd, [3]) });
    const environment = { NFS_VERSION: "3", NFS_OPTIONS: "port=2049,mountport=892" };
    expect(await ask(network, environment)).toEqual({ kind: "ready", unspoken: [], address: "192.0.2.1" });
    expect(network.actions).not.toContain("192.0.2.1:111 refused");
  });

  test("when it says that it speaks version 3 only and the share may use it, and says which versions are out", async () => {
    expect(await ask(server([2, 3]))).toEqual({ kind: "ready", unspoken: ["4.2", "4.1", "4.0"], address: "192.0.2.1" });
  });

  test("when another port than 2049 serves version 3, which rpcbind knows", async () => {
    const network = server([], {
      "192.0.2.1:2049": undefined,
      "192.0.2.1:111": rpcbind({ ...v3, "100003/3/tcp": 20_490 }),
      "192.0.2.1:20490": serves(nfs, [3]),
    });
    expect(await ask(network)).toMatchObject({ kind: "ready", address: "192.0.2.1" });
  });

  test("in version 4 too when it comes up between two questions", async () => {
    let asked = 0;
    const network = server([]);
    const late: FakeNetwork = {
      ...network,
      dial: (address, port, signal) => {
        if (port === 2_049 && (asked += 1) === 1) return Promise.reject(new Error("connection refused"));
        return server([3, 4]).dial(address, port, signal);
      },
    };
    expect(await ask(late)).toEqual({ kind: "ready", unspoken: [], address: "192.0.2.1" });
  });

  test("when NFS 4 answers on the port of the options", async () => {
    const network = server([], { "192.0.2.1:2049": undefined, "192.0.2.1:2050": serves(nfs, [4]) });
    expect(await ask(network, { NFS_OPTIONS: "port=2050" })).toMatchObject({ kind: "ready" });
  });

  test("when mountd is registered for UDP only", async () => {
    const network = server([3], {
      "192.0.2.1:111": rpcbind({ "100003/3/tcp": 2_049, "100005/3/udp": 20_048 }),
      "192.0.2.1:20048": undefined,
    });
    expect(await ask(network, { NFS_VERSION: "3" })).toMatchObject({ kind: "ready" });
  });

  test("when mountd answers on the host that the options name", async () => {
    const services = {
      "192.0.2.1:2049": serves(nfs, [3]),
      "192.0.2.1:111": rpcbind({ "100003/3/tcp": 2_049 }),
      "192.0.2.9:111": rpcbind({ "100005/3/tcp": 20_048 }),
      "192.0.2.9:20048": serves(mountd, [3]),
    };
    const network = fakeNetwork(services, { nas: ["192.0.2.1"], gate: ["192.0.2.9"] });
    expect(await ask(network, { NFS_VERSION: "3", NFS_OPTIONS: "mounthost=gate" })).toMatchObject({
      kind: "ready",
      address: "192.0.2.1",
    });
  });

  test("when one of its addresses is, without waiting for the others", async () => {
    const network = fakeNetwork(
      { "192.0.2.7:2049": "silent", "2001:db8::1:2049": serves(nfs, [4]) },
      { nas: ["192.0.2.7", "2001:db8::1"] },
    );
    expect(await ask(network)).toEqual({ kind: "ready", unspoken: [], address: "2001:db8::1" });
    // The question to the silent one is given up, and its connection closed.
    await vi.waitFor(() => expect(network.open()).toBe(0));
  });

  test("when the address of the family that proto= asks for is", async () => {
    const names = { nas: ["192.0.2.1", "2001:db8::1"] };
    const network = fakeNetwork({ "2001:db8::1:2049": serves(nfs, [4]) }, names);
    expect(await ask(network, { NFS_OPTIONS: "proto=tcp6" })).toMatchObject({ kind: "ready", address: "2001:db8::1" });
    expect(network.actions).toEqual(["resolve nas", "2001:db8::1:2049 100003/4/0"]);
  });
});

describe("a server is not ready", () => {
  test.each<[string, FakeNetwork, Environment, RegExp]>([
    ["while its name is not known", fakeNetwork({}, {}), {}, /^cannot resolve nas: name not known$/],
    ["while its name has no address", fakeNetwork({}, { nas: [] }), {}, /nas has no/],
    [
      "while it has no address of the family that proto= asks for",
      server([3, 4]),
      { NFS_OPTIONS: "proto=tcp6" },
      /nas has no IPv6 address/,
    ],
    ["while nothing listens", fakeNetwork({}), { NFS_VERSION: "4" }, /^port 2049 of 192\.0\.2\.1: connection refused$/],
    ["while nothing listens on any port", fakeNetwork({}), {}, /^port 2049 of 192\.0\.2\.1: connection refused$/],
    [
      "while its port is open and says nothing of NFS",
      server([], { "192.0.2.1:2049": () => [new TextEncoder().encode("220 welcome\r\n")], "192.0.2.1:111": undefined }),
      {},
      /^port 2049 of 192\.0\.2\.1: /,
    ],
    [
      "while its port takes connections and closes them",
      server([], { "192.0.2.1:2049": () => ["end"] }),
      { NFS_VERSION: "4.2" },
      /closed the connection/,
    ],
    [
      "while another program answers",
      server([], { "192.0.2.1:2049": serves(mountd, [3]) }),
      { NFS_VERSION: "4.1" },
      /another service answers there/,
    ],
    [
      "while it refuses to answer",
      server([], { "192.0.2.1:2049": ({ xid }) => [fragment(words(xid, 1, 1, 1, 5))] }),
      { NFS_VERSION: "4.1" },
      /authentication refused/,
    ],
    ["while it speaks version 3 and the share asks for 4", server([3]), { NFS_VERSION: "4" }, /speaks NFS 3 only/],
    [
      "while it speaks versions 2 to 3 and the share asks for 4.1",
      server([2, 3]),
      { NFS_VERSION: "4.1" },
      /NFS 2 to 3 only/,
    ],
    [
      "while rpcbind is away",
      server([3], { "192.0.2.1:111": undefined }),
      { NFS_VERSION: "3" },
      /rpcbind: connection refused/,
    ],
    [
      "while rpcbind does not know NFS 3",
      server([3], { "192.0.2.1:111": rpcbind({ "100003/4/tcp": 2_049 }) }),
      { NFS_VERSION: "3" },
      /^NFS 3 of 192\.0\.2\.1: not registered with rpcbind$/,
    ],
    [
      "while rpcbind does not know mountd",
      server([3], { "192.0.2.1:111": rpcbind({ "100003/3/tcp": 2_049 }) }),
      { NFS_VERSION: "3" },
      /^mountd of 192\.0\.2\.1: not registered with rpcbind$/,
    ],
    [
      "while mountd does not answer",
      server([3], { "192.0.2.1:20048": undefined }),
      { NFS_VERSION: "3" },
      /^mountd of 192\.0\.2\.1: port 20048: connection refused$/,
    ],
    [
      "while mountd does not speak version 3",
      server([3], { "192.0.2.1:20048": serves(mountd, [1]) }),
      { NFS_VERSION: "3" },
      /speaks version 1 only/,
    ],
    [
      "while it speaks version 4 only and the share asks for 3",
      server([4]),
      { NFS_VERSION: "3" },
      /NFS 3 .*speaks version 4 only/,
    ],
    [
      "while it says that it speaks version 3 only and mountd is away",
      server([3], { "192.0.2.1:20048": undefined }),
      {},
      /^mountd of/,
    ],
    [
      "while nothing listens on the port of the options",
      server([3, 4]),
      { NFS_OPTIONS: "port=2050" },
      /^port 2050 of 192\.0\.2\.1: connection refused$/,
    ],
  ])("%s", async (_, network, environment, reason) => {
    expect(await ask(network, environment)).toEqual({
      kind: "not-ready",
      reason: expect.stringMatching(reason) as string,
    });
    expect(network.open()).toBe(0);
  });

  test("while nothing listens on the port of the options, and no other is asked", async () => {
    const network = server([3, 4]);
    await ask(network, { NFS_OPTIONS: "port=2050" });
    expect(network.actions).toEqual(["resolve nas", "192.0.2.1:2050 refused"]);
  });

  test("while it says nothing, until its time is over", async () => {
    const abort = new AbortController();
    const network = fakeNetwork({ "192.0.2.1:2049": "silent" });
    const asking = ask(network, {}, abort.signal);
    abort.abort();
    expect(await asking).toEqual({
      kind: "not-ready",
      reason: expect.stringContaining("no answer in time") as string,
    });
    expect(network.open()).toBe(0);
  });

  test("while none of its addresses is, for the first one's reason", async () => {
    const network = fakeNetwork({ "192.0.2.8:2049": () => ["end"] }, { nas: ["192.0.2.7", "192.0.2.8"] });
    expect(await ask(network, { NFS_VERSION: "4" })).toEqual({
      kind: "not-ready",
      reason: "port 2049 of 192.0.2.7: connection refused",
    });
  });
});

describe("the addresses for a mount", () => {
  const names = { nas: ["192.0.2.1"], gate: ["192.0.2.9", "192.0.2.10"] };

  test.each<[string, string, string | undefined, readonly string[]]>([
    ["hold no mountd where the options name none", "", undefined, []],
    ["hold no mountd where mounthost= is the server itself", "mounthost=nas", undefined, []],
    ["hold mountd's first where mounthost= names another", "mounthost=gate", "192.0.2.9", ["resolve gate"]],
    ["hold mountd's first where mountaddr= names another", "mountaddr=gate", "192.0.2.9", ["resolve gate"]],
    ["hold mountd's where mountaddr= is one", "mountaddr=192.0.2.77", "192.0.2.77", ["resolve 192.0.2.77"]],
    ["hold mountd's where that is IPv6", "mountaddr=2001:db8::9", "2001:db8::9", ["resolve 2001:db8::9"]],
  ])("%s", async (_, options, mountAddress, actions) => {
    const network = fakeNetwork({}, names);
    const question = questionOf(shareOf({ NFS_OPTIONS: options }));
    const found = await mountAddresses(network, question, { address: "192.0.2.1" }, "3", new AbortController().signal);
    expect(found).toEqual({ server: "192.0.2.1", mountd: mountAddress });
    expect(network.actions).toEqual(actions);
  });

  test("are the server's that answered, not the first of its name", async () => {
    const network = fakeNetwork(
      { "192.0.2.8:2049": serves(nfs, [4]) },
      { nas: ["192.0.2.7", "192.0.2.8"], gate: ["192.0.2.9"] },
    );
    const environment = { NFS_OPTIONS: "mounthost=gate" };
    const readiness = await ask(network, environment);
    if (readiness.kind !== "ready") throw new Error(readiness.reason);
    const question = questionOf(shareOf(environment));
    const found = await mountAddresses(network, question, readiness, "3", new AbortController().signal);
    expect(found).toEqual({ server: "192.0.2.8", mountd: "192.0.2.9" });
  });

  test("are none where mountd's name does not resolve", async () => {
    const question = questionOf(shareOf({ NFS_OPTIONS: "mounthost=nowhere" }));
    const network = fakeNetwork({}, names);
    const found = await mountAddresses(network, question, { address: "192.0.2.1" }, "3", new AbortController().signal);
    expect(found).toBe("cannot resolve mountaddr nowhere: name not known");
  });

  test("do not hold mountd's for version 4, which has none", async () => {
    const question = questionOf(shareOf({ NFS_OPTIONS: "mounthost=nowhere" }));
    const network = fakeNetwork({}, names);
    const found = await mountAddresses(
      network,
      question,
      { address: "192.0.2.1" },
      "4.2",
      new AbortController().signal,
    );
    expect(found).toEqual({ server: "192.0.2.1", mountd: undefined });
  });
});
