import { describe, expect, test } from "vitest";
import { encodeWords, MalformedMessage, xdrReader } from "../../../src/rpc/xdr.ts";

test("words are four bytes each, the most significant first", () => {
  expect([...encodeWords([0, 1, 0x1234_5678, 0xffff_ffff])]).toEqual([
    0, 0, 0, 0, 0, 0, 0, 1, 0x12, 0x34, 0x56, 0x78, 255, 255, 255, 255,
  ]);
});

describe("a reader", () => {
  test("gives word after word", () => {
    const reader = xdrReader(encodeWords([7, 0xffff_ffff]));
    expect(reader.uint32()).toBe(7);
    expect(reader.remaining()).toBe(4);
    expect(reader.uint32()).toBe(0xffff_ffff);
    expect(reader.remaining()).toBe(0);
  });

  test("reads a part of a larger buffer", () => {
    const whole = Uint8Array.of(9, 9, 0, 0, 0, 5, 9, 9);
    const reader = xdrReader(whole.subarray(2, 6));
    expect(reader.uint32()).toBe(5);
    expect(() => reader.uint32()).toThrow(MalformedMessage);
  });

  test.each([0, 1, 2, 3])("refuses a word of %d bytes", (length) => {
    expect(() => xdrReader(new Uint8Array(length)).uint32()).toThrow(MalformedMessage);
  });

  test.each([
    [[], []],
    [[1], [1]],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
    [
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 5],
    ],
  ])("gives opaque data %j without its padding, and goes on behind it", (data, expected) => {
    const padding = Array.from({ length: (4 - (data.length % 4)) % 4 }, () => 0xee);
    const reader = xdrReader(Uint8Array.from([0, 0, 0, data.length, ...data, ...padding, 0, 0, 0, 9]));
    expect([...reader.opaque(8)]).toEqual(expected);
    expect(reader.uint32()).toBe(9);
  });

  test("refuses opaque data that is longer than allowed, or than what is there", () => {
    expect(() => xdrReader(Uint8Array.of(0, 0, 0, 9, ...Array.from({ length: 12 }, () => 0))).opaque(8)).toThrow(
      MalformedMessage,
    );
    expect(() => xdrReader(Uint8Array.of(0, 0, 0, 8, 1, 2, 3, 4)).opaque(8)).toThrow(MalformedMessage);
    expect(() => xdrReader(Uint8Array.of(0, 0, 0, 1, 1)).opaque(8)).toThrow(MalformedMessage);
    expect(() => xdrReader(Uint8Array.of(255, 255, 255, 255)).opaque(400)).toThrow(MalformedMessage);
  });
});
