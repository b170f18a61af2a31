import { beforeEach, describe, expect, test } from "vitest";
import { serverGates, type Entry, type ServerGates } from "../../../src/lifecycle/server-gates.ts";
import { handClock, type HandClock } from "../fakes/clock.ts";

let clock: HandClock;
let gates: ServerGates;
beforeEach(() => {
  clock = handClock();
  gates = serverGates(clock);
});

const atOnce = 8;

const never = new AbortController().signal;

/** As many shares as asked for, and the entries of those that were let in. */
function arrive(count: number, server = "nas"): Entry[] {
  const entered: Entry[] = [];
  for (let index = 0; index < count; index++) void gates(server, never).then((entry) => entered.push(entry));
  return entered;
}

const settle = () => clock.pass(0);

describe("the gate of a server", () => {
  test("lets a few shares in, and the next for each that leaves", async () => {
    const entered = arrive(20);
    await settle();
    expect(entered).toHaveLength(atOnce);
    entered[3]?.leave();
    entered[3]?.leave();
    await settle();
    expect(entered).toHaveLength(atOnce + 1);
    for (let index = 0; index < 20; index++) {
      entered[index]?.leave();
      await settle();
    }
    expect(entered).toHaveLength(20);
    expect(clock.pending()).toBe(0);
  });

  test("holds up no share of another server", async () => {
    arrive(20);
    const others = arrive(1, "other");
    await settle();
    expect(others).toHaveLength(1);
  });

  test("lets all in once the server makes one of them wait, and those that come while they wait", async () => {
    const entered = arrive(20);
    await settle();
    entered[0]?.open();
    await settle();
    expect(entered).toHaveLength(20);
    const later = arrive(20);
    await settle();
    expect(later).toHaveLength(20);
    for (const { leave } of [...entered, ...later]) leave();
    expect(clock.pending()).toBe(0);
  });

  test("lets all in where none has left for two seconds", async () => {
    const entered = arrive(20);
    await clock.pass(1_500);
    entered[0]?.leave();
    await clock.pass(1_999);
    expect(entered).toHaveLength(atOnce + 1);
    await clock.pass(1);
    expect(entered).toHaveLength(20);
    for (const { leave } of entered) leave();
    expect(clock.pending()).toBe(0);
  });

  test("lets go who gives up waiting, and in their place the next", async () => {
    const inside = arrive(atOnce);
    const abort = new AbortController();
    const given = gates("nas", abort.signal);
    const next = arrive(1);
    const reason = new Error("no more");
    abort.abort(reason);
    await expect(given).rejects.toBe(reason);
    await expect(Promise.race([gates("nas", abort.signal), new Promise(setImmediate)])).rejects.toBe(reason);
    expect(next).toHaveLength(0);
    inside[0]?.leave();
    await settle();
    expect(next).toHaveLength(1);
    for (const { leave } of [...inside, ...next]) leave();
    expect(clock.pending()).toBe(0);
  });

  test("is not waited for longer because others come", async () => {
    const entered = arrive(atOnce + 1);
    await clock.pass(1_500);
    arrive(3);
    await clock.pass(500);
    expect(entered).toHaveLength(atOnce + 1);
  });

  test("knows nothing any more of those who gave up, before they were let in or after", async () => {
    const early = new AbortController();
    const late = new AbortController();
    const inside = arrive(atOnce);
    const givenUp = gates("nas", early.signal);
    const letIn = gates("nas", late.signal);
    early.abort(new Error("no more"));
    await expect(givenUp).rejects.toThrow("no more");
    inside[0]?.leave();
    const entry = await letIn;
    late.abort(new Error("too late"));
    inside[1]?.open();
    entry.leave();
    for (const { leave } of inside) leave();
    // The gate was open until the last one had left, and is as new for those that come then.
    const again = arrive(20);
    await settle();
    expect(again).toHaveLength(atOnce);
    for (const { open, leave } of again) {
      open();
      leave();
    }
    await settle();
    for (const { leave } of again) leave();
    expect(clock.pending()).toBe(0);
  });

  test("stays as it is for those that come while one is inside, whoever was let in and stopped since", async () => {
    const late = new AbortController();
    const inside = arrive(atOnce);
    const letIn = gates("nas", late.signal);
    await settle();
    inside[0]?.leave();
    const entry = await letIn;
    entry.open();
    late.abort(new Error("too late"));
    for (const { leave } of inside) leave();
    // It was opened, and one is inside still.
    const more = arrive(20);
    await settle();
    expect(more).toHaveLength(20);
    for (const { leave } of [...more, entry]) leave();
  });

  test("lets few in again after all have left", async () => {
    const entered = arrive(20);
    await settle();
    entered[0]?.open();
    await settle();
    for (const { leave } of entered) leave();
    // Who has left knows nothing of the server any more.
    const again = arrive(20);
    entered[0]?.open();
    await settle();
    expect(again).toHaveLength(atOnce);
  });
});
