// What the engine does under the host: depth, memory, modules.
import * as native from "native";
import { check, equal, thrown } from "./report.ts";

function recurse(depth: number): number {
  return depth < 0 ? 0 : 1 + recurse(depth + 1);
}

function nest(depth: number): unknown {
  let value: unknown = 1;
  for (let index = 0; index < depth; index++) value = [value];
  return value;
}

export const cases = {
  "a recursion without end is an exception, again and again": () => {
    for (let time = 0; time < 3; time++) check(thrown(() => recurse(0)) instanceof Error, "an exception");
    check(thrown(() => JSON.stringify(nest(1_000_000))) instanceof Error, "of JSON.stringify");
    check(thrown(() => JSON.parse("[".repeat(1_000_000))) instanceof Error, "of JSON.parse");
    check(thrown(() => new RegExp("(".repeat(1_000_000))) instanceof Error, "of a regular expression");
    const self: Record<string, unknown> = {};
    Object.defineProperty(self, "a", { get: () => self["a"] });
    check(thrown(() => self["a"]) instanceof Error, "of a getter");
    check(thrown(() => String(nest(1_000_000))) instanceof Error, "of join");
    const compare = (): number => [2, 1].sort(compare)[0] ?? 0;
    check(thrown(compare) instanceof Error, "of sort");
    check(
      thrown(() =>
        "a".replace(/a/, function again(): string {
          return "a".replace(/a/, again);
        }),
      ) instanceof Error,
      "of replace",
    );
  },
  "a recursion through a callback of the host is an exception in a child too": () => {
    const pid = native.fork(() => {
      native.exit(thrown(() => recurse(0)) instanceof Error ? 3 : 1);
    }, []);
    equal(native.waitid(pid, native.WEXITED)?.status, 3);
  },
  "a recursion goes deep enough": () => {
    const down = (depth: number): number => (depth === 0 ? 0 : 1 + down(depth - 1));
    equal(down(1_000), 1_000);
  },
  "a regular expression that never ends its search is bounded by the stack": () => {
    equal(/^(a|b)*$/.test("ab".repeat(50_000)), true);
  },
  "modules are imported when they are asked for, once": async () => {
    const [first, second] = [await import("./late.ts"), await import("./late.ts")];
    equal(first === second, true);
    equal([first.loaded, first.count()], [1, 1]);
    equal(second.count(), 2);
  },
  "a module that throws is a rejection": async () => {
    const error = await import("./broken.ts").then(
      () => undefined,
      (reason: unknown) => reason,
    );
    equal(String(error), "Error: broken as it is evaluated");
  },
  "a fault names its line": () => {
    const { stack = "" } = thrown(() => native.open("/nonexistent", 0));
    check(/\(\w[\w-]*:\d+:\d+\)/.test(stack), stack);
  },
  "there is no eval": () => {
    const { eval: evaluate, Function: compile } = globalThis;
    check(thrown(() => evaluate("1")) instanceof Error, "eval");
    check(thrown(() => compile("return 1")) instanceof Error, "Function");
  },
  "what the language has is there": () => {
    equal(new Intl0().is, true);
    equal([1n << 70n === 1180591620717411303424n, new Map([[1, 2]]).get(1), new Set([1]).has(1)], [true, 2, true]);
    equal(new Date(0).toISOString(), "1970-01-01T00:00:00.000Z");
    equal("aXbX".replaceAll("X", "-"), "a-b-");
    equal(typeof WeakRef, "function");
    equal(new Proxy<Record<string, number>>({}, { get: () => 1 })["any"], 1);
    equal(
      [3, 1, 2].toSorted((left, right) => left - right),
      [1, 2, 3],
    );
    equal(/(?<year>\d{4})/u.exec("in 2026")?.groups?.["year"], "2026");
  },
};

class Intl0 {
  readonly #secret = true;
  get is(): boolean {
    return this.#secret;
  }
}
