import { expect, test } from "vitest";
import { needsShim, plainHandover, type Handover } from "../../../src/init/handover.ts";

const identity = { uid: 1234, gid: 2345, groups: [], home: "/srv" };

test.each<[string, Partial<Handover>, boolean]>([
  ["nothing", {}, false],
  ["a umask", { umask: 0o27 }, false],
  ["a limit of open files", { nofile: 2_000 }, false],
  ["fewer capabilities", { dropCaps: true }, true],
  ["another user", { identity }, true],
  ["another user with all capabilities there are", { identity, dropCaps: false }, true],
  ["root, by name", { identity: { uid: 0, gid: 0, groups: [], home: "/root" } }, true],
])("%s takes a process in between: %s", (_, change, isNeeded) => {
  expect(needsShim({ ...plainHandover, ...change })).toBe(isNeeded);
});

test("it survives the way through an argument", () => {
  for (const handover of [plainHandover, { identity, dropCaps: true, umask: 0, nofile: 64 }]) {
    const read = JSON.parse(JSON.stringify(handover)) as Handover;
    expect(needsShim(read)).toBe(needsShim(handover));
    expect({ ...plainHandover, ...read }).toEqual(handover);
  }
});
