import { expect, test } from "vitest";
import { distrust } from "../../../src/report/trust.ts";

test.each([
  ["root's file", { type: "file", uid: 0, mode: 0o644 }, "file", 1000],
  ["the reader's own file", { type: "file", uid: 1000, mode: 0o600 }, "file", 1000],
  ["root's directory", { type: "directory", uid: 0, mode: 0o755 }, "directory", 0],
  ["root's directory with setgid", { type: "directory", uid: 0, mode: 0o2755 }, "directory", 0],
] as const)("%s is believed", (_, facts, type, ownUid) => {
  expect(distrust(facts, type, ownUid)).toBeUndefined();
});

test.each([
  ["somebody else's file", { type: "file", uid: 1234, mode: 0o644 }, "file", "belongs to uid 1234"],
  ["a file that a group can write to", { type: "file", uid: 0, mode: 0o664 }, "file", "can be written by others"],
  [
    "a directory that all can write to",
    { type: "directory", uid: 0, mode: 0o1777 },
    "directory",
    "can be written by others",
  ],
  ["a link in place of a file", { type: "symlink", uid: 0, mode: 0o777 }, "file", "is not a regular file"],
  ["a pipe in place of a file", { type: "fifo", uid: 0, mode: 0o644 }, "file", "is not a regular file"],
  ["a link in place of a directory", { type: "symlink", uid: 0, mode: 0o777 }, "directory", "is not a directory"],
] as const)("%s is not", (_, facts, type, reason) => {
  expect(distrust(facts, type, 0)).toContain(reason);
});
