// The published state: its text, and whether one that was found is believed.
import { describe, expect, test } from "vitest";
import {
  disbelief,
  formatState,
  parseState,
  type PublishedState,
  type ReaderFacts,
} from "../../../src/report/state.ts";
import { instanceStatus, publishedState, shareStatus } from "./statuses.ts";

describe("the text of a state", () => {
  test("is one line of JSON that reads back as what it was", () => {
    const status = instanceStatus([shareStatus({ target: "/mnt/a\nb" })]);
    const text = formatState(status, { pid: 7, pidNamespace: "here" });
    expect(text).toMatch(/^\{"schemaVersion":1,.*\}\n$/);
    expect(text.split("\n")).toHaveLength(2);
    expect(parseState(text)).toEqual({ schemaVersion: 1, ...status, pid: 7, pidNamespace: "here" });
  });

  const good = publishedState([shareStatus()]);
  test.each([
    ["nothing", ""],
    ["half of it", formatState(good, good).slice(0, 60)],
    ["no object", "3"],
    ["null", "null"],
    ["another schema", JSON.stringify({ ...good, schemaVersion: 2 })],
    ["no times", JSON.stringify({ ...good, updatedMs: "soon" })],
    ["no boot", JSON.stringify({ ...good, bootId: undefined })],
    ["no shares", JSON.stringify({ ...good, shares: {} })],
    ["shares that are none", JSON.stringify({ ...good, shares: [3] })],
  ])("is not read where it is %s", (_, text) => {
    expect(parseState(text)).toBeUndefined();
  });

  test("may hold more than is known", () => {
    expect(parseState(JSON.stringify({ ...good, more: 1 }))).toMatchObject({ pid: 1 });
  });
});

/** A process of the namespace "here" in which PID 1 started at 1 s. */
const facts: ReaderFacts = {
  nowMs: 101_000,
  bootId: "boot",
  pidNamespace: "here",
  processStartedMs: (pid) => (pid === 1 ? 1_000 : undefined),
};

describe("a state that was found", () => {
  const gone = "is gone";
  test.each<[string, Partial<PublishedState>, Partial<ReaderFacts>, string | undefined]>([
    ["of a running instance is believed", {}, {}, undefined],
    ["is believed until it is too old", {}, { nowMs: 120_000 }, undefined],
    ["is not believed when it is too old", {}, { nowMs: 120_001 }, "20 s old"],
    ["of another boot is not believed", {}, { bootId: "other" }, "before the machine was started"],
    ["from times to come is not believed", {}, { nowMs: 79_000 }, "ahead"],
    ["of an earlier container with the same process number is not believed", { startedMs: 900 }, {}, gone],
    ["of a process that has ended is not believed", { pid: 17 }, {}, gone],
    ["is believed though the kernel counts in hundredths", { startedMs: 1_008 }, {}, undefined],
    ["of another pid namespace is believed while it is young", { pid: 17, pidNamespace: "there" }, {}, undefined],
    [
      "of another pid namespace is not believed when it is too old",
      { pidNamespace: "there" },
      { nowMs: 200_000 },
      "old",
    ],
    ["is believed by its age where no pid namespace is known", { pid: 17 }, { pidNamespace: undefined }, undefined],
    [
      "is believed by its age where no processes are shown",
      { pid: 17 },
      { processStartedMs: () => undefined },
      undefined,
    ],
  ])("%s", (_, state, reader, expected) => {
    const reason = disbelief(publishedState([shareStatus()], state), { ...facts, ...reader });
    if (expected === undefined) expect(reason).toBeUndefined();
    else expect(reason).toContain(expected);
  });
});
