import { describe, expect, test } from "vitest";
import { formatNote, ownedMounts, parseNote } from "../../../src/mount/notes.ts";
import { guardSource } from "../../../src/mount/guard.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";

const note = { target: "/mnt/data", source: "nas:/export" };

describe("a note", () => {
  test("that is written is read as the same", () => {
    expect(parseNote(formatNote(note))).toEqual(note);
  });

  test.each(["", "{", "null", "7", "[]", '{"target":"/a"}', '{"target":1,"source":"nas:/a"}'])(
    "is not read from %s",
    (text) => {
      expect(parseNote(text)).toBeUndefined();
    },
  );
});

describe("a mount is ours", () => {
  const guard = { ...localMount("/mnt/data", { fstype: "tmpfs", source: guardSource }), id: 40 };
  const share = { ...nfsMount("nas:/export", "/mnt/data"), id: 41, parentId: 40 };

  test("where a note says so", () => {
    expect([...ownedMounts([note], [])]).toEqual([["/mnt/data", "nas:/export"]]);
  });

  test("where it stands on a guard, whatever a note says", () => {
    expect([...ownedMounts([], [guard, share])]).toEqual([["/mnt/data", "nas:/export"]]);
    expect([...ownedMounts([{ ...note, source: "nas:/old" }], [guard, share])]).toEqual([["/mnt/data", "nas:/export"]]);
  });

  test.each([
    ["stands on what only looks like a guard", [{ ...guard, source: "none" }, share]],
    ["stands on something else that lies on a guard", [guard, { ...share, parentId: 99 }]],
    ["has nothing underneath", [share]],
    ["is a guard alone", [guard]],
  ])("not where it %s", (_, mounts) => {
    expect([...ownedMounts([], mounts)]).toEqual([]);
  });
});
