import { expect, test } from "vitest";
import { doingsOf, Overtaken } from "../../../src/lifecycle/doings.ts";

test("what begins with a thing ends what went on with it, and with nothing else", () => {
  const { begin } = doingsOf<string>(new AbortController().signal);
  const [first, other] = [begin("a"), begin("b")];
  const second = begin("a");
  expect([first.aborted, second.aborted, other.aborted]).toEqual([true, false, false]);
  expect(first.reason).toBeInstanceOf(Overtaken);
});

test("what goes on with a thing can be ended, and what has ended before is not touched again", () => {
  const { begin, end } = doingsOf<string>(new AbortController().signal);
  end("a");
  const signal = begin("a");
  expect(signal.aborted).toBe(false);
  end("a");
  expect(signal.aborted).toBe(true);
});

test("everything ends with the whole, for the reason of that", () => {
  const whole = new AbortController();
  const { begin } = doingsOf<string>(whole.signal);
  const signal = begin("a");
  const reason = new Error("nfs-init ends");
  whole.abort(reason);
  expect(signal.reason).toBe(reason);
});
