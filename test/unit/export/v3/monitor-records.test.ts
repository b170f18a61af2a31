import { describe, expect, test } from "vitest";
import {
  formatRecords,
  parseRecords,
  startRecords,
  type Monitored,
  type MonitorRecords,
} from "../../../../src/export/v3/monitor-records.ts";

const one: Monitored = {
  name: "192.0.2.7",
  myName: "srv",
  program: 100_021,
  version: 3,
  procedure: 16,
  priv: "c0000207000000000000000000000000",
};
const records: MonitorRecords = { state: 7, monitored: [one], toNotify: ["192.0.2.8"] };

describe("at a start", () => {
  test("all who had locks are to be told, and who still is, each once, in a later state", () => {
    const before = { ...records, monitored: [one, { ...one, procedure: 17 }, { ...one, name: "192.0.2.8" }] };
    expect(startRecords(before, 0)).toEqual({ state: 9, monitored: [], toNotify: ["192.0.2.8", "192.0.2.7"] });
  });

  test.each([
    [1_700_000_000_000, 1_700_000_001],
    [1_700_000_001_000, 1_700_000_001],
    // After 2038 it begins anew: peers look for another number, not for a larger one.
    [2 ** 31 * 1_000 + 5_000, 5],
  ])("without records at %d ms the state is the odd number %d", (nowMs, state) => {
    expect(startRecords(undefined, nowMs)).toEqual({ state, monitored: [], toNotify: [] });
  });

  test("the state stays odd and a positive int", () => {
    expect(startRecords({ ...records, state: 8 }, 0).state).toBe(11);
    expect(startRecords({ ...records, state: 0x7fff_ffff }, 0).state).toBe(1);
  });
});

describe("the text of the records", () => {
  test("is read as it was written", () => {
    expect(parseRecords(formatRecords(records))).toEqual(records);
  });

  test.each([
    ["nothing", ""],
    ["half of it", formatRecords(records).slice(0, 40)],
    ["another version", formatRecords(records).replace('"schemaVersion":1', '"schemaVersion":2')],
    ["a list", "[]"],
    ["null", "null"],
    ["a state that is no number", formatRecords(records).replace('"state":7', '"state":"7"')],
    ["a state below zero", formatRecords(records).replace('"state":7', '"state":-7')],
    ["a name that is none", formatRecords(records).replace('"192.0.2.8"', "8")],
    ["a private word that is too short", formatRecords(records).replace("c0000207", "c00002")],
    ["a program that is no number", formatRecords(records).replace("100021", "null")],
  ])("%s is none", (_name, text) => {
    expect(parseRecords(text)).toBeUndefined();
  });
});
