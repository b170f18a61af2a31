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
    [
      "media",
      { share: "//nas/media", credentials: "/run/nas", domain: "WORK" },
      undefined,
      { source: "//nas/media", options: "credentials=/run/nas,domain=WORK" },
    ],
    [
      "media",
      { device: "//nas/media", type: "cifs", o: "addr=10.0.0.1,credentials=/run/nas,vers=3.0" },
      undefined,
      { source: "//nas/media", type: "cifs", options: "credentials=/run/nas,vers=3.0" },
    ],
    [
      "media",
      {
        share: "//nas/media",
        cifsopts: "guest,ro",
        username: "app",
        security: "ntlmssp",
        fileMode: "0640",
        dirMode: "0750",
      },
      undefined,
      { source: "//nas/media", options: "guest,ro,username=app,sec=ntlmssp,file_mode=0640,dir_mode=0750" },
    ],
    ["data", { share: "fs-0123abcd:/x", type: "efs" }, undefined, { source: "fs-0123abcd:/x", type: "efs" }],
    ["nas/export/data", {}, undefined, { source: "nas:/export/data" }],
    ["nas/export/data", {}, "store:/s", { source: "nas:/export/data" }],
    ["fs-0123abcd", {}, undefined, { source: "fs-0123abcd" }],
    ["fs-0123abcd/data", {}, undefined, { source: "fs-0123abcd:/data" }],
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
    [
      { share: "//nas/x", credentials: "/run/a,ro" },
      /^credentials="\/run\/a,ro" is refused; accepted: .*without commas/,
    ],
    [{ share: "nas:/x", owner: "5" }, /^owner is for a directory of the volume's own; set subdir/],
    [{ share: "nas:/x", "on-remove": "delete" }, /^on-remove is for a directory/],
    [{ share: "nas:/x", subdir: "a", owner: "4294967295" }, /^owner="4294967295" is refused/],
    [{ share: "nas:/x", subdir: "a", owner: "1:4294967295" }, /^owner="1:4294967295" is refused/],
    [
      { share: "nas:/x", subdir: ".nfs-init-trash/a", "on-remove": "delete" },
      /^what is in the trash is not moved there/,
    ],
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
    ["nas:/what?", "a", "/t", "nas:/what?/a /t auto"],
    ["nfs://nas/x?ro", "a b/50%?", "/t", "nfs://nas/x/a%20b/50%25%3F?ro /t auto"],
    ["nfs://nas", "a", "/t", "nfs://nas/a /t auto"],
    ["//nas/media", "a", "/t", "//nas/media/a /t auto"],
    ["//nas/media/?/", "a", "/t", "//nas/media/?/a /t auto"],
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
    const media = lineOfVolume({ ...plain, source: "//nas/media", options: "guest" }, "sub", "/v/data");
    expect(readNamedShare({}, noFlags, "volume data", media)).toMatchObject({
      share: { kind: "cifs", source: { host: "nas", path: "/media/sub" }, options: ["guest"] },
    });
    const elastic = lineOfVolume({ ...plain, source: "fs-0123abcd" }, "sub", "/v/data");
    expect(readNamedShare({}, noFlags, "volume data", elastic)).toMatchObject({
      share: { kind: "efs", source: { host: "fs-0123abcd", path: "/sub" }, version: "4.1" },
    });
    expect(readNamedShare({}, noFlags, "volume data", "nowhere /t auto")).toEqual({
      problems: [expect.stringMatching(/^volume data="nowhere/) as string],
    });
  });
});

describe("the line of a volume of another kind is refused", () => {
  test.each([
    [
      "//nas/media",
      undefined,
      /do not say who the share is mounted as; .*the option credentials with a file .*or guest/,
    ],
    ["//nas/media", "username=app,password=s3cret", /a password/],
    ["//nas", "guest", /names no share of the server: \/\/host\/share/],
    ["smb://nas/media", "guest", /write a CIFS share as \/\/nas\/media/],
    ["fs-0123abcd", "tls", /tls needs the tunnel of Amazon's own mount helper/],
    ["fs-0123abcd", "vers=3", /EFS speaks NFS 4\.1 and 4\.0, and not 3/],
  ])("%s with %s", (source, options, problem) => {
    const read = readNamedShare({}, noFlags, "volume data", lineOfVolume({ ...plain, source, options }, "", "/v/data"));
    expect(read).toEqual({ problems: [expect.stringMatching(problem) as string] });
    expect(JSON.stringify(read)).not.toContain("s3cret");
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
