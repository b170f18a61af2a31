import { describe, expect, test } from "vitest";
import { decodeReply, encodeCall, frameRecord, recordAssembler } from "../../../src/rpc/message.ts";
import { MalformedMessage } from "../../../src/rpc/xdr.ts";
import { random } from "../fakes/random.ts";
import { accepted, fragment, join, words } from "../fakes/server.ts";

test("a call carries its program, version and procedure, and no credentials", () => {
  const call = encodeCall({ xid: 0xdead_beef, program: 100_003, version: 4, procedure: 0 });
  expect(call).toEqual(words(0xdead_beef, 0, 2, 100_003, 4, 0, 0, 0, 0, 0));
});

test("a call carries its arguments behind that", () => {
  const call = encodeCall({ xid: 1, program: 100_000, version: 2, procedure: 3, args: words(100_005, 3, 6, 0) });
  expect(call).toEqual(words(1, 0, 2, 100_000, 2, 3, 0, 0, 0, 0, 100_005, 3, 6, 0));
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

  test.each([
    ["program unavailable", accepted(1, 1), { kind: "program-unavailable" }],
    ["program mismatch", accepted(1, 2, 2, 3), { kind: "version-mismatch", lowest: 2, highest: 3 }],
    ["procedure unavailable", accepted(1, 3), { kind: "refused", reason: "procedure unavailable" }],
    ["garbage arguments", accepted(1, 4), { kind: "refused", reason: "arguments not understood" }],
    ["system error", accepted(1, 5), { kind: "refused", reason: "system error" }],
    ["RPC mismatch", words(1, 1, 1, 0, 2, 2), { kind: "refused", reason: "RPC version mismatch" }],
    ["authentication error", words(1, 1, 1, 1, 5), { kind: "refused", reason: "authentication refused" }],
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

describe("a record", () => {
  test("is one last fragment with its length", () => {
    expect(frameRecord(Uint8Array.of(1, 2, 3, 4, 5))).toEqual(Uint8Array.of(0x80, 0, 0, 5, 1, 2, 3, 4, 5));
  });

  const body = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

  test("is put together from chunks of any size", () => {
    for (let size = 1; size <= 12; size++) {
      const stream = join(fragment(body), fragment(Uint8Array.of(9)), fragment(body));
      const assembler = recordAssembler();
      const records: Uint8Array[] = [];
      for (let at = 0; at < stream.byteLength; at += size) records.push(...assembler.push(stream.slice(at, at + size)));
      expect(records.map((record) => [...record])).toEqual([[...body], [9], [...body]]);
    }
  });

  test("is put together from several fragments, empty ones at its end among them", () => {
    const assembler = recordAssembler();
    expect(assembler.push(join(fragment(body, false), fragment(Uint8Array.of(9), false)))).toEqual([]);
    expect(assembler.push(fragment(new Uint8Array(0)))).toEqual([join(body, Uint8Array.of(9))]);
  });

  test("is not mixed up with the one behind it", () => {
    const assembler = recordAssembler();
    const first = fragment(body);
    const second = fragment(Uint8Array.of(9, 9));
    expect(assembler.push(join(first, second.subarray(0, 5)))).toEqual([body]);
    expect(assembler.push(second.subarray(5))).toEqual([Uint8Array.of(9, 9)]);
  });

  test("keeps its bytes when the chunk they came in is used again", () => {
    const assembler = recordAssembler();
    const chunk = fragment(body).slice();
    assembler.push(chunk.subarray(0, 8));
    const rest = chunk.slice(8);
    chunk.fill(0xee);
    expect(assembler.push(rest)).toEqual([body]);
  });

  test.each([
    ["that announces too much", words(0x8001_0001)],
    ["that announces two gigabytes", words(0xffff_ffff)],
    ["whose fragments add up to too much", join(fragment(new Uint8Array(0x8000), false), words(0x8000_8001))],
    ["of text, as another service sends it", new TextEncoder().encode("SSH-2.0-OpenSSH_9.2\r\n")],
    ["of an empty fragment that is not the last", words(0)],
    ["of a message and an empty fragment that is not the last", join(fragment(body, false), words(0))],
  ])("%s is refused at once", (_, stream) => {
    expect(() => recordAssembler().push(stream)).toThrow(MalformedMessage);
  });

  test("of the longest length is taken", () => {
    expect(recordAssembler().push(fragment(new Uint8Array(0x1_0000)))).toHaveLength(1);
  });

  test("of any bytes is read or refused, and nothing else happens", () => {
    const source = random(12);
    for (let count = 0; count < 20_000; count++) {
      const assembler = recordAssembler();
      try {
        for (let chunks = source.below(4); chunks >= 0; chunks--) {
          const bytes = source.bytes(16);
          // Small fragments get further than random lengths do.
          if (count % 2 === 0) bytes.set([source.pick([0, 0x80]), 0, 0, source.below(8)].slice(0, bytes.byteLength));
          assembler.push(bytes);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedMessage);
      }
    }
  });

  test("in as many fragments as it has bytes costs no more than a moment", () => {
    const assembler = recordAssembler();
    const chunk = join(...Array.from({ length: 1_000 }, () => fragment(Uint8Array.of(7), false)));
    const startedMs = performance.now();
    for (let count = 0; count < 60; count++) assembler.push(chunk);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});
