import { describe, expect, test } from "vitest";
import { parseClient, type Client } from "../../../src/export/clients.ts";
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

const around = { attached: [], resolve: () => [] };

function clientOf(word: string): Client {
  const client = parseClient(word);
  if (client === undefined) throw new Error(`${word} is no client`);
  return client;
}

function optionsOf(text: string) {
  const parsed = parseOptions(text);
  if (parsed.kind === "problem") throw new Error(parsed.reason);
  return parsed.options;
}

/** `10.0.0.0/8(ro)` each. */
function one(path: string, ...rules: readonly string[]): Export {
  return {
    path,
    origin: `NFS_EXPORT of ${path}`,
    rules: rules.map((rule) => {
      const [, client = "", options = ""] = /^([^(]*)\((.*)\)$/.exec(rule) ?? [];
      return { clients: [clientOf(client)], options: optionsOf(options) };
    }),
  };
}

function tableOf(...exports: readonly Export[]): ExportTable {
  const table = exportTable(exports);
  if ("problems" in table) throw new Error(table.problems.join("; "));
  return table;
}

/** What an address gets at a path. */
function got(table: ExportTable, address: string, path: string) {
  const domain = domainOf(table, address, around);
  return domain === undefined ? undefined : entryFor(table, domain, path);
}

describe("version 4", () => {
  const paths = (...exports: readonly Export[]) => exports.map((each) => pathInVersion4(exports, each));

  test("has exports at their own paths", () => {
    expect(paths(one("/srv/a", "*(rw)"), one("/b", "*(rw)"))).toEqual(["/srv/a", "/b"]);
  });

  test("begins at the export with fsid=0, and has those below it from there, and no other", () => {
    const exports = [one("/srv", "*(rw,fsid=0)"), one("/srv/a/b", "*(rw)"), one("/srvb", "*(rw)")];
    expect(paths(...exports)).toEqual(["/", "/a/b", undefined]);
    expect(paths(one("/", "*(rw,fsid=0)"), one("/a", "*(rw)"))).toEqual(["/", "/a"]);
  });
});

describe("a client", () => {
  const table = tableOf(one("/srv/a", "10.0.0.0/8(rw)", "10.1.0.0/16(ro)"), one("/srv/b", "10.0.0.5(rw,all_squash)"));

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
    const apart = tableOf(one("/a/b", "10.0.0.1(rw)"), one("/c/d", "10.0.0.2(rw)"));
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
    const table = tableOf(one("/srv/a", "*(fsid=7)"), one("/srv/b", "*()"));
    const none = () => [];
    expect(pathOf(table, 7, none)).toBe("/srv/a");
    expect(pathOf(table, fsidOf("/srv/b"), none)).toBe("/srv/b");
    expect(pathOf(table, 0, none)).toBe("/");
    expect(pathOf(table, 12_345, none)).toBeUndefined();
    expect(got(table, "1.2.3.4", "/srv")?.fsid).toSatisfy((fsid: number) => pathOf(table, fsid, none) === "/srv");
  });

  test("0 makes the export the root of version 4, with nothing above it", () => {
    const table = tableOf(one("/data", "*(fsid=0)"));
    expect(pathOf(table, 0, () => [])).toBe("/data");
    expect(got(table, "1.2.3.4", "/data")).toMatchObject({ fsid: 0 });
    expect(got(table, "1.2.3.4", "/")).toBeUndefined();
  });

  test("that two exports have is a problem that names both", () => {
    expect(exportTable([one("/a", "*(fsid=3)"), one("/b", "*(fsid=3)")])).toEqual({
      problems: [expect.stringMatching(/\/b and \/a .*id 3.*fsid=/)],
    });
    expect(exportTable([one("/a", "*()"), one("/a", "*()")])).toMatchObject({
      problems: [expect.stringContaining("exported twice")],
    });
  });
});

describe("a mount below an export", () => {
  test("is shown with crossmnt, with an id of its own", () => {
    const table = tableOf(one("/srv", "*(crossmnt)"));
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
