// Two files written in turn, in a directory where others may put anything.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryDirectory } from "../support/process.ts";
import { buildRooms, startRooms } from "../support/rooms/rooms.ts";

const rooms = startRooms(await buildRooms("written-in-turn"));
afterAll(() => rooms.end());

test("of the two the one written last is found, and the other is written next", async () => {
  const directory = temporaryDirectory();
  const { gave, found } = await rooms.ask("writeInTurn", directory, ["a", "b", "c"]);
  expect({ gave, found }).toEqual({ gave: ["written", "written", "written"], found: "nothing" });
  expect(await rooms.ask("writeInTurn", directory, [])).toEqual({ found: "c", gave: [] });
  const texts = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
  expect(texts.toSorted()).toEqual(["2 b", "3 c"]);
});

test("one whose writing was cut short is passed over, and the one before is found", async () => {
  const directory = temporaryDirectory();
  await rooms.ask("writeInTurn", directory, ["a", "b"]);
  const last = readdirSync(directory).find((name) => readFileSync(join(directory, name), "utf8") === "2 b") ?? "";
  truncateSync(join(directory, last), 1);
  expect((await rooms.ask("writeInTurn", directory, [])).found).toBe("a");
});

test.each([
  ["a pipe that nobody writes to", (path: string) => execFileSync("mkfifo", [path]), "ENXIO"],
  ["a symbolic link", (path: string) => symlinkSync("/etc/hostname", path), "ELOOP"],
  ["a directory", (path: string) => mkdirSync(path), "EISDIR"],
  ["a file that is too long", (path: string) => writeFileSync(path, `9 ${"x".repeat(2_000)}`), "written"],
])("%s in their place is neither waited for nor read, and what cannot be written is told", async (_, plant, gave) => {
  const directory = temporaryDirectory();
  for (const name of ["one", "two"]) plant(join(directory, name));
  expect(await rooms.ask("writeInTurn", directory, ["a", "b"])).toEqual({ found: "nothing", gave: [gave, gave] });
});
