// When the published state is put on the disk.
import { expect, test } from "vitest";
import { createPublisher } from "../../../src/report/publisher.ts";
import { handClock } from "../fakes/clock.ts";

/** A publisher to a disk that takes so long for each text, and what it has begun to put there, with the time. */
function publishing({ putMs = 0, longestPauseMs = 5_000 } = {}) {
  const clock = handClock();
  const startedMs = clock.nowMs();
  const begun: string[] = [];
  const { write, end } = createPublisher({
    clock,
    longestPauseMs,
    put: (text) => {
      begun.push(`${text} at ${clock.nowMs() - startedMs}`);
      return putMs === Number.POSITIVE_INFINITY ? new Promise(() => {}) : clock.sleep(putMs);
    },
  });
  return { clock, begun, write: (text: string) => write(() => text), writeLate: write, end };
}

test("the first text is held back a moment, in which the second takes its place", async () => {
  const { clock, begun, write } = publishing();
  write("waiting");
  await clock.pass(100);
  expect(begun).toEqual([]);
  write("mounted");
  await clock.pass(0);
  expect(begun).toEqual(["mounted at 100"]);
});

test("the first text is put there where no second comes", async () => {
  const { clock, begun, write } = publishing();
  write("waiting");
  await clock.pass(249);
  expect(begun).toEqual([]);
  await clock.pass(1);
  expect(begun).toEqual(["waiting at 250"]);
});

test("one text is put there at a time, and of those that come meanwhile the newest, as it is when its turn comes", async () => {
  const { clock, begun, write, writeLate } = publishing({ putMs: 1_000 });
  write("one");
  await clock.pass(250);
  write("two");
  let state = "three";
  writeLate(() => state);
  state = "four";
  await clock.pass(999);
  expect(begun).toEqual(["one at 250"]);
  await clock.pass(1);
  expect(begun).toEqual(["one at 250", "four at 1250"]);
});

/** Begins at 250 ms with as many texts as are put there one after the other without a pause. */
async function burstOf({ clock, write }: Pick<ReturnType<typeof publishing>, "clock" | "write">, putMs: number) {
  write("1");
  await clock.pass(250);
  for (const text of ["2", "3", "4"]) {
    write(text);
    await clock.pass(putMs);
  }
  await clock.pass(putMs);
}

test.each([
  { putMs: 0, longestPauseMs: 5_000, pauseMs: 250 },
  { putMs: 60, longestPauseMs: 5_000, pauseMs: 600 },
  { putMs: 20_000, longestPauseMs: 5_000, pauseMs: 1_000 },
  { putMs: 20_000, longestPauseMs: 100, pauseMs: 100 },
])("the pause after four texts in a row is $pauseMs ms: $putMs ms each, $longestPauseMs ms at most", async (one) => {
  const { putMs, pauseMs } = one;
  const { clock, begun, write } = publishing(one);
  await burstOf({ clock, write }, putMs);
  expect(begun).toHaveLength(4);
  for (const count of [5, 6]) {
    write("more");
    write("the newest");
    await clock.pass(pauseMs - 1);
    expect(begun).toHaveLength(count - 1);
    await clock.pass(1);
    expect(begun).toHaveLength(count);
    await clock.pass(putMs);
  }
  expect(begun.at(-1)).toMatch(/^the newest at /);
});

test("a text that comes a second after their pause is put there at once, and so are the next ones", async () => {
  const { clock, begun, write } = publishing();
  await burstOf({ clock, write }, 0);
  await clock.pass(1_250);
  for (const text of ["5", "6", "7", "8"]) {
    write(text);
    await clock.pass(0);
  }
  expect(begun.slice(4)).toEqual(["5 at 1500", "6 at 1500", "7 at 1500", "8 at 1500"]);
});

test("an end cuts the pause short", async () => {
  const { clock, begun, write, end } = publishing();
  await burstOf({ clock, write }, 0);
  write("5");
  const ended = end();
  await clock.pass(0);
  expect(await ended).toBe(true);
  await clock.pass(1_000);
  expect(begun).toHaveLength(4);
  expect(clock.pending()).toBe(0);
});

test("later texts are put there at once", async () => {
  const { clock, begun, write } = publishing();
  write("one");
  await clock.pass(1_000);
  write("two");
  await clock.pass(0);
  expect(begun).toEqual(["one at 250", "two at 1000"]);
});

test("an end before anything was begun leaves nothing", async () => {
  const { clock, begun, write, end } = publishing();
  write("waiting");
  const ended = end();
  await clock.pass(1_000);
  expect(await ended).toBe(true);
  write("late");
  await clock.pass(1_000);
  expect(begun).toEqual([]);
});

test("an end waits for the text under way, and puts none after it", async () => {
  const { clock, begun, write, end } = publishing({ putMs: 150 });
  write("one");
  await clock.pass(250);
  write("two");
  const ended = end();
  await clock.pass(150);
  expect(await ended).toBe(true);
  expect(begun).toEqual(["one at 250"]);
});

test("an end does not wait for a disk that hangs", async () => {
  const { clock, write, end } = publishing({ putMs: Number.POSITIVE_INFINITY });
  write("one");
  await clock.pass(250);
  const ended = end();
  await clock.pass(200);
  expect(await ended).toBe(false);
});
