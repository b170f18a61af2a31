import { describe, expect, test } from "vitest";
import { formatNote, nameOfTarget, ownedMounts, parseNote } from "../../../src/mount/notes.ts";
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

describe("the name that stands for a target", () => {
  test("is its path, without a slash, and tells targets apart that look alike", () => {
    expect(nameOfTarget("/mnt/data")).toBe("+mnt+data");
    expect(nameOfTarget("/mnt/a+b")).toBe("+mnt+a%2Bb");
    expect(nameOfTarget("/mnt/%2F")).toBe("+mnt+%252F");
    expect(nameOfTarget("/mnt/ü")).toBe("+mnt+%C3%BC");
  });

  test("is cut where it would be too long for a name, and ends with a hash of the whole", () => {
    const longest = `/mnt/${"a".repeat(195)}`;
    expect(nameOfTarget(longest)).toBe(`+mnt+${"a".repeat(195)}`);
    // The hash is that of the test of wyhash.
    expect(nameOfTarget(`/mnt/${"a".repeat(201)}`)).toBe(`+mnt+${"a".repeat(145)}~9796880e4fb1ec4d`);
  });
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
