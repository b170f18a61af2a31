import { describe, expect, test } from "vitest";
import {
  parseUniversalAddress,
  portmapper,
  registry,
  universalAddress,
  type Registration,
} from "../../../../src/export/v3/portmapper.ts";
import { MalformedMessage } from "../../../../src/rpc/xdr.ts";
import type { Caller } from "../../../../src/rpc/service.ts";
import { opaque, words } from "../../fakes/server.ts";
import { ask, client, client6, garbage, kernel, overUdp, result, somebody, tooWeak } from "./asked.ts";

const nfs: Registration = { program: 100_003, version: 3, netid: "tcp", address: "", port: 2_049 };
const nfs6: Registration = { ...nfs, netid: "tcp6" };
const mountd: Registration = { program: 100_005, version: 3, netid: "udp", address: "192.0.2.9", port: 20_048 };

function served(...registrations: readonly Registration[]) {
  const registered = registry();
  for (const one of registrations) registered.set(one);
  const program = portmapper(registered, () => 1_700_000_000_500);
  const call = (version: number, procedure: number, caller: Caller, ...args: readonly Uint8Array[]) =>
    ask(program, { version, procedure, args }, caller);
  return { registered, call };
}

const rpcb = (program: number, version: number, netid: string, address = "") => [
  words(program, version),
  opaque(netid),
  opaque(address),
  opaque("0"),
];

describe("registering", () => {
  test("the kernel's SET and UNSET of version 2 change the table", async () => {
    const { registered, call } = served();
    expect(await call(2, 1, kernel, words(100_003, 3, 6, 2_049))).toEqual(result(words(1)));
    expect(registered.list()).toEqual([nfs]);
    expect(await call(2, 2, kernel, words(100_003, 3, 0, 0))).toEqual(result(words(1)));
    expect(registered.list()).toEqual([]);
    expect(await call(2, 2, kernel, words(100_003, 3, 0, 0))).toEqual(result(words(0)));
  });

  test("those of version 4 know the transport, and an address of one's own", async () => {
    const { registered, call } = served();
    expect(await call(4, 1, kernel, ...rpcb(100_003, 3, "tcp6", "::.8.1"))).toEqual(result(words(1)));
    expect(await call(4, 1, kernel, ...rpcb(100_003, 3, "tcp", "0.0.0.0.8.1"))).toEqual(result(words(1)));
    expect(await call(4, 1, kernel, ...rpcb(100_005, 3, "udp", "192.0.2.9.78.80"))).toEqual(result(words(1)));
    expect(registered.list()).toEqual([nfs6, nfs, mountd]);
    expect(await call(4, 2, kernel, ...rpcb(100_003, 3, "tcp6", "::.0.0"))).toEqual(result(words(1)));
    expect(registered.list()).toEqual([nfs, mountd]);
    // No transport means all of them.
    expect(await call(4, 2, kernel, ...rpcb(100_003, 3, ""))).toEqual(result(words(1)));
    expect(registered.list()).toEqual([mountd]);
  });

  test("another port for what is registered is refused, the same one is not", async () => {
    const { call } = served(nfs);
    expect(await call(2, 1, kernel, words(100_003, 3, 6, 2_050))).toEqual(result(words(0)));
    expect(await call(2, 1, kernel, words(100_003, 3, 6, 2_049))).toEqual(result(words(1)));
  });

  test.each([
    ["a stranger", { ...client, port: 700 }],
    ["a process that is not root's", somebody],
    ["a datagram that is not root's", overUdp(somebody)],
  ])("%s may change nothing", async (_name, caller) => {
    const { registered, call } = served(nfs);
    expect(await call(2, 1, caller, words(100_005, 3, 6, 9))).toEqual(tooWeak);
    expect(await call(2, 2, caller, words(100_003, 3, 6, 0))).toEqual(tooWeak);
    expect(await call(4, 1, caller, ...rpcb(100_005, 3, "tcp", "0.0.0.0.0.9"))).toEqual(tooWeak);
    expect(await call(4, 2, caller, ...rpcb(100_003, 3, ""))).toEqual(tooWeak);
    expect(registered.list()).toEqual([nfs]);
  });

  test.each([
    ["no port", 2, [words(100_005, 3, 6, 0)]],
    ["a port that is none", 2, [words(100_005, 3, 6, 65_536)]],
    ["another protocol than TCP and UDP", 2, [words(100_005, 3, 132, 9)]],
    ["an unknown transport", 4, rpcb(100_005, 3, "sctp", "0.0.0.0.0.9")],
    ["no address", 4, rpcb(100_005, 3, "tcp")],
  ])("%s registers nothing", async (_name, version, args) => {
    const { registered, call } = served();
    expect(await call(version, 1, kernel, ...args)).toEqual(result(words(0)));
    expect(registered.list()).toEqual([]);
  });

  test("UNSET of a transport that is not known takes nothing away", async () => {
    const { registered, call } = served(nfs);
    expect(await call(4, 2, kernel, ...rpcb(100_003, 3, "sctp"))).toEqual(result(words(0)));
    expect(registered.list()).toEqual([nfs]);
  });

  test("an address that is none is garbage", async () => {
    expect(await served().call(4, 1, kernel, ...rpcb(100_005, 3, "tcp", "nowhere"))).toEqual(garbage);
  });

  test("the table has an end", async () => {
    const { registered, call } = served();
    for (let program = 0; program < 600; program++) await call(2, 1, kernel, words(program, 1, 6, 9));
    expect(registered.list()).toHaveLength(512);
    expect(await call(2, 1, kernel, words(599, 1, 6, 9))).toEqual(result(words(0)));
  });
});

describe("asking", () => {
  const { call } = served(nfs, nfs6, mountd);
  const asked: readonly (readonly [string, number, number, Caller, readonly Uint8Array[], Uint8Array])[] = [
    ["GETPORT", 2, 3, client, [words(100_003, 3, 6, 0)], words(2_049)],
    ["GETPORT of another version than is there", 2, 3, client, [words(100_003, 4, 6, 0)], words(2_049)],
    ["GETPORT of another transport", 2, 3, client, [words(100_003, 3, 17, 0)], words(0)],
    ["GETPORT of nothing that is there", 2, 3, client, [words(100_024, 1, 6, 0)], words(0)],
    ["GETADDR: where the caller has reached us", 3, 3, client, rpcb(100_003, 3, "tcp"), opaque("192.0.2.1.8.1")],
    ["GETADDR over IPv6", 4, 3, client6, rpcb(100_003, 3, "tcp6"), opaque("2001:db8::1.8.1")],
    ["GETADDR of an address of its own", 4, 3, client, rpcb(100_005, 3, "udp"), opaque("192.0.2.9.78.80")],
    ["GETADDR for IPv6 by one who came by IPv4", 4, 3, client, rpcb(100_003, 3, "tcp6"), opaque("192.0.2.1.8.1")],
    ["GETADDR of nothing that is there", 4, 3, client, rpcb(100_024, 1, "tcp"), opaque("")],
    ["GETVERSADDR", 4, 9, client, rpcb(100_003, 3, "tcp"), opaque("192.0.2.1.8.1")],
    ["GETVERSADDR of another version", 4, 9, client, rpcb(100_003, 4, "tcp"), opaque("")],
    ["GETTIME", 3, 6, client, [], words(1_700_000_000)],
    [
      "DUMP of version 2, which has no word for IPv6",
      2,
      4,
      client,
      [],
      words(1, 100_003, 3, 6, 2_049, 1, 100_005, 3, 17, 20_048, 0),
    ],
  ];
  test.each(asked)("%s", async (_name, version, procedure, caller, args, expected) => {
    expect(await call(version, procedure, caller, ...args)).toEqual(result(expected));
  });

  test("DUMP of version 4 tells addresses", async () => {
    const entry = (version: number, netid: string, address: string) => [
      words(1, 100_003, version),
      opaque(netid),
      opaque(address),
      opaque("superuser"),
    ];
    const some = served(nfs, nfs6);
    expect(await some.call(4, 4, client)).toEqual(
      result(...entry(3, "tcp", "0.0.0.0.8.1"), ...entry(3, "tcp6", "::.8.1"), words(0)),
    );
  });

  test("DUMP is not for datagrams, but for those of this machine", async () => {
    expect(await call(2, 4, overUdp(client))).toEqual(tooWeak);
    expect(await call(4, 4, overUdp(client))).toEqual(tooWeak);
    expect(await call(2, 4, overUdp(somebody))).toHaveProperty("result");
  });

  test("calls on others' behalf are not made: CALLIT, BCAST, INDIRECT", async () => {
    const unavailable = { refused: [0, 0, 0, 3] };
    expect(await call(2, 5, client, words(100_003, 3, 0), opaque(""))).toEqual(unavailable);
    expect(await call(4, 5, client, words(100_003, 3, 0), opaque(""))).toEqual(unavailable);
    expect(await call(4, 10, client, words(100_003, 3, 0), opaque(""))).toEqual(unavailable);
  });
});

describe("a universal address", () => {
  test.each([
    ["192.0.2.1.8.1", { address: "192.0.2.1", port: 2_049 }],
    ["2001:db8::1.0.111", { address: "2001:db8::1", port: 111 }],
    ["0.0.0.0.255.255", { address: "", port: 65_535 }],
    ["::.8.1", { address: "", port: 2_049 }],
    ["", { address: "", port: 0 }],
  ])("%s", (text, parsed) => {
    expect(parseUniversalAddress(text)).toEqual(parsed);
  });

  test.each(["x", "192.0.2.1", "192.0.2.1.256.1", "192.0.2.1.-1.1", "nas.8.1", "1.2.3.4.5"])("%s is none", (text) => {
    expect(() => parseUniversalAddress(text)).toThrow(MalformedMessage);
  });

  test("is an address and two more numbers", () => {
    expect(universalAddress("192.0.2.1", 20_048)).toBe("192.0.2.1.78.80");
  });
});
