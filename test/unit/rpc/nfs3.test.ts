import { describe, expect, test } from "vitest";
import { rpcClient } from "../../../src/rpc/client.ts";
import { checkAccess } from "../../../src/rpc/nfs3.ts";
import { answers, fakeNetwork, hex, join, words, type SeenCall, type Service } from "../fakes/server.ts";

const never = new AbortController().signal;
const handle = hex("01 00 01 00  64 00 00");

function nfsThat(service: Service) {
  const calls: SeenCall[] = [];
  const network = fakeNetwork({
    "192.0.2.1:2049": (call) => {
      calls.push(call);
      return service(call);
    },
  });
  return { client: rpcClient(network.dial, { address: "192.0.2.1", port: 2_049 }), calls };
}

/** fattr3 of a directory with mode 02755, 4 links, user 1000, group 100. */
const attributes = hex(`
  00 00 00 02  00 00 05 ed  00 00 00 04  00 00 03 e8  00 00 00 64
  00 00 00 00 00 00 10 00  00 00 00 00 00 00 10 00  00 00 00 00 00 00 00 00
  00 00 00 00 00 00 00 64  00 00 00 00 00 00 00 02
  00 00 00 01 00 00 00 00  00 00 00 01 00 00 00 00  00 00 00 01 00 00 00 00
`);

const call = (procedure: string) => `
  00 00 00 00  00 00 00 02  00 01 86 a3  00 00 00 03  ${procedure}
  00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
  00 00 00 07  01 00 01 00  64 00 00 00
`;

describe("ACCESS", () => {
  test("tells what may be done with a file and whose it is", async () => {
    const { client, calls } = nfsThat((seen) => answers(seen, words(0, 1), attributes, words(0x04)));
    expect(await checkAccess(client, handle, never)).toEqual({
      kind: "access",
      access: { modify: true, extend: false },
      ownership: { mode: 0o2755, uid: 1_000, gid: 100 },
    });
    expect(calls[0]?.message.subarray(4)).toEqual(hex(`${call("00 00 00 04")} 00 00 00 0c`));
  });

  test("may come without attributes", async () => {
    const { client } = nfsThat((seen) => answers(seen, words(0, 0, 0x3c)));
    expect(await checkAccess(client, handle, never)).toEqual({
      kind: "access",
      access: { modify: true, extend: true },
      ownership: undefined,
    });
  });

  test.each([
    [13, "NFS3ERR_ACCES"],
    [70, "NFS3ERR_STALE"],
    [10_008, "NFS3ERR_JUKEBOX"],
    [12_345, "NFS3ERR_12345"],
  ])("says status %d as %s", async (code, status) => {
    const { client } = nfsThat((seen) => answers(seen, words(code, 0)));
    expect(await checkAccess(client, handle, never)).toEqual({ kind: "nfs-error", status });
  });

  test.each([
    ["attributes of no known type", join(words(0, 1, 8), attributes.subarray(4), words(1))],
    ["attributes that are cut off", join(words(0, 1), attributes.subarray(0, 80))],
    ["no answer behind its attributes", join(words(0, 1), attributes)],
    ["neither attributes nor none", words(0, 7, 1)],
  ])("is not believed with %s", async (_, result) => {
    const { client } = nfsThat((seen) => answers(seen, result));
    expect((await checkAccess(client, handle, never)).kind).toBe("malformed");
  });
});
