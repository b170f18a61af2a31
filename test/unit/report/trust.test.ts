import { expect, test } from "vitest";
import { distrust } from "../../../src/report/trust.ts";

const file = 0o100_000;
const directory = 0o040_000;
const link = 0o120_000;
const pipe = 0o010_000;

test.each([
  ["root's file", { uid: 0, mode: file | 0o644 }, "file", 1000],
  ["the reader's own file", { uid: 1000, mode: file | 0o600 }, "file", 1000],
  ["root's directory", { uid: 0, mode: directory | 0o755 }, "directory", 0],
  ["root's directory with setgid", { uid: 0, mode: directory | 0o2755 }, "directory", 0],
] as const)("%s is believed", (_, facts, type, ownUid) => {
  expect(distrust(facts, type, ownUid)).toBeUndefined();
});

test.each([
  ["somebody else's file", { uid: 1234, mode: file | 0o644 }, "file", "belongs to uid 1234"],
  ["a file that a group can write to", { uid: 0, mode: file | 0o664 }, "file", "can be written by others"],
  ["a directory that all can write to", { uid: 0, mode: directory | 0o1777 }, "directory", "can be written by others"],
  ["a link in place of a file", { uid: 0, mode: link | 0o777 }, "file", "is not a regular file"],
  ["a pipe in place of a file", { uid: 0, mode: pipe | 0o644 }, "file", "is not a regular file"],
  ["a link in place of a directory", { uid: 0, mode: link | 0o777 }, "directory", "is not a directory"],
] as const)("%s is not", (_, facts, type, reason) => {
  expect(distrust(facts, type, 0)).toContain(reason);
});
