import { expect, test } from "vitest";
import { relayOf } from "../../../src/init/relay.ts";

function recorded() {
  const told: string[] = [];
  let deliver: ((signal: number) => void) | undefined;
  const relay = relayOf((onSignal) => {
    told.push(onSignal === undefined ? "kept" : "routed");
    deliver = onSignal;
  });
  return { relay, told, signal: (number: number) => deliver?.(number) };
}

test("signals are routed from the first receiver on, and kept again after the last", () => {
  const { relay, told, signal } = recorded();
  const removeOne = relay.add((number) => told.push(`one ${number}`));
  const removeOther = relay.add((number) => told.push(`other ${number}`));
  signal(15);
  removeOne();
  signal(1);
  removeOther();
  signal(2);
  expect(told).toEqual(["routed", "one 15", "other 15", "other 1", "kept"]);
});

test("a receiver is removed once", () => {
  const { relay, told } = recorded();
  const remove = relay.add(() => {});
  remove();
  remove();
  expect(told).toEqual(["routed", "kept"]);
});

test("those that come after signals were kept have them routed again", () => {
  const { relay, told, signal } = recorded();
  relay.add(() => {})();
  relay.add((number) => told.push(`again ${number}`));
  signal(10);
  expect(told).toEqual(["routed", "kept", "routed", "again 10"]);
});
