import { isShareMount, kinds } from "../../../src/kinds/kinds.ts";
import { parseMountinfo, topMountOn } from "../../../src/shares/mountinfo.ts";
import { describe, expect, test } from "vitest";
import fixture from "../../fixtures/mountinfo.json" with { type: "json" };
import { localMount, nfsMount } from "../fakes/mounts.ts";

interface Expected {
  readonly id: number;
  readonly parent: number;
  readonly major: number;
  readonly minor: number;
  readonly root: string;
  readonly mountpoint: string;
  readonly options: readonly string[];
  readonly optional: readonly string[];
  readonly fstype: string;
  readonly source: string;
  readonly super_options: readonly string[];
}
interface Line {
  readonly name: string;
  readonly line: string;
  readonly expected?: Expected;
}
const lines = fixture.lines as readonly Line[];

/** Lines whose last field holds a blank or a quoted comma: readers differ there, and NFS has neither. */
const superOptionsDiffer = /extra fields|unescaped space|comma inside quotes/;

describe("a line of mountinfo", () => {
  test.each(lines.filter(({ expected }) => expected !== undefined))("is read: $name", ({ name, line, expected }) => {
    const [record, ...more] = parseMountinfo(`${line}\n`);
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      id: expected?.id,
      parentId: expected?.parent,
      device: `${expected?.major}:${expected?.minor}`,
      root: expected?.root,
      target: expected?.mountpoint,
      options: expected?.options,
      optional: expected?.optional,
      fstype: expected?.fstype,
      source: expected?.source,
    });
    if (!superOptionsDiffer.test(name)) expect(record?.superOptions).toEqual(expected?.super_options);
  });

  test.each(lines.filter(({ expected }) => expected === undefined))("is passed over: $name", ({ line }) => {
    expect(parseMountinfo(`${line}\n`)).toEqual([]);
  });

  test("may have a lone - before its optional fields", () => {
    const [record] = parseMountinfo("36 25 0:52 - /mnt rw shared:1 - tmpfs x rw");
    expect(record).toMatchObject({ root: "-", target: "/mnt", optional: ["shared:1"], fstype: "tmpfs" });
  });

  test("keeps the mark of a mount point that was removed", () => {
    const [record] = parseMountinfo(String.raw`36 25 0:52 / /mnt/gone\040(deleted) rw - nfs4 nas:/x rw,vers=4.2`);
    expect(record?.target).toBe("/mnt/gone (deleted)");
  });
});

describe("a whole mountinfo", () => {
  test.each(fixture.files)("is read: $name", ({ text, records, nfs_mountpoints }) => {
    const parsed = parseMountinfo(text);
    expect(parsed).toHaveLength(records);
    expect(parsed.filter(kinds.nfs.mounts.isMounted).map(({ target }) => target)).toEqual(nfs_mountpoints);
  });

  test("without a line is none", () => {
    expect(parseMountinfo("")).toEqual([]);
  });
});

test("of mounts stacked on a path the last one is what a look reaches", () => {
  const below = localMount("/mnt/data");
  const above = nfsMount("nas:/x", "/mnt/data");
  expect(topMountOn([below, localMount("/mnt"), above, localMount("/mnt/data/sub")], "/mnt/data")).toBe(above);
  expect(topMountOn([below], "/mnt/dat")).toBeUndefined();
});

test.each([
  ["nfs", true],
  ["nfs4", true],
  ["nfsd", false],
  ["autofs", false],
  ["ext4", false],
])("%s is a share: %s", (fstype, isShare) => {
  expect(isShareMount(localMount("/x", { fstype }))).toBe(isShare);
});
