// Those who watch the page of status.
import { expect, test } from "vitest";
import { createAudience } from "../../../src/report/audience.ts";

/** An audience whose timers are called by hand. */
function set() {
  const timers = new Map<number, { readonly ms: number; readonly call: () => void }>();
  let last = 0;
  let version = 1;
  const audience = createAudience({
    later: (ms, call) => {
      const id = ++last;
      timers.set(id, { ms, call });
      return () => void timers.delete(id);
    },
    render: () => `state ${version++}`,
  });
  const pass = () => {
    const [due] = timers;
    if (due === undefined) throw new Error("no timer");
    timers.delete(due[0]);
    due[1].call();
  };
  const watch = () => {
    const heard: string[] = [];
    const leave = audience.join({ tell: (text) => heard.push(text) });
    return { heard, leave };
  };
  return { audience, watch, pass, waitsMs: () => [...timers.values()].map(({ ms }) => ms) };
}

test("has no timer while nobody watches, whatever happens", () => {
  const { audience, watch, waitsMs } = set();
  audience.news();
  expect(waitsMs()).toEqual([]);
  const { leave } = watch();
  expect(waitsMs()).toHaveLength(1);
  audience.news();
  leave?.();
  expect(waitsMs()).toEqual([]);
});

test("tells whoever comes at once, and all of them now and then", () => {
  const { watch, pass } = set();
  const first = watch();
  const second = watch();
  pass();
  pass();
  expect(first.heard).toEqual(["state 1", "state 3", "state 4"]);
  expect(second.heard).toEqual(["state 2", "state 3", "state 4"]);
});

test("tells changes that come together once, and soon", () => {
  const { audience, watch, pass, waitsMs } = set();
  const { heard } = watch();
  const [paceMs = 0] = waitsMs();
  audience.news();
  audience.news();
  expect(waitsMs()).toHaveLength(1);
  expect(waitsMs()[0]).toBeLessThan(paceMs);
  pass();
  expect(heard).toEqual(["state 1", "state 2"]);
  expect(waitsMs()).toEqual([paceMs]);
});

test("goes on for the others when one leaves while it is told", () => {
  const { audience, watch, pass, waitsMs } = set();
  const leaving: { leave?: (() => void) | undefined } = {};
  leaving.leave = audience.join({ tell: () => leaving.leave?.() });
  const { heard } = watch();
  pass();
  expect(heard).toHaveLength(2);
  expect(waitsMs()).toHaveLength(1);
});

test("takes eight, and the next one when one of them has left", () => {
  const { audience, watch } = set();
  const leaves = Array.from({ length: 8 }, () => watch().leave);
  expect(audience.isFull()).toBe(true);
  expect(watch()).toMatchObject({ leave: undefined, heard: [] });
  leaves[0]?.();
  expect(audience.isFull()).toBe(false);
  expect(watch().leave).toBeDefined();
});
