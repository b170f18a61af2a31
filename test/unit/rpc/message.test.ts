import { describe, expect, test } from "vitest";
import { decodeReply, encodeCall } from "../../../src/rpc/message.ts";
import { MalformedMessage } from "../../../src/rpc/xdr.ts";
import { random } from "../fakes/random.ts";
import { accepted, hex, join, words } from "../fakes/server.ts";

test("a call carries its program, version and procedure, and no credentials", () => {
  const call = encodeCall({ xid: 0xdead_beef, program: 100_003, version: 4, procedure: 0 });
  expect(call).toEqual(words(0xdead_beef, 0, 2, 100_003, 4, 0, 0, 0, 0, 0));
});

test("a call carries its arguments behind that", () => {
  const call = encodeCall({ xid: 1, program: 100_000, version: 2, procedure: 3, args: words(100_005, 3, 6, 0) });
  expect(call).toEqual(words(1, 0, 2, 100_000, 2, 3, 0, 0, 0, 0, 100_005, 3, 6, 0));
});

describe("a call of a user", () => {
  test("carries AUTH_SYS with the machine, the user and the groups", () => {
    const credential = { kind: "sys", machineName: "web-1", uid: 0, gid: 0, gids: [4, 7] } as const;
    const call = encodeCall({ xid: 1, program: 100_005, version: 3, procedure: 5, credential });
    expect(call).toEqual(
      hex(`
        00 00 00 01  00 00 00 00  00 00 00 02  00 01 86 a5  00 00 00 03  00 00 00 05
        00 00 00 01  00 00 00 24
          00 00 00 00
          00 00 00 05  77 65 62 2d  31 00 00 00
          00 00 00 00  00 00 00 00
          00 00 00 02  00 00 00 04  00 00 00 07
        00 00 00 00  00 00 00 00
      `),
    );
  });

  test("stays within what AUTH_SYS may carry", () => {
    const gids = Array.from({ length: 20 }, (_, index) => index);
    const credential = { kind: "sys", machineName: "m".repeat(300), uid: 1, gid: 2, gids } as const;
    const call = encodeCall({ xid: 1, program: 1, version: 1, procedure: 0, credential });
    const view = new DataView(call.buffer);
    expect(view.getUint32(28)).toBe(4 + 4 + 256 + 4 + 4 + 4 + 16 * 4);
    expect(view.getUint32(36)).toBe(255);
    expect(view.getUint32(40 + 256 + 8)).toBe(16);
    expect(call.byteLength).toBe(32 + 4 + 4 + 256 + 4 + 4 + 4 + 64 + 8);
  });
});

describe("a reply", () => {
  test("of success holds the result", () => {
    const { xid, reply } = decodeReply(accepted(5, 0, 2_049));
    expect(xid).toBe(5);
    expect(reply.kind).toBe("success");
    if (reply.kind === "success") expect(reply.result.uint32()).toBe(2_049);
  });

  test("of success may carry a verifier", () => {
    const { reply } = decodeReply(words(5, 1, 0, 1, 5, 0x01020304, 0x05000000, 0, 77));
    if (reply.kind !== "success") throw new Error(reply.kind);
    expect(reply.result.uint32()).toBe(77);
  });

  test.each<readonly [string, Uint8Array, object]>([
    ["program unavailable", accepted(1, 1), { kind: "program-unavailable" }],
    ["program mismatch", accepted(1, 2, 2, 3), { kind: "version-mismatch", lowest: 2, highest: 3 }],
    [
      "procedure unavailable",
      accepted(1, 3),
      { kind: "refused", cause: "procedure-unavailable", reason: "procedure unavailable" },
    ],
    [
      "garbage arguments",
      accepted(1, 4),
      { kind: "refused", cause: "garbage-arguments", reason: "arguments not understood" },
    ],
    ["system error", accepted(1, 5), { kind: "refused", cause: "system-error", reason: "system error" }],
    [
      "RPC mismatch",
      words(1, 1, 1, 0, 2, 3),
      { kind: "refused", cause: "rpc-mismatch", lowest: 2, highest: 3, reason: "RPC version mismatch" },
    ],
    ...[
      [1, "AUTH_BADCRED"],
      [5, "AUTH_TOOWEAK"],
      [7, "AUTH_FAILED"],
      [13, "RPCSEC_GSS_CREDPROBLEM"],
      [99, "99"],
    ].map(
      ([code, stat]) =>
        [
          `authentication error ${stat}`,
          words(1, 1, 1, 1, Number(code)),
          { kind: "refused", cause: "authentication", stat, reason: `authentication refused (${stat})` },
        ] as const,
    ),
  ])("of %s is the server's word", (_, bytes, reply) => {
    expect(decodeReply(bytes)).toEqual({ xid: 1, reply });
  });

  test.each([
    ["nothing", new Uint8Array(0)],
    ["half a word", Uint8Array.of(0, 0)],
    ["an xid only", words(1)],
    ["a call", words(1, 0, 2, 100_003, 4, 0, 0, 0, 0, 0)],
    ["an unknown kind of message", words(1, 2, 0, 0, 0, 0)],
    ["neither accepted nor denied", words(1, 1, 2, 0, 0, 0)],
    ["no word on why it is denied", words(1, 1, 1)],
    ["an unknown word on why it is denied", words(1, 1, 1, 2, 0)],
    ["an RPC mismatch without its versions", words(1, 1, 1, 0, 2)],
    ["an authentication error without its reason", words(1, 1, 1, 1)],
    ["no verifier", words(1, 1, 0)],
    ["a verifier without its length", words(1, 1, 0, 0)],
    ["a verifier longer than the message", words(1, 1, 0, 0, 8, 0)],
    ["a verifier longer than allowed", join(words(1, 1, 0, 0, 404), new Uint8Array(404), words(0))],
    ["a verifier of four gigabytes", words(1, 1, 0, 0, 0xffff_ffff, 0)],
    ["no status", words(1, 1, 0, 0, 0)],
    ["an unknown status", accepted(1, 6)],
    ["a mismatch without its versions", accepted(1, 2)],
    ["a mismatch with half its versions", accepted(1, 2, 3)],
  ])("of %s is refused", (_, bytes) => {
    expect(() => decodeReply(bytes)).toThrow(MalformedMessage);
  });

  test("of any bytes is read or refused, and nothing else happens", () => {
    const source = random(11);
    for (let count = 0; count < 20_000; count++) {
      const bytes = source.bytes(64);
      // Most random bytes fail at the second word: half of them are led further in.
      if (count % 2 === 0) bytes.set(words(1, 1, source.below(3), source.below(2)).subarray(0, bytes.byteLength));
      try {
        decodeReply(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedMessage);
      }
    }
  });

  test("that is cut off anywhere is refused", () => {
    const whole = accepted(1, 2, 2, 3);
    for (let length = 0; length < whole.byteLength; length++) {
      expect(() => decodeReply(whole.subarray(0, length))).toThrow(MalformedMessage);
    }
  });
});
