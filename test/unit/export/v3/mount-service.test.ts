import { describe, expect, test } from "vitest";
import { mountService, normalizePath, type MountPort } from "../../../../src/export/v3/mount-service.ts";
import type { Caller } from "../../../../src/rpc/service.ts";
import { opaque, words } from "../../fakes/server.ts";
import { ask, client, garbage, overUdp, result, somebody, tooWeak } from "./asked.ts";

const handle = Uint8Array.from({ length: 28 }, (_, at) => at);

/** /srv/data for 192.0.2.7, with a handle of as many bytes as are asked for where it is /srv/data/long. */
function served() {
  const seen: unknown[] = [];
  const port: MountPort = {
    allow: (from, path) => {
      seen.push({ from, path });
      if (from.address !== "192.0.2.7" && from.address !== "127.0.0.1")
        return Promise.resolve({ kind: "mount-error", status: "ACCES" });
      return Promise.resolve({ kind: "allowed", domain: "lan", path: `/root${path}` });
    },
    fileHandle: (domain, path, mostBytes) => {
      seen.push({ domain, path, mostBytes });
      if (path.endsWith("/gone")) return Promise.resolve({ kind: "mount-error", status: "NOENT" });
      return Promise.resolve({ kind: "handle", handle: path.endsWith("/long") ? new Uint8Array(64) : handle });
    },
    exports: () => [
      { path: "/srv/data", clients: ["192.0.2.0/24", "nas"] },
      { path: "/srv/all", clients: [] },
    ],
  };
  const program = mountService(port);
  const call = (version: number, procedure: number, args: readonly Uint8Array[] = [], caller: Caller = client) =>
    ask(program, { version, procedure, args }, caller);
  return { seen, call };
}

const list = 2;

describe("MNT", () => {
  test("gives the handle that the kernel has for the client, and AUTH_SYS", async () => {
    const { seen, call } = served();
    const reply = await call(3, 1, [opaque("/srv/data")]);
    expect(reply).toEqual(result(words(0), opaque(handle), words(1, 1)));
    expect(seen).toEqual([
      { from: { address: "192.0.2.7", port: 800 }, path: "/srv/data" },
      { domain: "lan", path: "/root/srv/data", mostBytes: 64 },
    ]);
  });

  test.each([1, 2])("gives one of 32 bytes in version %i, and none that is longer", async (version) => {
    const { call } = served();
    expect(await call(version, 1, [opaque("/srv/data")])).toEqual(result(words(0), handle, words(0)));
    expect(await call(version, 1, [opaque("/srv/data/long")])).toEqual(result(words(10_004)));
  });

  test("a client that may not have it, and what is not there, get their errors", async () => {
    const { call } = served();
    expect(await call(3, 1, [opaque("/srv/data")], { ...client, address: "203.0.113.1" })).toEqual(result(words(13)));
    expect(await call(3, 1, [opaque("/srv/gone")])).toEqual(result(words(2)));
  });

  test("a path that is none is not even asked for", async () => {
    const { seen, call } = served();
    for (const path of ["", "srv/data", "/srv/data/../../etc", "/srv/\0data"])
      expect(await call(3, 1, [opaque(path)])).toEqual(result(words(13)));
    expect(await call(3, 1, [opaque(`/${"x".repeat(1_024)}`)])).toEqual(garbage);
    expect(seen).toEqual([]);
  });

  test("the longest handle fits into a datagram to a stranger", async () => {
    const reply = await served().call(3, 1, [opaque("/srv/data/long")], overUdp(client));
    expect(reply).toEqual(result(words(0), opaque(new Uint8Array(64)), words(1, 1)));
  });
});

describe("the list of who has mounted what", () => {
  const entry = (address: string, path: string) => [words(1), opaque(address), opaque(path)];

  test("grows by MNT and shrinks by UMNT and UMNTALL, each for its own client", async () => {
    const { call } = served();
    for (const path of ["/srv/data", "/srv/data/sub", "/srv/data", "/srv/gone"]) await call(3, 1, [opaque(path)]);
    await call(3, 1, [opaque("/srv/data")], somebody);
    const both = [...entry("192.0.2.7", "/srv/data"), ...entry("192.0.2.7", "/srv/data/sub")];
    expect(await call(3, list)).toEqual(result(...both, ...entry("127.0.0.1", "/srv/data"), words(0)));
    expect(await call(1, 3, [opaque("/srv/data")])).toEqual(result());
    await call(3, 3, [opaque("/srv/data")], { ...client, address: "192.0.2.8" });
    expect(await call(3, list)).toEqual(
      result(...entry("192.0.2.7", "/srv/data/sub"), ...entry("127.0.0.1", "/srv/data"), words(0)),
    );
    expect(await call(3, 4)).toEqual(result());
    expect(await call(3, list)).toEqual(result(...entry("127.0.0.1", "/srv/data"), words(0)));
  });

  test("has an end: the oldest leave", async () => {
    const { call } = served();
    for (let count = 0; count <= 1_024; count++) await call(3, 1, [opaque(`/${count}`)]);
    const reply = await call(3, list);
    const text = "result" in reply ? String.fromCharCode(...reply.result) : "";
    expect(text.match(/192\.0\.2\.7/g)).toHaveLength(1_024);
    expect([text.includes("/0\0"), text.includes("/1024")]).toEqual([false, true]);
  });
});

test("EXPORT tells what is exported to whom", async () => {
  const { call } = served();
  const groups = [words(1), opaque("192.0.2.0/24"), words(1), opaque("nas"), words(0)];
  const lines = [words(1), opaque("/srv/data"), ...groups, words(1), opaque("/srv/all"), words(0), words(0)];
  for (const version of [1, 2, 3]) expect(await call(version, 5)).toEqual(result(...lines));
});

test("lists are not for datagrams of strangers", async () => {
  const { call } = served();
  expect(await call(3, 5, [], overUdp(client))).toEqual(tooWeak);
  expect(await call(3, list, [], overUdp(client))).toEqual(tooWeak);
  expect(await call(3, 5, [], overUdp(somebody))).toHaveProperty("result");
});

test.each([
  ["/", "/"],
  ["/srv//data/", "/srv/data"],
  ["/srv/./data", "/srv/data"],
  ["/srv/..data", "/srv/..data"],
  ["//", "/"],
  ["/..", undefined],
  ["srv", undefined],
])("the path %j is %j", (path, normal) => {
  expect(normalizePath(path)).toBe(normal);
});
