import { expect, test } from "vitest";
import { reap, type EndedChild } from "../../../src/init/reaper.ts";

/** Children that have ended, in the order in which waitid(2) shows them. */
function machine(pids: readonly number[], runtimeChildren: readonly number[] = []) {
  const zombies: EndedChild[] = pids.map((pid) => ({ pid, ended: "exited", value: pid % 7 }));
  const actions: string[] = [];
  const ports = {
    peek: () => zombies[0],
    collect: (pid: number) => {
      actions.push(`collect ${pid}`);
      if (zombies[0]?.pid !== pid) throw new Error(`${pid} is not the one that was shown`);
      zombies.shift();
    },
    isRuntimeChild: (pid: number) => runtimeChildren.includes(pid),
  };
  const ended: number[] = [];
  return { run: () => reap(ports, ({ pid }) => ended.push(pid)), actions, ended, zombies };
}

test("every child that has ended is reaped, and told of after that", () => {
  const { run, actions, ended, zombies } = machine([5, 9, 7]);
  expect(run()).toBe(true);
  expect(actions).toEqual(["collect 5", "collect 9", "collect 7"]);
  expect(ended).toEqual([5, 9, 7]);
  expect(zombies).toEqual([]);
});

test("nothing is done where no child has ended", () => {
  const { run, actions } = machine([]);
  expect(run()).toBe(true);
  expect(actions).toEqual([]);
});

test("a child that the runtime waits for is left to it, and those behind it are for later", () => {
  const { run, ended, zombies } = machine([5, 6, 7], [6]);
  expect(run()).toBe(false);
  expect(ended).toEqual([5]);
  expect(zombies.map(({ pid }) => pid)).toEqual([6, 7]);
  zombies.shift();
  expect(run()).toBe(true);
  expect(ended).toEqual([5, 7]);
});
