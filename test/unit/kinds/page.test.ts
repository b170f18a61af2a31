// The page about kinds names files: they are there.
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync("docs/kinds.md", "utf8");
const named = [...page.matchAll(/`(src\/[\w./-]+)`/g)].map(([, path = ""]) => path);

test.each([...new Set(named)])("the page about kinds of share names %s, which is there", (path) => {
  expect(existsSync(path)).toBe(true);
});
