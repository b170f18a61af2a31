import { describe, expect, test } from "vitest";
import { rpcClient } from "../../../src/rpc/client.ts";
import { listExports, mountPath, unmountPath } from "../../../src/rpc/mountd.ts";
import {
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

const never = new AbortController().signal;

/** A client of mountd as root of web-1, with the calls that it made. */
function mountdThat(service: Service) {
  const calls: SeenCall[] = [];
  const network = fakeNetwork({
    "192.0.2.1:20048": (call) => {
      calls.push(call);
      return service(call);
    },
  });
  const credential = { kind: "sys", machineName: "web-1", uid: 0, gid: 0 } as const;
  const client = rpcClient(network.dial, { address: "192.0.2.1", port: 20_048, reserved: true, credential });
  return { client, calls, network };
}

/** The call as RFC 5531 writes it, behind its xid: a call of root of web-1 to MOUNT version 3. */
const asRoot = (procedure: string) => `
  00 00 00 00  00 00 00 02  00 01 86 a5  00 00 00 03  ${procedure}
  00 00 00 01  00 00 00 1c
    00 00 00 00  00 00 00 05  77 65 62 2d  31 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
  00 00 00 00  00 00 00 00
`;

describe("EXPORT", () => {
  test("lists directories and who may mount them", async () => {
    const { client, calls } = mountdThat((call) =>
      answers(
        call,
        hex(`
          00 00 00 01  00 00 00 08  2f 73 72 76  2f 65 78 70
            00 00 00 01  00 00 00 01  2a 00 00 00
            00 00 00 00
          00 00 00 01  00 00 00 05  2f 64 61 74  61 00 00 00
            00 00 00 01  00 00 00 0a  31 30 2e 30  2e 30 2e 30  2f 38 00 00
            00 00 00 01  00 00 00 04  40 77 65 62
            00 00 00 00
          00 00 00 01  00 00 00 01  2f 00 00 00
            00 00 00 00
          00 00 00 00
        `),
      ),
    );
    expect(await listExports(client, never)).toEqual({
      kind: "exports",
      exports: [
        { directory: "/srv/exp", groups: ["*"] },
        { directory: "/data", groups: ["10.0.0.0/8", "@web"] },
        { directory: "/", groups: [] },
      ],
    });
    expect(calls[0]?.message.subarray(4)).toEqual(hex(asRoot("00 00 00 05")));
  });

  test("may list nothing", async () => {
    const { client } = mountdThat((call) => answers(call, words(0)));
    expect(await listExports(client, never)).toEqual({ kind: "exports", exports: [] });
  });

  test("shows a path that is no UTF-8, and one that begins with a byte order mark", async () => {
    const raw = hex("2f ff 61");
    const { client } = mountdThat((call) =>
      answers(call, words(1), opaque(raw), words(0, 1), opaque("\uFEFF/a"), words(0, 0)),
    );
    expect(await listExports(client, never)).toMatchObject({
      exports: [{ directory: "/\uFFFDa" }, { directory: "\uFEFF/a" }],
    });
  });

  const group = (text: string) => join(words(1), opaque(text));
  test.each([
    ["a directory of 1025 bytes", join(words(1), opaque("/".repeat(1_025)), words(0, 0))],
    ["a group of 256 bytes", join(words(1), opaque("/a"), group("g".repeat(256)), words(0, 0))],
    ["a directory of four gigabytes", join(words(1, 0xffff_ffff))],
    ["groups without an end", join(words(1), opaque("/a"), group("*"))],
    ["exports without an end", join(words(1), opaque("/a"), words(0))],
    ["padding that is missing", join(words(1, 1), hex("2f"))],
    ["more groups than anybody has", join(words(1), opaque("/a"), ...Array.from({ length: 16_385 }, () => group("")))],
  ])("is not believed with %s", async (_, result) => {
    const { client } = mountdThat((call) => answers(call, result));
    expect((await listExports(client, never)).kind).toBe("malformed");
  });

  test("takes the longest directory and group", async () => {
    const directory = "d".repeat(1_024);
    const { client } = mountdThat((call) =>
      answers(call, words(1), opaque(directory), group("g".repeat(255)), words(0, 0)),
    );
    expect(await listExports(client, never)).toEqual({
      kind: "exports",
      exports: [{ directory, groups: ["g".repeat(255)] }],
    });
  });
});

describe("MNT", () => {
  test("gives a handle and what the export takes as authentication", async () => {
    const { client, calls } = mountdThat((call) =>
      answers(call, hex("00 00 00 00  00 00 00 06  01 02 03 04  05 06 00 00  00 00 00 02  00 00 00 01  00 05 f3 73")),
    );
    expect(await mountPath(client, "/srv/exp", never)).toEqual({
      kind: "mounted",
      handle: Uint8Array.of(1, 2, 3, 4, 5, 6),
      flavors: [1, 390_003],
    });
    expect(calls[0]?.message.subarray(4)).toEqual(
      hex(`${asRoot("00 00 00 01")} 00 00 00 08  2f 73 72 76  2f 65 78 70`),
    );
  });

  test.each([
    [1, "MNT3ERR_PERM"],
    [2, "MNT3ERR_NOENT"],
    [5, "MNT3ERR_IO"],
    [13, "MNT3ERR_ACCES"],
    [20, "MNT3ERR_NOTDIR"],
    [22, "MNT3ERR_INVAL"],
    [63, "MNT3ERR_NAMETOOLONG"],
    [10_004, "MNT3ERR_NOTSUPP"],
    [10_006, "MNT3ERR_SERVERFAULT"],
    [116, "MNT3ERR_116"],
  ])("says status %d as %s", async (code, status) => {
    const { client } = mountdThat((call) => answers(call, words(code)));
    expect(await mountPath(client, "/srv/exp", never)).toEqual({ kind: "mount-error", status });
  });

  test.each([
    ["no handle", words(0)],
    ["an empty handle", words(0, 0, 0)],
    ["a handle of 65 bytes", join(words(0), opaque(new Uint8Array(65)), words(0))],
    ["no flavors", join(words(0), opaque(new Uint8Array(8)))],
    ["fewer flavors than announced", join(words(0), opaque(new Uint8Array(8)), words(2, 1))],
    ["65 flavors", join(words(0), opaque(new Uint8Array(8)), words(65, ...Array.from({ length: 65 }, () => 1)))],
    ["four billion flavors", join(words(0), opaque(new Uint8Array(8)), words(0xffff_ffff, 1))],
  ])("is not believed with %s", async (_, result) => {
    const { client } = mountdThat((call) => answers(call, result));
    expect((await mountPath(client, "/srv/exp", never)).kind).toBe("malformed");
  });

  test("is undone by UMNT over the same connection", async () => {
    const { client, calls, network } = mountdThat((call) =>
      call.procedure === 1 ? answers(call, words(0), opaque(Uint8Array.of(1)), words(0)) : answers(call),
    );
    await mountPath(client, "/data", never);
    expect(await unmountPath(client, "/data", never)).toEqual({ kind: "unmounted" });
    expect(calls[1]?.message.subarray(4)).toEqual(
      hex(`${asRoot("00 00 00 03")} 00 00 00 05  2f 64 61 74  61 00 00 00`),
    );
    expect(network.dialed).toEqual(["192.0.2.1:20048 reserved"]);
    client.close();
    expect(network.open()).toBe(0);
  });

  test("tells that the server does not take the credential", async () => {
    const { client } = mountdThat(({ xid }) => [fragment(words(xid, 1, 1, 1, 5))]);
    expect(await mountPath(client, "/data", never)).toMatchObject({ kind: "refused", stat: "AUTH_TOOWEAK" });
  });
});
