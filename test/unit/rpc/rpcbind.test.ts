import { describe, expect, test } from "vitest";
import { rpcClient } from "../../../src/rpc/client.ts";
import { dumpPorts, getPort } from "../../../src/rpc/rpcbind.ts";
import {
  accepted,
  answers,
  fakeNetwork,
  fragment,
  hex,
  join,
  opaque,
  words,
  type SeenCall,
  type Service,
} from "../fakes/server.ts";

const portmapper = 100_000;
const mountd = 100_005;
const never = new AbortController().signal;

/** A client of rpcbind at `address`, with the calls that it made. */
function rpcbindAt(address: string, service: Service) {
  const calls: SeenCall[] = [];
  const network = fakeNetwork({
    [`${address}:111`]: (call) => {
      calls.push(call);
      return service(call);
    },
  });
  return { client: rpcClient(network.dial, { address, port: 111 }), calls, network };
}

describe("over IPv4 the port of a program", () => {
  const wanted = { program: mountd, version: 3, transport: "udp" } as const;

  test("is asked for with GETPORT of version 2", async () => {
    const { client, calls } = rpcbindAt("192.0.2.1", (call) => answers(call, words(20_048)));
    expect(await getPort(client, wanted, never)).toEqual({ kind: "port", port: 20_048 });
    expect(calls[0]?.message.subarray(4)).toEqual(
      hex(`
        00 00 00 00  00 00 00 02  00 01 86 a0  00 00 00 02  00 00 00 03
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
        00 01 86 a5  00 00 00 03  00 00 00 11  00 00 00 00
      `),
    );
  });

  test("is none where it is 0", async () => {
    const { client } = rpcbindAt("192.0.2.1", (call) => answers(call, words(0)));
    expect(await getPort(client, wanted, never)).toEqual({ kind: "not-registered" });
  });

  test.each([
    ["is no port", words(65_536), "names port 65536"],
    ["is missing", new Uint8Array(0), "ends after"],
  ])("is not believed when it %s", async (_, result, reason) => {
    const { client } = rpcbindAt("192.0.2.1", (call) => answers(call, result));
    const answer = await getPort(client, wanted, never);
    expect(answer).toEqual({ kind: "malformed", reason: expect.stringContaining(reason) as string });
  });
});

describe("over IPv6 the port of a program", () => {
  const wanted = { program: mountd, version: 3, transport: "tcp" } as const;

  test("is asked for with GETADDR of version 4", async () => {
    const { client, calls } = rpcbindAt("2001:db8::1", (call) => answers(call, opaque("::.78.80")));
    expect(await getPort(client, wanted, never)).toEqual({ kind: "port", port: 78 * 256 + 80 });
    expect(calls).toHaveLength(1);
    expect(calls[0]?.message.subarray(4)).toEqual(
      hex(`
        00 00 00 00  00 00 00 02  00 01 86 a0  00 00 00 04  00 00 00 03
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
        00 01 86 a5  00 00 00 03  00 00 00 04  74 63 70 36  00 00 00 00  00 00 00 00
      `),
    );
  });

  test("is asked for in version 3 where that is the server's newest", async () => {
    const { client, calls } = rpcbindAt("2001:db8::1", (call) =>
      call.version === 3 ? answers(call, opaque("2001:db8::1.8.1")) : [fragment(accepted(call.xid, 2, 2, 3))],
    );
    expect(await getPort(client, wanted, never)).toEqual({ kind: "port", port: 2_049 });
    expect(calls.map(({ version }) => version)).toEqual([4, 3]);
  });

  test("is none where the address is empty", async () => {
    const { client } = rpcbindAt("2001:db8::1", (call) => answers(call, opaque("")));
    expect(await getPort(client, wanted, never)).toEqual({ kind: "not-registered" });
  });

  test.each(["2001:db8::1", "::.8", "::.256.1", "::.1.256", "::.0.0", "::.8.1.", "::.1111.1", "x"])(
    "is not found in the address %j",
    async (address) => {
      const { client } = rpcbindAt("2001:db8::1", (call) => answers(call, opaque(address)));
      expect((await getPort(client, wanted, never)).kind).toBe("malformed");
    },
  );

  test("is not found in an address that is too long", async () => {
    const { client } = rpcbindAt("2001:db8::1", (call) => answers(call, opaque(`${"1".repeat(252)}.8.1`)));
    expect((await getPort(client, wanted, never)).kind).toBe("malformed");
  });
});

describe("the list of programs", () => {
  test("is read over IPv4 with DUMP of version 2", async () => {
    const list = hex(`
      00 00 00 01  00 01 86 a0  00 00 00 02  00 00 00 06  00 00 00 6f
      00 00 00 01  00 01 86 a3  00 00 00 03  00 00 00 11  00 00 08 01
      00 00 00 01  00 01 86 a3  00 00 00 03  00 00 00 84  00 00 08 01
      00 00 00 00
    `);
    const { client, calls } = rpcbindAt("192.0.2.1", (call) => answers(call, list));
    expect(await dumpPorts(client, never)).toEqual({
      kind: "ports",
      ports: [
        { program: portmapper, version: 2, transport: "tcp", port: 111 },
        { program: 100_003, version: 3, transport: "udp", port: 2_049 },
      ],
    });
    expect(calls[0]).toMatchObject({ program: portmapper, version: 2, procedure: 4, args: [] });
  });

  test("is read over IPv6 with DUMP of version 4, and holds what IPv6 reaches", async () => {
    const entry = (program: number, version: number, netid: string, address: string) =>
      join(words(1, program, version), opaque(netid), opaque(address), opaque("superuser"));
    const list = join(
      entry(portmapper, 4, "local", "/run/rpcbind.sock"),
      entry(mountd, 3, "tcp", "0.0.0.0.78.80"),
      entry(mountd, 3, "tcp6", "::.78.80"),
      entry(mountd, 3, "udp6", "::.78.81"),
      words(0),
    );
    const { client, calls } = rpcbindAt("2001:db8::1", (call) => answers(call, list));
    expect(await dumpPorts(client, never)).toEqual({
      kind: "ports",
      ports: [
        { program: mountd, version: 3, transport: "tcp", port: 20_048 },
        { program: mountd, version: 3, transport: "udp", port: 20_049 },
      ],
    });
    expect(calls[0]).toMatchObject({ program: portmapper, version: 4, procedure: 4, args: [] });
  });

  test("may be long", async () => {
    const list = join(...Array.from({ length: 10_000 }, () => words(1, 100_003, 3, 6, 2_049)), words(0));
    const { client } = rpcbindAt("192.0.2.1", (call) => answers(call, list));
    const answer = await dumpPorts(client, never);
    expect(answer.kind === "ports" && answer.ports.length).toBe(10_000);
  });

  test.each([
    ["too many entries", join(...Array.from({ length: 16_385 }, () => words(1, 1, 1, 6, 1)), words(0)), "more than"],
    ["no end", words(1, 1, 1, 6, 1), "ends after"],
    ["half an entry", words(1, 1, 1), "ends after"],
    ["neither an end nor an entry", words(2), "where yes or no is expected"],
    ["more than a megabyte", new Uint8Array(1024 * 1024), "announces a record"],
  ])("is not believed with %s", async (_, list, reason) => {
    const { client, network } = rpcbindAt("192.0.2.1", (call) => answers(call, list));
    const answer = await dumpPorts(client, never);
    expect(answer).toEqual({ kind: "malformed", reason: expect.stringContaining(reason) as string });
    client.close();
    expect(network.open()).toBe(0);
  });
});
