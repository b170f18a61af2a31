import { expect, test } from "vitest";
import { undoStack } from "../../../src/lifecycle/undo.ts";

test("steps are taken back the last first, one after the other", async () => {
  const log: string[] = [];
  const undo = undoStack((error) => log.push(String(error)));
  for (const name of ["first", "second", "third"]) {
    undo.push(async () => {
      log.push(`${name} begins`);
      await Promise.resolve();
      log.push(`${name} ends`);
    });
  }
  await undo.unwind();
  expect(log).toEqual(["third begins", "third ends", "second begins", "second ends", "first begins", "first ends"]);
});

test("a step that fails is told of and does not keep the others", async () => {
  const log: string[] = [];
  const undo = undoStack((error) => log.push(String(error)));
  undo.push(() => Promise.resolve(void log.push("first")));
  undo.push(() => Promise.reject(new Error("broken")));
  undo.push(() => Promise.resolve(void log.push("third")));
  await undo.unwind();
  expect(log).toEqual(["third", "Error: broken", "first"]);
});

test("a step is taken back once", async () => {
  let count = 0;
  const undo = undoStack(() => {});
  undo.push(() => Promise.resolve(void (count += 1)));
  await undo.unwind();
  await undo.unwind();
  expect(count).toBe(1);
});

test("a step that is pushed on the way out is taken back as well", async () => {
  const log: string[] = [];
  const undo = undoStack(() => {});
  undo.push(async () => {
    log.push("first");
    undo.push(() => Promise.resolve(void log.push("late")));
  });
  await undo.unwind();
  expect(log).toEqual(["first", "late"]);
});
