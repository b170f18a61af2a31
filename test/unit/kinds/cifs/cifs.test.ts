// What is true of CIFS alone: its sources, options, versions, the call, and what a failure means.
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import { fstabLines, planMounts } from "../../../../src/plan/plan.ts";
import { mountText } from "../../../../src/kinds/mount-text.ts";
import { cifs } from "../../../../src/kinds/cifs/cifs.ts";
import { parseCredentials, parsePassword } from "../../../../src/kinds/cifs/credentials.ts";
import { classifyErrno } from "../../../../src/kinds/cifs/failures.ts";
import { kernelMount } from "../../../../src/kinds/cifs/mounting.ts";

const { sources, options, versions } = cifs;

describe("a source", () => {
  test.each([
    ["//nas/media", "nas", "/media"],
    ["//nas.example/media/films/old", "nas.example", "/media/films/old"],
    ["//192.0.2.7/c$", "192.0.2.7", "/c$"],
    ["//2001:db8::7/media", "2001:db8::7", "/media"],
    ["//[2001:db8::7]/media//./x/", "2001:db8::7", "/media/x"],
    ["//nas/Größe 1", "nas", "/Größe 1"],
  ])("%s is a host and a share", (text, host, path) => {
    expect(sources.parse(text)).toEqual({ source: { host, path }, options: [], warnings: [] });
  });

  test.each([
    ["//nas", /no share/],
    ["//nas/", /no share/],
    ["//na..s/media", /not a host name/],
    ["//user:x@nas/media", /not a host name/],
    ["//nas/media/../x", /'\.\.'/],
    ["//nas/media\\x", /with \//],
    [String.raw`\\nas\media\x`, /\/\/nas\/media\/x/],
    ["smb://nas/media", /\/\/nas\/media/],
    [`//nas/${"a".repeat(1_024)}`, /longer/],
  ])("%s is refused with the way out", (text, problem) => {
    expect(sources.isMeant(text)).toBe(true);
    expect(sources.parse(text)).toEqual({ problem: expect.stringMatching(problem) as string });
  });

  test.each(["nas:/media", "nfs://nas/media", "fs-0123abcd"])("%s is none of CIFS", (text) => {
    expect(sources.isMeant(text)).toBe(false);
  });
});

describe("options", () => {
  test.each([
    [["hard"], /who the share is mounted as/],
    [["guest", "ip=192.0.2.1"], /^ip= is found/],
    [["guest", String.raw`unc=\\nas\x`], /^unc= is found/],
    [["username=a", "password=b"], /password/],
    [["credentials=here"], /absolute/],
  ])("%j are refused", (given, problem) => {
    expect(options.problem(given, "nas")).toMatch(problem);
  });

  test.each([[["guest"]], [["credentials=/run/secrets/nas"]], [["username=a"]], [["sec=krb5i"]], [["sec=none"]]])(
    "%j say who the share is mounted as",
    (given) => {
      expect(options.problem(given, "nas")).toBeUndefined();
    },
  );

  test.each([
    [["guest"], "auto"],
    [["guest", "vers=default"], "auto"],
    [["guest", "vers=3.11"], "3.1.1"],
    [["guest", "vers=3.0.2"], "3.02"],
  ])("%j name version %s", (given, version) => {
    expect(versions.agree([], { name: "NFS_MOUNTS", options: given })).toEqual({ kind: "version", version });
  });

  test.each([
    [["vers=1.0"], /not safe/],
    [["vers=4.2"], /accepted are/],
    [["vers=2.1", "vers=3.0"], /several/],
  ])("%j name no version that could be", (given, problem) => {
    expect(versions.agree([], { name: "NFS_MOUNTS", options: given })).toMatchObject({
      kind: "bad-options",
      problem: expect.stringMatching(problem) as string,
    });
  });
});

describe("a share in a list", () => {
  test("has its file of credentials in the fstab line, and nothing of NFS_OPTIONS and NFS_VERSION", () => {
    const env = {
      NFS_VERSION: "4.1",
      NFS_OPTIONS: "nolock",
      NFS_MOUNTS: "//nas/media /mnt/media cifs credentials=/run/secrets/nas,uid=1000,vers=3.0",
    };
    const result = readConfig(env, { values: new Map(), mounts: [] });
    if (result.kind !== "config") throw new Error(result.problems.join("\n"));
    const plan = planMounts(result.config, { mounts: [], readLink: () => undefined, owned: new Map() });
    if (plan.kind !== "plan") throw new Error(plan.problems.join("\n"));
    expect(fstabLines(plan.plan)).toEqual([
      "//nas/media /mnt/media cifs credentials=/run/secrets/nas,uid=1000,vers=3.0 0 0",
    ]);
  });
});

describe("a mount call", () => {
  const share = { label: "//nas/media", version: "auto" };
  const addresses = { server: "192.0.2.1" };

  test("has the address, the flags, and a file of secrets that only the kernel is to see", () => {
    const given = ["hard", "ro", "_netdev", "credentials=/run/secrets/nas", "x-nfs-init.watch-only"];
    const call = kernelMount({ ...share, options: given }, addresses);
    expect(call).toMatchObject({
      source: "//nas/media",
      fstype: "cifs",
      flags: 1,
      data: "hard,iocharset=utf8,ip=192.0.2.1",
    });
    expect(call.secretsFile?.path).toBe("/run/secrets/nas");
  });

  test("has the user of the options, and the file of the password alone", () => {
    const given = ["username=anna", "domain=WORK", "x-nfs-init.password-file=/run/secrets/nas"];
    const call = kernelMount({ ...share, options: given }, addresses);
    expect(call.data).toBe("username=anna,domain=WORK,iocharset=utf8,ip=192.0.2.1");
    expect(call.secretsFile).toMatchObject({ path: "/run/secrets/nas", lack: "no-password" });
  });

  test("states the version where one is asked for", () => {
    const call = kernelMount({ ...share, version: "3.1.1", options: ["username=a", "vers=3.1.1"] }, addresses);
    expect(call.data).toBe("username=a,iocharset=utf8,ip=192.0.2.1,vers=3.1.1");
  });

  test("of a guest names no user", () => {
    expect(kernelMount({ ...share, options: ["guest"] }, addresses).data).toBe("iocharset=utf8,ip=192.0.2.1,username=");
  });
});

describe("a file of credentials", () => {
  test("keeps every character of a password, and doubles a comma for the kernel alone", () => {
    const secrets = parseCredentials("  username = anna\r\npassword= a,\"b' =%ü \ndomain=WORK\n# password=no\n");
    if (secrets === undefined) throw new Error("it names nobody");
    expect([...secrets].map(([name, secret]) => [name, secret.reveal()])).toEqual([
      ["username", " anna"],
      ["password", " a,\"b' =%ü "],
      ["domain", "WORK"],
    ]);
    expect(mountText({ data: "ip=192.0.2.1", secrets })).toContain("password= a,,\"b' =%ü ");
    expect(JSON.stringify([...secrets])).not.toContain("b'");
  });

  test.each(["", "password=x", "anna:x"])("that names no user is of no use: %j", (text) => {
    expect(parseCredentials(text)).toBeUndefined();
  });
});

describe("a file of a password", () => {
  test.each([
    ["a,\"b' =%ü \n", "a,\"b' =%ü "],
    ["a\r\nb\n", "a"],
    [" ", " "],
  ])("is its first line alone, as it stands: %j", (text, password) => {
    expect(parsePassword(text)?.get("password")?.reveal()).toBe(password);
  });

  test.each(["", "\n", "\r\nx"])("that is empty is of no use: %j", (text) => {
    expect(parsePassword(text)).toBeUndefined();
  });
});

describe("a failure", () => {
  test.each([
    ["EACCES", "permanent"],
    ["ENOENT", "permanent"],
    ["no-credentials", "permanent"],
    ["no-password", "permanent"],
    ["EHOSTDOWN", "transient"],
    ["EINPROGRESS", "transient"],
    ["ECONNREFUSED", "transient"],
    ["ENODEV", "unsupported"],
    ["EBUSY", "look"],
    ["EXYZ", "transient"],
  ])("%s is %s", (errno, prospect) => {
    expect(classifyErrno(errno)).toMatchObject({ prospect, cause: errno });
  });
});
