// What is to be exported, from environment and flags.
import { describe, expect, test } from "vitest";
import { noFlags } from "../../../src/config/config.ts";
import { readExports, type ExportConfig } from "../../../src/config/exports.ts";
import { parseLine, splitLines } from "../../../src/config/exports-lines.ts";
import { withServerAliases } from "../../../src/config/server-aliases.ts";
import { exportFlags } from "../../../src/export/options.ts";

type Env = Readonly<Record<string, string>>;

const sources = {
  accounts: () => ({ passwd: "app:x:1000:1001::/:\n", group: "web:x:33:\n" }),
  readText: (path: string) => (path === "/exports" ? "/from/file 10.0.0.1(ro)\n" : undefined),
};

function read(env: Env, flags = noFlags): ExportConfig {
  const result = readExports(env, flags, sources);
  if (result.kind === "problems") throw new Error(result.problems.join("; "));
  return result.exports;
}

function problemsOf(env: Env): readonly string[] {
  const result = readExports(env, noFlags, sources);
  return result.kind === "problems" ? result.problems : [];
}

const pathsOf = ({ table }: ExportConfig) => table.exports.map(({ path }) => path);
const flagsOf = ({ table }: ExportConfig, index = 0) => table.exports[index]?.rules[0]?.options.flags ?? 0;

describe("an export", () => {
  test("needs nothing but its directory, and is for the attached networks then", () => {
    const config = read({ NFS_EXPORT: "/data" });
    expect(pathsOf(config)).toEqual(["/data"]);
    expect(config.table.exports[0]?.rules[0]?.clients).toEqual([{ kind: "attached" }]);
    expect(config.isAttachedOnly).toBe(true);
    expect(config.preparations).toMatchObject([{ path: "/data", requireMount: false, owner: undefined }]);
  });

  test("with clients is no longer for the attached networks", () => {
    const config = read({ NFS_EXPORT: "/data", NFS_EXPORT_CLIENTS: "10.0.0.0/8, web" });
    expect(config.isAttachedOnly).toBe(false);
    expect(config.table.exports[0]?.rules[0]?.clients.map(({ kind }) => kind)).toEqual(["network", "name"]);
  });

  test("by number has its own values, and falls back for clients and options alone", () => {
    const config = read({
      NFS_EXPORT: "/a",
      NFS_EXPORT_CLIENTS: "*",
      NFS_EXPORT_OPTIONS: "ro",
      NFS_EXPORT_MODE: "0700",
      NFS_10_EXPORT: "/c",
      NFS_2_EXPORT: "/b",
      NFS_2_EXPORT_OPTIONS: "rw",
      NFS_2_EXPORT_OWNER: "app:web",
    });
    expect(pathsOf(config)).toEqual(["/a", "/b", "/c"]);
    expect([0, 1, 2].map((index) => flagsOf(config, index) & exportFlags.readOnly)).toEqual([1, 0, 1]);
    expect(config.table.exports.map(({ rules }) => rules[0]?.clients[0]?.kind)).toEqual(["any", "any", "any"]);
    expect(config.preparations.map(({ mode }) => mode)).toEqual([0o700, undefined, undefined]);
    expect(config.preparations[1]?.owner).toMatchObject({ uid: 1000, gid: 33 });
  });

  test("on a disk must be a mount, unless that is switched off", () => {
    expect(read({ NFS_EXPORT: "/a", NFS_EXPORT_DEVICE: "LABEL=data" }).preparations).toMatchObject([
      { device: { kind: "label", value: "data" }, requireMount: true },
    ]);
    const off = { NFS_EXPORT: "/a", NFS_EXPORT_DEVICE: "/dev/sda1", NFS_EXPORT_REQUIRE_MOUNT: "off" };
    expect(read(off).preparations).toMatchObject([{ device: { kind: "path" }, requireMount: false }]);
  });

  test.each<readonly [Env, RegExp]>([
    [{}, /nothing is to be exported; set NFS_EXPORT/],
    [{ NFS_EXPORT: "data" }, /NFS_EXPORT="data": it does not begin with \//],
    [{ NFS_EXPORT_MODE: "755" }, /NFS_EXPORT_MODE="755": NFS_EXPORT is not set/],
    [{ NFS_3_EXPORT_OPTIONS: "ro" }, /NFS_3_EXPORT is not set/],
    [{ NFS_EXPORT: "/a", NFS_EXPORT_CLIENTS: "10.0.0.0/99" }, /10\.0\.0\.0\/99 is no address, network or host name/],
    [{ NFS_EXPORT: "/a", NFS_EXPORT_CLIENTS: "@net" }, /netgroup/],
    [{ NFS_EXPORT: "/a", NFS_EXPORT_OPTIONS: "sec=krb5p" }, /sec=krb5p is refused/],
    [{ NFS_EXPORT: "/a", NFS_EXPORT_OWNER: "nobody-here" }, /has no user "nobody-here"/],
    [
      { NFS_EXPORT: "/a", NFS_EXPORT_DEVICE: "/dev/a", NFS_EXPORT_SCRATCH: "tmpfs" },
      /a disk and a directory in memory/,
    ],
    [{ NFS_EXPORT: "/a", NFS_2_EXPORT: "/a" }, /exported twice/],
    [{ NFS_EXPORT: "/a", NFS_SERVER_VERSIONS: "2" }, /NFS_SERVER_VERSIONS="2".*any of 3, 4.0, 4.1 and 4.2/],
    [{ NFS_EXPORT: "/a", NFS_MOUNTD_PORT: "0" }, /NFS_MOUNTD_PORT="0"/],
    [{ NFS_EXPORT: "/a", NFS_SERVER_PORT: "70000" }, /NFS_SERVER_PORT="70000"/],
    [{ NFS_EXPORTS_FILE: "/nowhere" }, /cannot be read/],
  ])("with %j is refused", (env, reason) => {
    expect(problemsOf(env).join("\n")).toMatch(reason);
  });

  test("tells everything that is wrong at once", () => {
    const env = { NFS_EXPORT: "/a", NFS_EXPORT_MODE: "x", NFS_EXPORT_OPTIONS: "y", NFS_SERVER_PORT: "0" };
    expect(problemsOf(env)).toHaveLength(3);
  });
});

describe("the server", () => {
  test("has its defaults", () => {
    expect(read({ NFS_EXPORT: "/a" }).server).toEqual({
      serverVersions: undefined,
      serverPort: 2_049,
      mountdPort: 20_048,
      lockdPort: 32_768,
      statdPort: 32_765,
      serverThreads: 8,
      serverGraceMs: 90_000,
      serverLeaseMs: 90_000,
      serverState: "/var/lib/nfs-init",
      serverCheckIntervalMs: 10_000,
      serverCheckTimeoutMs: 25_000,
      serverCheckThreshold: 3,
    });
  });

  test.each([
    ["3", ["3"]],
    ["4", ["4.0", "4.1", "4.2"]],
    ["4.2, 3", ["3", "4.2"]],
  ] as const)("serves with NFS_SERVER_VERSIONS=%s the versions %j", (text, versions) => {
    expect(read({ NFS_EXPORT: "/a", NFS_SERVER_VERSIONS: text }).server.serverVersions).toEqual(versions);
  });

  test("takes a flag before its variable", () => {
    const flags = { values: new Map([["serverPort", "3049"]] as const), mounts: [] };
    expect(read({ NFS_EXPORT: "/a", NFS_SERVER_PORT: "1" }, flags).server.serverPort).toBe(3_049);
  });
});

describe("a line of exports(5)", () => {
  const everybody = [{ kind: "any" }] as const;

  test("has clients with options each", () => {
    const line = parseLine(String.raw`/my\040data 10.0.0.0/8(ro) web(rw,no_root_squash) # why`, everybody);
    expect(line).toMatchObject({ kind: "export", path: "/my data" });
    const rules = line.kind === "export" ? line.rules : [];
    expect(rules.map(({ clients }) => clients[0]?.kind)).toEqual(["network", "name"]);
    expect(rules.map(({ options }) => options.flags & exportFlags.readOnly)).toEqual([1, 0]);
  });

  test("may quote its directory, and begin with options for all", () => {
    const line = parseLine(`"/my data" -ro 10.0.0.1 10.0.0.2(rw)`, everybody);
    const rules = line.kind === "export" ? line.rules : [];
    expect(rules.map(({ options }) => options.flags & exportFlags.readOnly)).toEqual([1, 0]);
  });

  test("without clients is for those of NFS_EXPORT_CLIENTS", () => {
    expect(read({ NFS_EXPORTS: "/a", NFS_EXPORT_CLIENTS: "*" }).table.exports[0]?.rules[0]?.clients).toEqual(everybody);
  });

  test("may leave locks of version 3 without a question of who asks", () => {
    const flags = (options: string) => flagsOf(read({ NFS_EXPORTS: `/a *(${options})` }));
    // NFSEXP_NOAUTHNLM of linux/nfsd/export.h.
    for (const word of ["no_auth_nlm", "insecure_locks"]) expect(flags(word) & 0x200, word).toBe(0x200);
    for (const word of ["auth_nlm", "no_auth_nlm,secure_locks"]) expect(flags(word) & 0x200, word).toBe(0);
  });

  test.each([
    ["data *(rw)", "is no directory"],
    ["/a @net(rw)", "netgroup"],
    ["/a *(krb)", "the option krb is refused"],
    ["/a host(rw", "is no client with its options"],
  ])("%j is refused", (text, reason) => {
    const line = parseLine(text, everybody);
    expect(line.kind === "problem" ? line.reason : "").toContain(reason);
  });

  test("with a blank before its options is refused, which would give them to everybody", () => {
    expect(problemsOf({ NFS_EXPORTS: "/a 10.0.0.1 (rw)" }).join()).toContain("options without a client");
  });

  test("stands in a list and in a file, with comments", () => {
    expect(splitLines("# one\n/a *(rw);/b \\\n  *(ro)\n\n")).toEqual(["/a *(rw)", "/b    *(ro)"]);
    expect(pathsOf(read({ NFS_EXPORTS: "/a *(rw)\n/b *(ro)", NFS_EXPORTS_FILE: "/exports" }))).toEqual([
      "/a",
      "/b",
      "/from/file",
    ]);
  });
});

describe("the variables of other images", () => {
  test.each<readonly [Env, Env]>([
    [
      { SHARED_DIRECTORY: "/data" },
      {
        NFS_EXPORT: "/data",
        NFS_EXPORT_CLIENTS: "*",
        NFS_EXPORT_OPTIONS: "rw,async,insecure,no_root_squash,fsid=0",
      },
    ],
    [
      { SHARED_DIRECTORY: "/data", PERMITTED: "10.0.0.0/8", READ_ONLY: "true", SYNC: "true" },
      {
        NFS_EXPORT: "/data",
        NFS_EXPORT_CLIENTS: "10.0.0.0/8",
        NFS_EXPORT_OPTIONS: "ro,sync,insecure,no_root_squash,fsid=0",
      },
    ],
    [
      { SHARED_DIRECTORY: "/data", SHARED_DIRECTORY_2: "/data/more", SYNC: "true" },
      {
        NFS_EXPORT: "/data",
        NFS_EXPORT_CLIENTS: "*",
        NFS_2_EXPORT: "/data/more",
        NFS_2_EXPORT_OPTIONS: "rw,sync,insecure,no_root_squash",
      },
    ],
    [{ EXPORT_FOLDER: "/data", EXPORT_OPTS: "*(rw,fsid=0)" }, { NFS_EXPORTS: "/data *(rw,fsid=0)" }],
    [
      { EXPORT_FOLDER: "/data", EXPORT_OPTS: "rw,fsid=0" },
      { NFS_EXPORT: "/data", NFS_EXPORT_OPTIONS: "rw,fsid=0" },
    ],
    [{ NFS_EXPORT_1: "/b *(ro)", NFS_EXPORT_0: "/a *(rw)" }, { NFS_EXPORTS: "/a *(rw)\n/b *(ro)" }],
    [
      { NFS_EXPORT_DIR: "/d", CLIENT_IPS: "10.0.0.1" },
      { NFS_EXPORT: "/d", NFS_EXPORT_CLIENTS: "10.0.0.1" },
    ],
    [
      { MOUNTD_PORT: "2050", LOCKD_PORT: "2051" },
      { NFS_MOUNTD_PORT: "2050", NFS_LOCKD_PORT: "2051" },
    ],
    [{ NFS_EXPORT: "/mine", SHARED_DIRECTORY: "/theirs" }, { NFS_EXPORT: "/mine" }],
  ])("%j mean %j", (theirs, ours) => {
    expect(withServerAliases(theirs)).toMatchObject(ours);
  });

  test("of Kubernetes' Service nfs-server are not taken for the port", () => {
    expect(withServerAliases({ NFS_SERVER_PORT: "tcp://10.0.0.1:2049" })).toEqual({});
    expect(withServerAliases({ MOUNTD_PORT: "tcp://10.0.0.1:20048" })).toEqual({});
    expect(withServerAliases({ NFS_SERVER_PORT: "2050" })).toEqual({ NFS_SERVER_PORT: "2050" });
  });

  test("that are not set change nothing", () => {
    expect(withServerAliases({ PATH: "/bin", NFS_EXPORT: "/a" })).toEqual({ PATH: "/bin", NFS_EXPORT: "/a" });
  });
});
