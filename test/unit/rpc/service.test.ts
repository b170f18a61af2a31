import { describe, expect, test } from "vitest";
import {
  answerCall,
  isLocal,
  isPrivileged,
  longestDatagramReplyBytes,
  type Caller,
  type Procedure,
  type RpcProgram,
} from "../../../src/rpc/service.ts";
import { MalformedMessage } from "../../../src/rpc/xdr.ts";
import { accepted, join, opaque, words } from "../fakes/server.ts";

const stranger: Caller = { transport: "tcp", address: "192.0.2.7", port: 40_000, ownAddress: "192.0.2.1" };

/** Adds two numbers; 2 gives as many bytes as it is asked for, 3 is for the privileged, 4 breaks. */
const adder: RpcProgram = {
  program: 300_000,
  versions: new Map<number, ReadonlyMap<number, Procedure>>([
    [
      2,
      new Map<number, Procedure>([
        [1, (args) => words(args.uint32() + args.uint32())],
        [2, (args) => Promise.resolve(new Uint8Array(args.uint32()))],
        [3, () => "refused" as const],
        [
          4,
          () => {
            throw new Error("a fault");
          },
        ],
        [5, () => Promise.reject(new MalformedMessage("late"))],
      ]),
    ],
    [4, new Map()],
  ]),
};

const none = words(0, 0);
/** A call with AUTH_NONE, by RFC 5531 section 9. */
function call(procedure: number, args: Uint8Array = new Uint8Array(0), version = 2, program = 300_000): Uint8Array {
  return join(words(7, 0, 2, program, version, procedure), none, none, args);
}

async function answer(message: Uint8Array, caller = stranger) {
  const faults: unknown[] = [];
  const reply = await answerCall([adder], message, caller, (error) => faults.push(error));
  return { reply: reply === undefined ? undefined : [...reply], faults };
}

const bytes = (...parts: readonly Uint8Array[]) => [...join(...parts)];

describe("a call is answered as RFC 5531 section 9 says", () => {
  test.each([
    ["a result", call(1, words(2, 3)), bytes(accepted(7, 0), words(5))],
    ["NULL, which every version has", call(0), bytes(accepted(7, 0))],
    ["NULL of a version without procedures", call(0, undefined, 4), bytes(accepted(7, 0))],
    ["another program", call(1, undefined, 2, 300_001), bytes(accepted(7, 1))],
    ["a version between the lowest and the highest", call(1, undefined, 3), bytes(accepted(7, 2, 2, 4))],
    ["a procedure that is not there", call(9), bytes(accepted(7, 3))],
    ["arguments cut short", call(1, words(2)), bytes(accepted(7, 4))],
    ["arguments that are found to be none later", call(5), bytes(accepted(7, 4))],
    ["another version of RPC", words(7, 0, 3, 1, 1, 1), bytes(words(7, 1, 1, 0, 2, 2))],
    ["a procedure that is not for this caller", call(3), bytes(words(7, 1, 1, 1, 5))],
    [
      "a credential of another flavor than none and AUTH_SYS",
      join(words(7, 0, 2, 300_000, 2, 1), words(6, 0), none),
      bytes(words(7, 1, 1, 1, 2)),
    ],
    [
      "an AUTH_SYS credential that is none",
      join(words(7, 0, 2, 300_000, 2, 1, 1), opaque(words(0, 9)), none),
      bytes(words(7, 1, 1, 1, 1)),
    ],
  ])("%s", async (_name, message, reply) => {
    expect(await answer(message)).toEqual({ reply, faults: [] });
  });

  test("an AUTH_SYS credential with 16 groups is taken, one with 17 is not", async () => {
    const credential = (groups: number) =>
      join(words(0), opaque("host"), words(0, 0, groups, ...Array.from({ length: groups }, (_, group) => group)));
    const asking = (groups: number) =>
      answer(join(words(7, 0, 2, 300_000, 2, 1, 1), opaque(credential(groups)), none, words(1, 1)));
    expect((await asking(16)).reply).toEqual(bytes(accepted(7, 0), words(2)));
    expect((await asking(17)).reply).toEqual(bytes(words(7, 1, 1, 1, 1)));
  });

  test("a fault of ours is a system error, and told", async () => {
    const { reply, faults } = await answer(call(4));
    expect(reply).toEqual(bytes(accepted(7, 5)));
    expect(faults).toEqual([new Error("a fault")]);
  });
});

describe("what is no call gets no answer", () => {
  test.each([
    ["nothing", new Uint8Array(0)],
    ["a transaction id alone", words(7)],
    ["a reply, which two servers would send to and fro for ever", accepted(7, 0)],
    ["a call cut in its head", call(1).subarray(0, 20)],
    ["a credential longer than 400 bytes", join(words(7, 0, 2, 300_000, 2, 1, 1), opaque(new Uint8Array(404)), none)],
  ])("%s", async (_name, message) => {
    expect(await answer(message)).toEqual({ reply: undefined, faults: [] });
  });
});

describe("a datagram of a stranger gets no long answer", () => {
  const datagram: Caller = { ...stranger, transport: "udp" };
  const most = longestDatagramReplyBytes - 24;
  test.each([
    ["one that is as long as may be", datagram, most, 24 + most],
    ["a longer one is a system error", datagram, most + 4, 24],
    ["this machine gets all of it", { ...datagram, address: "127.0.0.1" }, most + 4, 28 + most],
    ["so does a connection", stranger, most + 4, 28 + most],
  ])("%s", async (_name, caller, asked, length) => {
    const { reply } = await answer(call(2, words(asked)), caller);
    expect(reply).toHaveLength(length);
    expect(reply?.[23]).toBe(length === 24 ? 5 : 0);
  });
});

test("a caller is local by loopback or Unix socket, and privileged with a port that only root has", () => {
  const from = (address: string, port: number, transport: Caller["transport"] = "tcp") => {
    const caller: Caller = { transport, address, port, ownAddress: "" };
    return [isLocal(caller), isPrivileged(caller)];
  };
  expect(from("127.0.0.1", 1_023)).toEqual([true, true]);
  expect(from("127.8.0.1", 1_024, "udp")).toEqual([true, false]);
  expect(from("::1", 700)).toEqual([true, true]);
  expect(from("192.0.2.7", 700)).toEqual([false, false]);
  expect(from("127.0.0.1.example", 700)).toEqual([false, false]);
  expect(from("", 0, "local")).toEqual([true, true]);
});
