import { hasOption, optionValue, splitOptions } from "../../../../src/shares/options.ts";
import { mountCallOptions, planOptions, transportProblem } from "../../../../src/kinds/nfs/options.ts";
import { narrowerVersion, versionInOptions, versionsToTry } from "../../../../src/kinds/nfs/versions.ts";
import { describe, expect, test } from "vitest";

test("options are parted by commas, and empty ones are none", () => {
  expect(splitOptions("rw,,hard,")).toEqual(["rw", "hard"]);
  expect(splitOptions("")).toEqual([]);
});

test("of an option that is given twice the last one counts", () => {
  expect(optionValue(["port=1", "hard", "port=2"], "port")).toBe("2");
  expect(optionValue(["mountaddr=a", "mounthost=b"], "mountaddr", "mounthost")).toBe("b");
  expect(optionValue(["ro"], "ro")).toBe("");
  expect(optionValue(["x-a=b=c"], "x-a")).toBe("b=c");
  expect(optionValue(["rox=1"], "ro")).toBeUndefined();
  expect(hasOption(["local_lock=none"], "local_lock")).toBe(true);
});

describe("a transport", () => {
  test.each([
    [["rdma"], "nas", /RDMA/],
    [["vers=3", "rdma", "port=20049"], "nas", /RDMA/],
    [["proto=rdma"], "nas", /RDMA/],
    [["proto=rdma6"], "2001:db8::1", /RDMA/],
    [["mountproto=rdma"], "nas", /RDMA/],
    [["proto=tcp"], "2001:db8::1", /IPv4.*IPv6.*proto=tcp6/],
    [["proto=udp"], "2001:db8::1", /proto=udp6/],
    [["proto=tcp6"], "192.0.2.1", /IPv6.*IPv4.*proto=tcp$/],
    [["mountproto=tcp"], "2001:db8::1", /mountproto=tcp6/],
    [["mountproto=tcp6", "mountaddr=192.0.2.9"], "2001:db8::1", /192\.0\.2\.9.*mountproto=tcp$/],
  ])("%j of %s is refused by name", (options, host, problem) => {
    expect(transportProblem(options, host)).toMatch(problem);
  });

  test.each([
    [["proto=tcp"], "192.0.2.1"],
    [["proto=tcp6"], "2001:db8::1"],
    [["proto=tcp6"], "nas"],
    [["tcp"], "2001:db8::1"],
    [["proto=tcp6", "proto=tcp"], "192.0.2.1"],
    [["mountproto=tcp", "mountaddr=192.0.2.9"], "2001:db8::1"],
    [["hard"], "nas"],
  ])("%j of %s is taken", (options, host) => {
    expect(transportProblem(options, host)).toBeUndefined();
  });
});

describe("the version in options", () => {
  test.each([
    [["hard"], { kind: "none" }],
    [["vers=3"], { kind: "version", version: "3" }],
    [["nfsvers=4.1"], { kind: "version", version: "4.1" }],
    [["v4.2"], { kind: "version", version: "4.2" }],
    [["v3"], { kind: "version", version: "3" }],
    [["vers=4", "minorversion=1"], { kind: "version", version: "4.1" }],
    [["vers=4.1", "nfsvers=4.1"], { kind: "version", version: "4.1" }],
    [["vers=4.1", "minorversion=1"], { kind: "version", version: "4.1" }],
    [["minorversion=1"], { kind: "minor", version: "4.1" }],
  ])("%j is %j", (options, version) => {
    expect(versionInOptions(options)).toEqual(version);
  });

  test.each([
    [["vers=2"]],
    [["vers=4.3"]],
    [["vers="]],
    [["vers=auto"]],
    [["vers=3", "nfsvers=4"]],
    [["v3", "v4"]],
    [["minorversion=3"]],
    [["minorversion="]],
    [["vers=4.1", "minorversion=2"]],
    [["vers=3", "minorversion=1"]],
  ])("%j cannot be", (options) => {
    expect(versionInOptions(options)).toMatchObject({ kind: "problem" });
  });
});

test.each([
  ["auto", "3", "3"],
  ["3", "auto", "3"],
  ["4", "4.1", "4.1"],
  ["4.1", "4", "4.1"],
  ["4.1", "4.1", "4.1"],
  ["auto", "auto", "auto"],
  ["3", "4", undefined],
  ["3", "4.1", undefined],
  ["4.0", "4.1", undefined],
  ["4.2", "3", undefined],
] as const)("of %s and %s the narrower is %s", (one, other, narrower) => {
  expect(narrowerVersion(one, other)).toBe(narrower);
});

test("versions are tried from the newest on", () => {
  expect(versionsToTry("auto")).toEqual(["4.2", "4.1", "4.0", "3"]);
  expect(versionsToTry("4")).toEqual(["4.2", "4.1", "4.0"]);
  expect(versionsToTry("4.1")).toEqual(["4.1"]);
  expect(versionsToTry("3")).toEqual(["3"]);
});

describe("the options of the fstab line", () => {
  test.each([
    ["hard,nolock", "auto", "hard,nolock"],
    ["soft", "auto", "soft,nolock"],
    ["soft", "3", "soft,nolock,vers=3"],
    ["soft", "4", "soft,vers=4"],
    ["soft", "4.1", "soft,vers=4.1"],
    ["lock", "3", "lock,vers=3"],
    ["local_lock=flock", "auto", "local_lock=flock"],
    ["nfsvers=3", "3", "nfsvers=3,nolock"],
    ["vers=4.1,hard", "4.1", "vers=4.1,hard"],
    ["x-mount.mkdir,nofail", "4.2", "x-mount.mkdir,nofail,vers=4.2"],
    ["noauto,user", "4.2", "noauto,user,vers=4.2"],
    ["bg,hard,nolock", "auto", "hard,nolock"],
    ["retry=5,hard,nolock", "auto", "hard,nolock"],
  ] as const)("%s with version %s are %s", (options, version, planned) => {
    expect(planOptions(splitOptions(options), version).options.join(",")).toBe(planned);
  });

  test("say that bg and retry= were removed", () => {
    expect(planOptions(["bg", "hard", "retry=10000"], "4.2").warnings).toEqual([
      expect.stringContaining("bg is removed"),
      expect.stringContaining("retry=10000 is removed"),
    ]);
    expect(planOptions(["hard", "fg"], "4.2").warnings).toEqual([]);
  });
});

describe("the options of a mount call", () => {
  test("are one attempt at one version", () => {
    expect(mountCallOptions(["hard", "nolock"], "4.2")).toEqual(["hard", "nolock", "retry=0", "vers=4.2"]);
  });

  test.each(["vers=3", "nfsvers=4", "v4.1", "minorversion=1"])("name no other version than that (%s)", (option) => {
    expect(mountCallOptions(["hard", option], "4.0")).toEqual(["hard", "retry=0", "vers=4.0"]);
  });

  test.each(["auto", "noauto", "nofail", "_netdev", "fg", "comment=x", "x-systemd.automount", "X-mine=1", "nouser"])(
    "leave out %s, which is for fstab's other readers",
    (option) => {
      expect(mountCallOptions([option, "hard"], "3")).toEqual(["hard", "retry=0", "vers=3"]);
    },
  );

  test("hold what user implies, unless a later option says otherwise", () => {
    expect(mountCallOptions(["user", "exec"], "3")).toEqual(["noexec", "nosuid", "nodev", "exec", "retry=0", "vers=3"]);
    expect(mountCallOptions(["group"], "3")).toEqual(["nosuid", "nodev", "retry=0", "vers=3"]);
  });

  test("hold nothing that a later nouser takes back", () => {
    expect(mountCallOptions(["user", "hard", "nouser"], "3")).toEqual(["hard", "retry=0", "vers=3"]);
    expect(mountCallOptions(["nouser", "user"], "3")).toEqual(["noexec", "nosuid", "nodev", "retry=0", "vers=3"]);
  });

  test("keep everything else in its order", () => {
    const options = ["ro", "proto=tcp6", "port=2050", "sec=krb5p", "rsize=1048576", "noatime"];
    expect(mountCallOptions(options, "4.1")).toEqual([...options, "retry=0", "vers=4.1"]);
  });
});
