import { describe, expect, test } from "vitest";
import { askExports, askMinorVersions, root, type Asker } from "../../../src/ask/path.ts";
import { timeNull } from "../../../src/ask/service.ts";
import { answers, fakeNetwork, opaque, serves, words, type Service } from "../fakes/server.ts";

const never = new AbortController().signal;
const asker: Asker = { address: "192.0.2.1", port: 2_049, user: root, reserved: true };

/** NFS of version 4 that turns away all minor versions but one, of which it says that the path is not there. */
const speaking =
  (minor: number): Service =>
  (call) =>
    call.args[1] === minor ? answers(call, words(2, 0, 0)) : answers(call, words(10_021, 0, 0));

describe("the minor versions", () => {
  const ask = (minor: number) => {
    let limits = 0;
    const network = fakeNetwork({ "192.0.2.1:2049": speaking(minor) });
    const limit = () => {
      limits += 1;
      return never;
    };
    const answer = askMinorVersions(network.dial, asker, "/export", [2, 1, 0], limit);
    return answer.then((given) => ({ given, limits, network }));
  };

  test("are asked one after another until one is spoken, each question within its own time", async () => {
    const { given, limits, network } = await ask(1);
    expect(given).toMatchObject({
      unspoken: [2],
      spoken: { minorVersion: 1, answer: { kind: "nfs-error", status: "NFS4ERR_NOENT", reservedPort: true } },
    });
    expect(limits).toBe(2);
    expect(network.open()).toBe(0);
  });

  test("may all be turned away", async () => {
    expect((await ask(7)).given).toEqual({ unspoken: [2, 1, 0], spoken: undefined });
  });
});

test("the export list is asked for as nobody, from any port", async () => {
  const network = fakeNetwork({ "192.0.2.1:20048": (call) => answers(call, words(1), opaque("/export"), words(0, 0)) });
  const exports = await askExports(network.dial, { address: "192.0.2.1", port: 20_048 }, never);
  expect(exports).toEqual({ kind: "exports", exports: [{ directory: "/export", groups: [] }] });
  expect(network.dialed).toEqual(["192.0.2.1:20048"]);
});

test("a round trip is the median of three, the connection not counted", async () => {
  const network = fakeNetwork({ "192.0.2.1:2049": serves(100_003, [4]) });
  // Begin and end of four calls, which take 9, 3, 1 and 2 ms.
  const times = [0, 9, 10, 13, 20, 21, 30, 32];
  const service = { address: "192.0.2.1", port: 2_049, program: 100_003, version: 4 };
  const answer = await timeNull(network.dial, service, () => times.shift() ?? 0, never);
  expect(answer).toEqual({ kind: "success", roundTripMs: 2 });
  expect(network.dialed).toHaveLength(1);
});
