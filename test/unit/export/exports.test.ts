import { describe, expect, test } from "vitest";
import {
  domainOf,
  entryFor,
  exportTable,
  pathInVersion4,
  pathOf,
  type Export,
  type ExportTable,
} from "../../../src/export/exports.ts";
import { defaultOptions, exportFlags, fsidOf, parseOptions } from "../../../src/export/options.ts";
import { exportOn, tableOf } from "./tables.ts";

const around = { attached: [], resolve: () => [] };

/** What an address gets at a path. */
function got(table: ExportTable, address: string, path: string) {
  const domain = domainOf(table, address, around);
  return domain === undefined ? undefined : entryFor(table, domain, path);
}

describe("version 4", () => {
  const paths = (...exports: readonly Export[]) => exports.map((each) => pathInVersion4(exports, each));

  test("has exports at their own paths", () => {
    expect(paths(exportOn("/srv/a", "*(rw)"), exportOn("/b", "*(rw)"))).toEqual(["/srv/a", "/b"]);
  });

  test("begins at the export with fsid=0, and has those below it from there, and no other", () => {
    const exports = [exportOn("/srv", "*(rw,fsid=0)"), exportOn("/srv/a/b", "*(rw)"), exportOn("/srvb", "*(rw)")];
    expect(paths(...exports)).toEqual(["/", "/a/b", undefined]);
    expect(paths(exportOn("/", "*(rw,fsid=0)"), exportOn("/a", "*(rw)"))).toEqual(["/", "/a"]);
  });
});

describe("a client", () => {
  const table = tableOf(
    exportOn("/srv/a", "10.0.0.0/8(rw)", "10.1.0.0/16(ro)"),
    exportOn("/srv/b", "10.0.0.5(rw,all_squash)"),
  );

  test("gets what its narrowest rule says", () => {
    expect((got(table, "10.0.0.1", "/srv/a")?.flags ?? 0) & exportFlags.readOnly).toBe(0);
    expect((got(table, "10.1.0.1", "/srv/a")?.flags ?? 0) & exportFlags.readOnly).toBe(exportFlags.readOnly);
  });

  test("gets nothing of an export that does not name it", () => {
    expect(got(table, "10.0.0.1", "/srv/b")).toBeUndefined();
    expect(got(table, "10.0.0.5", "/srv/b")?.flags).toBe(defaultOptions.flags | exportFlags.allSquash);
    expect(domainOf(table, "11.0.0.1", around)).toBeUndefined();
  });

  test("gets nothing beside or below the exports", () => {
    expect(got(table, "10.0.0.1", "/srv/c")).toBeUndefined();
    expect(got(table, "10.0.0.1", "/srv/a/below")).toBeUndefined();
    expect(got(table, "10.0.0.1", "/etc")).toBeUndefined();
  });

  test("walks through the directories above what it may have, and through no others", () => {
    const apart = tableOf(exportOn("/a/b", "10.0.0.1(rw)"), exportOn("/c/d", "10.0.0.2(rw)"));
    expect(got(apart, "10.0.0.1", "/")).toMatchObject({ fsid: 0 });
    expect((got(apart, "10.0.0.1", "/a")?.flags ?? 0) & exportFlags.v4Root).toBe(exportFlags.v4Root);
    expect((got(apart, "10.0.0.1", "/a")?.flags ?? 0) & exportFlags.readOnly).toBe(exportFlags.readOnly);
    expect(got(apart, "10.0.0.1", "/c")).toBeUndefined();
  });

  test("that is the server itself may have everything, from a port below 1024 alone", () => {
    const entry = got(table, "127.0.0.1", "/srv/b");
    expect(entry?.flags).toBe((defaultOptions.flags | exportFlags.allSquash) & ~exportFlags.insecurePort);
    expect(got(table, "127.0.0.2", "/srv/b")).toBeUndefined();
  });
});

describe("a file system id", () => {
  test("is the same for a path at every start, and of 31 bits", () => {
    expect(fsidOf("/data")).toBe(fsidOf("/data"));
    expect(fsidOf("/data")).not.toBe(fsidOf("/data2"));
    for (const path of ["/", "/a", "/srv/exp", "/ü"]) {
      expect(fsidOf(path)).toBeGreaterThan(0);
      expect(fsidOf(path)).toBeLessThan(2 ** 31);
    }
  });

  test("leads to its path", () => {
    const table = tableOf(exportOn("/srv/a", "*(fsid=7)"), exportOn("/srv/b", "*()"));
    const none = () => [];
    expect(pathOf(table, 7, none)).toBe("/srv/a");
    expect(pathOf(table, fsidOf("/srv/b"), none)).toBe("/srv/b");
    expect(pathOf(table, 0, none)).toBe("/");
    expect(pathOf(table, 12_345, none)).toBeUndefined();
    expect(got(table, "1.2.3.4", "/srv")?.fsid).toSatisfy((fsid: number) => pathOf(table, fsid, none) === "/srv");
  });

  test("0 makes the export the root of version 4, with nothing above it", () => {
    const table = tableOf(exportOn("/data", "*(fsid=0)"));
    expect(pathOf(table, 0, () => [])).toBe("/data");
    expect(got(table, "1.2.3.4", "/data")).toMatchObject({ fsid: 0 });
    expect(got(table, "1.2.3.4", "/")).toBeUndefined();
  });

  test("that two exports have is a problem that names both", () => {
    expect(exportTable([exportOn("/a", "*(fsid=3)"), exportOn("/b", "*(fsid=3)")])).toEqual({
      problems: [expect.stringMatching(/\/b and \/a .*id 3.*fsid=/)],
    });
    expect(exportTable([exportOn("/a", "*()"), exportOn("/a", "*()")])).toMatchObject({
      problems: [expect.stringContaining("exported twice")],
    });
  });
});

describe("a mount below an export", () => {
  test("is shown with crossmnt, with an id of its own", () => {
    const table = tableOf(exportOn("/srv", "*(crossmnt)"));
    const entry = got(table, "1.2.3.4", "/srv/disk");
    expect(entry?.fsid).toBe(fsidOf("/srv/disk"));
    expect(pathOf(table, fsidOf("/srv/disk"), () => ["/", "/srv/disk"])).toBe("/srv/disk");
    expect(pathOf(table, fsidOf("/etc/disk"), () => ["/etc/disk"])).toBeUndefined();
  });
});

describe("options", () => {
  test.each([
    ["", defaultOptions],
    ["ro", { ...defaultOptions, flags: defaultOptions.flags | exportFlags.readOnly }],
    ["ro,rw", defaultOptions],
    ["no_root_squash", { ...defaultOptions, flags: defaultOptions.flags & ~exportFlags.rootSquash }],
    ["fsid=root", { ...defaultOptions, fsid: 0 }],
    ["anonuid=1000,anongid=4294967295", { ...defaultOptions, anonUid: 1000, anonGid: 4_294_967_295 }],
    [
      "fsid=0,rw,sync,no_subtree_check,all_squash,anonuid=65534,anongid=65534",
      { ...defaultOptions, flags: defaultOptions.flags | exportFlags.allSquash, fsid: 0 },
    ],
  ])("%j are understood", (text, options) => {
    expect(parseOptions(text)).toEqual({ kind: "options", options });
  });

  test.each([
    ["sec=krb5", "sec=krb5", "sec=sys"],
    ["rw,subtree_check", "subtree_check", "leave it out"],
    ["refer=/x@y", "refer=/x@y", "referrals"],
    ["fsid=0d2f", "fsid=0d2f", "number"],
    ["anonuid=-2", "anonuid=-2", "32 bits"],
    ["roo", "roo", "no option"],
  ])("%j are refused by name", (text, word, reason) => {
    const parsed = parseOptions(text);
    expect(parsed.kind === "problem" ? parsed.reason : "").toContain(`the option ${word} is refused`);
    expect(parsed.kind === "problem" ? parsed.reason : "").toContain(reason);
  });
});
