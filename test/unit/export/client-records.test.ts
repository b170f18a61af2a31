import { describe, expect, test } from "vitest";
import {
  answerRecords,
  formatRecords,
  isGraceDone,
  noRecords,
  parseRecords,
  recordsAtStart,
} from "../../../src/export/client-records.ts";

/** struct cld_msg of linux/nfsd/cld.h: version, command, status, xid, length, name of 1024 bytes. */
function message(command: number, name = "", bytes = 1_034): Uint8Array {
  const all = new Uint8Array(bytes);
  const view = new DataView(all.buffer);
  view.setUint8(0, 1);
  view.setUint8(1, command);
  view.setUint32(4, 0x1122_3344, true);
  view.setUint16(8, name.length, true);
  all.set(new TextEncoder().encode(name), 10);
  return all;
}

const hex = (name: string) => Buffer.from(name).toString("hex");
const statusOf = (reply: Uint8Array | undefined) =>
  reply === undefined ? undefined : new DataView(reply.buffer).getInt16(2, true);
const nameOf = (reply: Uint8Array) => Buffer.from(reply.subarray(10, 10 + (reply[8] ?? 0))).toString();

const create = 0;
const remove = 1;
const check = 2;
const graceDone = 3;
const graceStart = 4;
const version = 5;

describe("a message of the records' pipe", () => {
  test("that asks for the version is told 1, in as many bytes as it has", () => {
    for (const bytes of [1_034, 1_067]) {
      const [reply] = answerRecords(noRecords, message(version, "", bytes))?.replies ?? [];
      expect([reply?.byteLength, statusOf(reply), reply?.[8]]).toEqual([bytes, 0, 1]);
    }
  });

  test("that records a client is answered with the record that is to be kept first", () => {
    const answer = answerRecords(noRecords, message(create, "one"));
    expect(answer?.records).toEqual({ recovering: [], current: [hex("one")] });
    expect(answer?.replies.map(statusOf)).toEqual([0]);
    expect(new DataView(answer?.replies[0]?.buffer ?? new ArrayBuffer(8)).getUint32(4, true)).toBe(0x1122_3344);
  });

  test("that records a client again changes nothing", () => {
    const records = { recovering: [], current: [hex("one")] };
    expect(answerRecords(records, message(create, "one"))?.records).toBe(records);
  });

  test("that records a client of our own questions keeps nothing: it would never come back", () => {
    expect(answerRecords(noRecords, message(create, "nfs-init question 0123"))?.records).toBe(noRecords);
  });

  test("that removes a client leaves the others", () => {
    const records = { recovering: [], current: [hex("one"), hex("two")] };
    expect(answerRecords(records, message(remove, "one"))?.records.current).toEqual([hex("two")]);
    expect(answerRecords(records, message(remove, "three"))?.records).toBe(records);
  });

  test("that begins the grace period is told every client that may come back, and then that these were all", () => {
    const records = { recovering: [hex("one"), hex("two")], current: [hex("three")] };
    const replies = answerRecords(records, message(graceStart))?.replies ?? [];
    expect(replies.map(statusOf)).toEqual([-115, -115, 0]);
    expect(replies.slice(0, 2).map(nameOf)).toEqual(["one", "two"]);
  });

  test("that ends the grace period forgets who did not come back", () => {
    const records = { recovering: [hex("one")], current: [hex("two")] };
    expect(answerRecords(records, message(graceDone))?.records).toEqual({ recovering: [], current: [hex("two")] });
    expect(isGraceDone(message(graceDone))).toBe(true);
    expect(isGraceDone(message(create))).toBe(false);
  });

  test("that asks for one client is told whether it is known (kernels before 5.2)", () => {
    const records = { recovering: [hex("one")], current: [] };
    expect(answerRecords(records, message(check, "one"))?.replies.map(statusOf)).toEqual([0]);
    expect(answerRecords(records, message(check, "two"))?.replies.map(statusOf)).toEqual([-13]);
  });

  test("that is unknown is refused, and one that is too short is none", () => {
    expect(answerRecords(noRecords, message(99))?.replies.map(statusOf)).toEqual([-95]);
    expect(answerRecords(noRecords, new Uint8Array(100))).toBeUndefined();
  });
});

describe("records", () => {
  test("at a start are all expected to come back", () => {
    expect(recordsAtStart({ recovering: [], current: ["aa"] })).toEqual({ recovering: ["aa"], current: [] });
  });

  test("at a start in the middle of a recovery hold those who were still expected, and those who were back", () => {
    expect(recordsAtStart({ recovering: ["aa", "bb"], current: ["bb", "cc"] })).toEqual({
      recovering: ["aa", "bb", "cc"],
      current: [],
    });
  });

  test("come back from their file", () => {
    const written = { sequence: 7, records: { recovering: ["aa"], current: ["bb", "cc"] } };
    expect(parseRecords(formatRecords(written))).toEqual(written);
  });

  test("of a file that was not written to its end are none", () => {
    const text = formatRecords({ sequence: 7, records: { recovering: ["aa"], current: ["bb"] } });
    for (let length = 0; length < text.length - 1; length++)
      expect(parseRecords(text.slice(0, length))).toBeUndefined();
    expect(parseRecords("something else\nend\n")).toBeUndefined();
  });
});
