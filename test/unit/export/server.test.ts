// What the kernel is told when it begins to serve, what is said when it cannot, and which disk is meant.
import { describe, expect, test } from "vitest";
import { versionsLine, type ServerTrouble } from "../../../src/export/server.ts";
import { troubleError } from "../../../src/export/troubles.ts";
import { volumeOf } from "../../../src/export/volume.ts";

describe("the versions", () => {
  test.each([
    // Linux 6.1, after a start without nfs-utils.
    ["-2 +3 +4 +4.0 +4.1 +4.2", undefined, "-2 +3 +4 +4.0 +4.1 +4.2\n", ["3", "4.0", "4.1", "4.2"]],
    ["-3 +4 +4.1 +4.2", undefined, "+3 +4 +4.1 +4.2\n", ["3", "4.0", "4.1", "4.2"]],
    ["-2 +3 +4 +4.0 +4.1 +4.2", ["3"], "-2 +3 -4\n", ["3"]],
    ["+4 +4.1", undefined, "+4 +4.1\n", ["4.0", "4.1"]],
    ["+2 +3", undefined, "-2 +3\n", ["3"]],
    ["+3 +4 +4.0 +4.1 +4.2", ["4.2"], "-3 +4 -4.0 -4.1 +4.2\n", ["4.2"]],
    ["+3 +4 -4.1", ["4.1", "4.2"], "-3 +4 +4.1\n", ["4.1"]],
  ] as const)("of a kernel that says %j, with %j wanted, are set by %j", (has, wanted, line, on) => {
    expect(versionsLine(has, wanted)).toEqual({ line, on });
  });

  test("of a kernel that has none of those wanted are none", () => {
    expect(versionsLine("+2 +3", ["4.0", "4.1", "4.2"])).toBeUndefined();
    expect(versionsLine("+3 +4 +4.0", ["4.2"])).toBeUndefined();
  });
});

describe("a server that does not start says why, with the exit code", () => {
  test.each<readonly [ServerTrouble, number, RegExp]>([
    [{ kind: "not-permitted", step: "the nfsd file system", errno: "EPERM" }, 32, /nfsd file system.*CAP_SYS_ADMIN/],
    [{ kind: "no-server" }, 32, /no NFS server.*modprobe nfsd/],
    [{ kind: "port-taken", port: 2_049 }, 32, /2049.*NFS_SERVER_PORT/],
    [{ kind: "not-exportable", path: "/data", fstype: "overlay" }, 78, /\/data.*overlay.*volume.*NFS_EXPORT_SCRATCH/],
    [{ kind: "no-directory", path: "/data", errno: "ENOENT" }, 78, /\/data.*no such directory/],
    [{ kind: "no-version", has: ["+3"] }, 32, /\+3.*NFS_SERVER_VERSIONS/],
    [{ kind: "failed", step: "threads of nfsd", errno: "EIO" }, 75, /threads of nfsd.*EIO/],
  ])("%j: %s", (trouble, exitCode, words) => {
    const error = troubleError(trouble);
    expect(error.exitCode).toBe(exitCode);
    expect(`${error.message} ${error.hint}`).toMatch(words);
  });
});

describe("a disk", () => {
  /** The first bytes of one, with some of them set. */
  function head(parts: Readonly<Record<number, readonly number[]>>): Uint8Array {
    const bytes = new Uint8Array(0x1_1000);
    for (const [at, values] of Object.entries(parts)) bytes.set(values, Number(at));
    return bytes;
  }
  const text = (value: string) => Array.from(value, (one) => one.charCodeAt(0));
  const uuid = Array.from({ length: 16 }, (_, index) => index + 0xa0);
  const written = "a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf";

  test.each([
    ["ext4", { 0x438: [0x53, 0xef], 0x478: text("data"), 0x468: uuid }],
    ["xfs", { 0: text("XFSB"), 108: text("data"), 32: uuid }],
    ["btrfs", { 0x1_0040: text("_BHRfS_M"), 0x1_012b: text("data"), 0x1_0020: uuid }],
  ])("with %s is known by label and number", (fstype, parts) => {
    expect(volumeOf(head(parts))).toEqual({ fstype, label: "data", uuid: written });
  });

  test("with nothing known on it is none, however short it is", () => {
    expect(volumeOf(head({}))).toBeUndefined();
    expect(volumeOf(new Uint8Array(10))).toBeUndefined();
  });
});
