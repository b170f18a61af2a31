import { describe, expect, test } from "vitest";
import { anyOf, within } from "../../src/abort.ts";
import { handClock } from "./fakes/clock.ts";

describe("a signal of several", () => {
  test("aborts with the first that does, for its reason", () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const signal = anyOf(one.signal, other.signal);
    expect(signal.aborted).toBe(false);
    other.abort(new Error("the other"));
    one.abort(new Error("the one"));
    expect(signal.reason).toEqual(new Error("the other"));
  });
});

describe("a signal within a time", () => {
  test("aborts when the time is over, and not before", async () => {
    const clock = handClock();
    const signal = within(clock, 500, new AbortController().signal);
    await clock.pass(499);
    expect(signal.aborted).toBe(false);
    await clock.pass(1);
    expect(signal.reason).toMatchObject({ name: "TimeoutError" });
  });

  test("aborts with the one that it is given, for its reason", () => {
    const whole = new AbortController();
    const signal = within(handClock(), 500, whole.signal);
    whole.abort(new Error("stopped"));
    expect(signal.reason).toEqual(new Error("stopped"));
  });
});
