// Connections that are made by the first of several tries.
import { expect, test } from "vitest";
import { soonest } from "../../../src/ask/soonest.ts";
import type { Connection } from "../../../src/rpc/transport.ts";
import { handClock, settled } from "../fakes/clock.ts";

/** A server whose connections are made, or refused, as a test says; each try is logged with its time. */
function dialing(signal = new AbortController().signal) {
  const clock = handClock();
  const startedMs = clock.nowMs();
  const log: string[] = [];
  const tries: { readonly make: () => void; readonly fail: (reason: string) => void }[] = [];
  const once = (given: AbortSignal): Promise<Connection> =>
    new Promise((resolve, reject) => {
      const number = tries.length + 1;
      log.push(`try ${number} at ${clock.nowMs() - startedMs}`);
      const never = () => Promise.reject(new Error("nothing is received"));
      const close = () => void log.push(`close ${number}`);
      const connection: Connection = { reservedPort: false, send: () => {}, receive: never, close };
      given.addEventListener("abort", () => {
        log.push(`give up ${number}`);
        reject(new Error("no answer in time"));
      });
      tries.push({ make: () => resolve(connection), fail: (reason) => reject(new Error(reason)) });
    });
  const made = soonest(clock, once, signal);
  made.catch(() => {});
  return { clock, log, made, of: (number: number) => tries[number - 1] };
}

test("one that is made at once is the only try", async () => {
  const { clock, log, made, of } = dialing();
  of(1)?.make();
  await made;
  await clock.pass(10_000);
  expect(log).toEqual(["try 1 at 0"]);
  expect(clock.pending()).toBe(0);
});

test("two are being made at a time, the older one is given up for a fresh one each second", async () => {
  const { clock, log } = dialing();
  await clock.pass(3_500);
  expect(log).toEqual(["try 1 at 0", "try 2 at 1000", "give up 1", "try 3 at 2000", "give up 2", "try 4 at 3000"]);
});

test("the first that is made counts, and the others are given up", async () => {
  const { clock, log, made, of } = dialing();
  await clock.pass(1_500);
  of(2)?.make();
  await made;
  expect(log).toEqual(["try 1 at 0", "try 2 at 1000", "give up 1"]);
});

test("one that is made too late is closed", async () => {
  const { clock, log, made, of } = dialing();
  await clock.pass(1_500);
  of(1)?.make();
  of(2)?.make();
  await made;
  await settled();
  expect(log).toContain("close 2");
});

test("the first refusal ends it, and the other try", async () => {
  const { clock, log, made, of } = dialing();
  await clock.pass(1_500);
  of(1)?.fail("connection refused");
  await expect(made).rejects.toThrow("connection refused");
  expect(log.at(-1)).toBe("give up 2");
  expect(clock.pending()).toBe(0);
});

test("a signal that aborts ends every try", async () => {
  const stop = new AbortController();
  const { clock, log, made } = dialing(stop.signal);
  await clock.pass(1_500);
  stop.abort();
  await expect(made).rejects.toThrow("no answer in time");
  expect(log.filter((line) => line.startsWith("give up"))).toHaveLength(2);
  expect(clock.pending()).toBe(0);
});
