import { describe, expect, test } from "vitest";
import { childTable, type EndedChild } from "../../../src/init/children.ts";

const exit = (pid: number, value = 0): EndedChild => ({ pid, ended: "exited", value });

describe("the end of a child", () => {
  test("is told to whoever waits for it, once, and to nobody else", () => {
    const children = childTable();
    const told: string[] = [];
    children.await(10, "program", ({ value }) => told.push(`10 ended with ${value}`));
    children.await(11, "worker", ({ value }) => told.push(`11 ended with ${value}`));
    for (const child of [exit(11, 1), exit(12, 2), exit(10, 3), exit(10, 4), exit(11, 5)]) children.ended(child);
    expect(told).toEqual(["11 ended with 1", "10 ended with 3"]);
  });

  test("lets its number be another child's at once", () => {
    const children = childTable();
    const told: string[] = [];
    children.await(10, "worker", () => {
      told.push("first");
      children.await(10, "program", () => told.push("second"));
    });
    children.ended(exit(10));
    expect(children.isWorker(10)).toBe(false);
    children.ended(exit(10));
    expect(told).toEqual(["first", "second"]);
  });

  test("is not known of a child that nobody waits for", () => {
    const children = childTable();
    children.await(10, "program", () => {});
    expect([10, 11].map(children.isAwaited)).toEqual([true, false]);
    children.ended(exit(10));
    expect(children.isAwaited(10)).toBe(false);
  });
});

describe("workers", () => {
  test("are those of our own, programs are none", () => {
    const children = childTable();
    children.await(10, "program", () => {});
    children.await(11, "worker", () => {});
    expect(children.workers()).toEqual([11]);
    expect([10, 11, 12].map(children.isWorker)).toEqual([false, true, false]);
  });

  test("that are all gone are told of to everybody who waits for that, once", () => {
    const children = childTable();
    const told: string[] = [];
    children.await(10, "program", () => {});
    for (const pid of [11, 12]) children.await(pid, "worker", () => {});
    children.onNoWorkers(() => told.push("one"));
    children.onNoWorkers(() => told.push("other"));
    children.ended(exit(11));
    expect(told).toEqual([]);
    children.ended(exit(12));
    children.await(13, "worker", () => {});
    children.ended(exit(13));
    expect(told).toEqual(["one", "other"]);
  });

  test("are waited for by nobody where there is none", () => {
    const children = childTable();
    let isTold = false;
    children.onNoWorkers(() => {
      isTold = true;
    });
    expect(isTold).toBe(true);
  });
});
