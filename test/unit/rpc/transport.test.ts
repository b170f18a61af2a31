import { describe, expect, test } from "vitest";
import { frameRecord, recordAssembler } from "../../../src/rpc/transport.ts";
import { MalformedMessage } from "../../../src/rpc/xdr.ts";
import { random } from "../fakes/random.ts";
import { fragment, join, words } from "../fakes/server.ts";

const longest = 0x1_0000;

/** An assembler of records of at most 64 KiB. */
function assemblerOf() {
  const assembler = recordAssembler();
  return { push: (chunk: Uint8Array) => assembler.push(chunk, longest) };
}

describe("a record", () => {
  test("is one last fragment with its length", () => {
    expect(frameRecord(Uint8Array.of(1, 2, 3, 4, 5))).toEqual(Uint8Array.of(0x80, 0, 0, 5, 1, 2, 3, 4, 5));
  });

  const body = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

  test("is put together from chunks of any size", () => {
    for (let size = 1; size <= 12; size++) {
      const stream = join(fragment(body), fragment(Uint8Array.of(9)), fragment(body));
      const assembler = assemblerOf();
      const records: Uint8Array[] = [];
      for (let at = 0; at < stream.byteLength; at += size) records.push(...assembler.push(stream.slice(at, at + size)));
      expect(records.map((record) => [...record])).toEqual([[...body], [9], [...body]]);
    }
  });

  test("is put together from several fragments, empty ones at its end among them", () => {
    const assembler = assemblerOf();
    expect(assembler.push(join(fragment(body, false), fragment(Uint8Array.of(9), false)))).toEqual([]);
    expect(assembler.push(fragment(new Uint8Array(0)))).toEqual([join(body, Uint8Array.of(9))]);
  });

  test("is not mixed up with the one behind it", () => {
    const assembler = assemblerOf();
    const first = fragment(body);
    const second = fragment(Uint8Array.of(9, 9));
    expect(assembler.push(join(first, second.subarray(0, 5)))).toEqual([body]);
    expect(assembler.push(second.subarray(5))).toEqual([Uint8Array.of(9, 9)]);
  });

  test("keeps its bytes when the chunk they came in is used again", () => {
    const assembler = assemblerOf();
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
    expect(() => assemblerOf().push(stream)).toThrow(MalformedMessage);
  });

  test("of the longest length is taken", () => {
    expect(assemblerOf().push(fragment(new Uint8Array(0x1_0000)))).toHaveLength(1);
  });

  test("of any bytes is read or refused, and nothing else happens", () => {
    const source = random(12);
    for (let count = 0; count < 20_000; count++) {
      const assembler = assemblerOf();
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
    const assembler = assemblerOf();
    const chunk = join(...Array.from({ length: 1_000 }, () => fragment(Uint8Array.of(7), false)));
    const startedMs = performance.now();
    for (let count = 0; count < 60; count++) assembler.push(chunk);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});
