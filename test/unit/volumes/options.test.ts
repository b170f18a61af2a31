import { describe, expect, test } from "vitest";
import { readNamedShare } from "../../../src/config/shares.ts";
import { noFlags } from "../../../src/config/config.ts";
import { directoryOf, lineOfVolume, readVolume, type VolumeSpec } from "../../../src/volumes/options.ts";

const plain = { type: undefined, options: undefined, subdirectory: undefined, onRemove: "keep" } as const;
const inSub = (path: string) => ({ path, owner: undefined, mode: undefined });

describe("a volume is", () => {
  test.each<readonly [string, Readonly<Record<string, string>>, string | undefined, Partial<VolumeSpec>]>([
    ["data", { share: "nas:/x" }, undefined, { source: "nas:/x" }],
    [
      "data",
      { device: "nas:/x", type: "nfs", o: "ro,vers=4.2" },
      undefined,
      { source: "nas:/x", type: "nfs", options: "ro,vers=4.2" },
    ],
    ["data", { device: ":/x", o: "addr=10.0.0.1,rw" }, undefined, { source: "10.0.0.1:/x", options: "rw" }],
    ["data", { device: ":/x", o: "addr=fd00::1" }, undefined, { source: "[fd00::1]:/x" }],
    ["data", { device: "nas:/x", o: "addr=10.0.0.1,rw" }, undefined, { source: "nas:/x", options: "rw" }],
    ["data", { share: "nas:/x", nfsopts: "ro", create: "true" }, undefined, { source: "nas:/x", options: "ro" }],
    ["nas/export/data", {}, undefined, { source: "nas:/export/data" }],
    ["nas/export/data", {}, "store:/s", { source: "nas:/export/data" }],
    ["fs-0123abcd", {}, undefined, { source: "fs-0123abcd" }],
    ["app", {}, "store:/s", { source: "store:/s", subdirectory: inSub("app") }],
    ["app", { subdir: "team/app" }, "store:/s", { source: "store:/s", subdirectory: inSub("team/app") }],
    [
      "app",
      { share: "nas:/x", subdir: "a", owner: "5", mode: "750" },
      undefined,
      { source: "nas:/x", subdirectory: { path: "a", owner: { uid: 5, gid: 5 }, mode: 0o750 } },
    ],
    [
      "app",
      { share: "nas:/x", subdir: "a", owner: "5:6", "on-remove": "delete" },
      undefined,
      { source: "nas:/x", subdirectory: { path: "a", owner: { uid: 5, gid: 6 }, mode: undefined }, onRemove: "delete" },
    ],
  ])("%s with %j and the store %s", (name, options, store, spec) => {
    expect(readVolume(name, options, store)).toEqual({ ...plain, ...spec });
  });
});

describe("a volume is refused", () => {
  test.each<readonly [Readonly<Record<string, string>>, RegExp]>([
    [{}, /share is not set.*share=HOST:\/PATH.*NFS_PLUGIN_STORE/],
    [{ share: "nas:/x", password: "s3cret" }, /^password=\*\*\* is refused.*file/],
    [{ share: "nas:/x", pw: "s3cret" }, /^pw=\*\*\* is refused/],
    [{ share: "nas:/x", shere: "y" }, /^shere is no option of a volume; there are share, device/],
    [{ device: ":/x" }, /names no host.*addr=HOST/],
    ...["..", "../x", "a/../b", "a//b", "/a", ".", "a/", ""].map(
      (subdir) => [{ share: "nas:/x", subdir: subdir === "" ? "./" : subdir }, /^subdir=".*" is refused/] as const,
    ),
    [{ share: "nas:/x", subdir: "a", owner: "root" }, /^owner="root" is refused; accepted: UID/],
    [{ share: "nas:/x", subdir: "a", mode: "rwx" }, /^mode="rwx" is refused; accepted: an octal/],
    [{ share: "nas:/x", subdir: "a", "on-remove": "wipe" }, /^on-remove="wipe" is refused; accepted: keep or delete/],
    [{ share: "nas:/x", owner: "5" }, /^owner is for a directory of the volume's own; set subdir/],
    [{ share: "nas:/x", "on-remove": "delete" }, /^on-remove is for a directory/],
  ])("with %j", (options, problem) => {
    const read = readVolume("data", options, undefined);
    expect(read).toEqual({ problem: expect.stringMatching(problem) as string });
    expect(JSON.stringify(read)).not.toContain("s3cret");
  });
});

describe("the line of a volume", () => {
  test.each([
    ["nas:/x", "", "/t", "nas:/x /t auto"],
    ["nas:/x", "a/b", "/t", "nas:/x/a/b /t auto"],
    ["nas:/", "a", "/t", "nas:/a /t auto"],
    ["nas:/my files", "a b", "/t", String.raw`nas:/my\040files/a\040b /t auto`],
    ["nfs://nas/x?ro", "a", "/t", "nfs://nas/x/a?ro /t auto"],
    ["fs-0123abcd", "a", "/t", "fs-0123abcd:/a /t auto"],
    ["fs-0123abcd:/x", "a", "/t", "fs-0123abcd:/x/a /t auto"],
  ])("of %s with %j on %s is %s", (source, path, target, line) => {
    expect(lineOfVolume({ ...plain, source }, path, target)).toBe(line);
  });

  test("is a share with its options, read like any other", () => {
    const line = lineOfVolume({ ...plain, source: "nas:/my files", options: "ro,vers=4.1" }, "sub", "/v/data");
    expect(readNamedShare({}, noFlags, "volume data", line)).toMatchObject({
      share: {
        source: { host: "nas", path: "/my files/sub" },
        target: "/v/data",
        version: "4.1",
        origin: "volume data",
      },
    });
    expect(readNamedShare({ NFS_OPTIONS: "soft" }, noFlags, "volume data", "nas:/x /t auto")).toMatchObject({
      share: { options: expect.arrayContaining(["soft"]) as string[] },
    });
    expect(readNamedShare({}, noFlags, "volume data", "nowhere /t auto")).toEqual({
      problems: [expect.stringMatching(/^volume data="nowhere/) as string],
    });
  });
});

test.each([
  ["data", "data"],
  ["my.data-1_x", "my.data-1_x"],
  [".shares", "%2eshares"],
  ["..", "%2e."],
  ["nas/export/data", "nas%2fexport%2fdata"],
  ["nas%2fexport", "nas%252fexport"],
  ["grün", "gr%c3%bcn"],
])("the directory of the volume %s is %s", (name, directory) => {
  expect(directoryOf(name)).toBe(directory);
});
