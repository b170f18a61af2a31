import { splitOptions } from "../../../../src/shares/options.ts";
import type { ExactVersion } from "../../../../src/kinds/nfs/versions.ts";
import { kernelMount, wantsHelper } from "../../../../src/kinds/nfs/mount-data.ts";
import type { MountAddresses } from "../../../../src/kinds/mounting.ts";
import { describe, expect, test } from "vitest";
import { shareOf } from "../../fakes/shares.ts";

const nas: MountAddresses = { server: "192.0.2.1", mountd: undefined };

/** The call for options as they stand in an fstab line. */
function callFor(options: string, version: ExactVersion = "4.2", addresses = nas) {
  return kernelMount({ label: "nas:/export", options: splitOptions(options) }, version, addresses);
}

/** The options in the text, without the version and the addresses that every call has. */
function texts(options: string, version?: ExactVersion): readonly string[] {
  return splitOptions(callFor(options, version).data).filter((option) => !/^(?:vers|addr)=/.test(option));
}

const noexecNosuidNodev = 0x8 | 0x2 | 0x4;

describe("the flags of a mount call", () => {
  // Numbers of linux/mount.h.
  const rows = [
    [0x1, "ro", "rw"],
    [0x2, "nosuid", "suid"],
    [0x4, "nodev", "dev"],
    [0x8, "noexec", "exec"],
    [0x10, "sync", "async"],
    [0x40, "mand", "nomand"],
    [0x100, "nosymfollow", "symfollow"],
    [0x400, "noatime", "atime"],
    [0x800, "nodiratime", "diratime"],
    [0x8000, "silent", "loud"],
    [0x20_0000, "relatime", "norelatime"],
    [0x80_0000, "iversion", "noiversion"],
    [0x100_0000, "strictatime", "nostrictatime"],
    [0x200_0000, "lazytime", "nolazytime"],
  ] as const;

  test.each([...rows, [0x80, "dirsync", undefined] as const])("hold %i for %s", (flag, option) => {
    expect(callFor(option).flags).toBe(flag);
  });

  test.each(rows)("do not hold %i for %s once %s follows", (flag, set, clear) => {
    expect(callFor(`${set},${clear}`).flags).toBe(0);
    expect(callFor(`${clear},${set}`).flags).toBe(flag);
    expect(callFor(`${set},${clear},${set}`).flags).toBe(flag);
  });

  test.each(rows)("lose %i and no other by an option's inverse", (flag, set, clear) => {
    const everything = rows.map(([, option]) => option).join(",");
    const all = rows.reduce((sum, [one]) => sum + one, 0);
    expect(callFor(`${everything},${clear}`).flags).toBe(all - flag);
    expect(callFor(`${clear},${everything}`).flags, set).toBe(all);
  });

  test.each([...rows.flatMap(([, ...options]) => options), "dirsync"])("are all that comes of %s", (option) => {
    expect(texts(option)).toEqual([]);
  });

  test.each(["", "hard,nolock,port=2049", "defaults", "rw,suid,dev,exec,async,atime,norelatime"])(
    "are none where nothing else is asked for (%s)",
    (options) => {
      expect(callFor(options).flags).toBe(0);
    },
  );

  test.each(["roxy", "ro=1", "noatime=1", "nodevx"])("come of whole options only (%s)", (option) => {
    expect(callFor(option)).toMatchObject({ flags: 0, data: `${option},vers=4.2,addr=192.0.2.1` });
  });

  test.each([
    ["user", noexecNosuidNodev],
    ["users", noexecNosuidNodev],
    ["owner", 0x2 | 0x4],
    ["group", 0x2 | 0x4],
    ["user,exec", 0x2 | 0x4],
    ["exec,user", noexecNosuidNodev],
    ["user,suid,dev,exec", 0],
    ["ro,user", 0x1 | noexecNosuidNodev],
  ])("hold what %s implies, unless a later option says otherwise", (options, flags) => {
    expect(callFor(options).flags).toBe(flags);
    expect(texts(options)).toEqual([]);
  });
});

describe("the text of a mount call", () => {
  test.each<[ExactVersion, string]>([
    ["3", "nfs"],
    ["4.0", "nfs4"],
    ["4.1", "nfs4"],
    ["4.2", "nfs4"],
  ])("of version %s is that version's alone, for file system %s", (version, fstype) => {
    expect(callFor("hard,nolock", version)).toEqual({
      source: "nas:/export",
      fstype,
      flags: 0,
      data: `hard,nolock,vers=${version},addr=192.0.2.1`,
    });
  });

  test.each(["vers=3", "nfsvers=4", "v4.1", "minorversion=1"])("names no other version (%s)", (option) => {
    expect(callFor(`hard,${option}`, "4.0").data).toBe("hard,vers=4.0,addr=192.0.2.1");
  });

  test("is the version and the address where there are no options", () => {
    expect(callFor("").data).toBe("vers=4.2,addr=192.0.2.1");
  });

  test.each<[string, string, MountAddresses, string]>([
    ["3", "mounthost=gate", { server: "192.0.2.1", mountd: "192.0.2.9" }, "addr=192.0.2.1,mountaddr=192.0.2.9"],
    ["3", "mountaddr=gate", { server: "192.0.2.1", mountd: "192.0.2.9" }, "addr=192.0.2.1,mountaddr=192.0.2.9"],
    ["3", "mounthost=nas", { server: "192.0.2.1", mountd: undefined }, "addr=192.0.2.1"],
    ["3", "mounthost=gate", { server: "2001:db8::1", mountd: "2001:db8::9" }, "addr=2001:db8::1,mountaddr=2001:db8::9"],
    ["4.2", "mounthost=gate", { server: "192.0.2.1", mountd: "192.0.2.9" }, "addr=192.0.2.1"],
    ["4.2", "addr=192.0.2.66", { server: "192.0.2.1", mountd: undefined }, "addr=192.0.2.1"],
    ["4.2", "proto=tcp6", { server: "2001:db8::1", mountd: undefined }, "addr=2001:db8::1"],
    ["4.2", "", { server: "fe80::1%eth0", mountd: undefined }, "addr=fe80::1%eth0"],
  ])("of version %s with %s names %j by their addresses, and by nothing else", (version, option, addresses, named) => {
    const { data } = callFor(option, version as ExactVersion, addresses);
    expect(splitOptions(data).filter((one) => /^(?:addr|mountaddr|mounthost)=/.test(one))).toEqual(named.split(","));
  });

  test("leaves the source as mountinfo shows it, brackets included", () => {
    const share = shareOf({ NFS_HOST: "2001:db8::1", NFS_OPTIONS: "hard" });
    const call = kernelMount(share, "4.2", { server: "2001:db8::1", mountd: undefined });
    expect(call.source).toBe("[2001:db8::1]:/export");
    expect(call.data).toMatch(/(?:^|,)addr=2001:db8::1$/);
  });

  test.each([
    "x-nfs-init.helper",
    "x-mount.mkdir",
    "x-systemd.automount",
    "x-mine=1",
    "X-mine=1",
    "retry=0",
    "retry=10000",
    "defaults",
    "noauto",
    "nofail",
    "_netdev",
    "comment=x",
    "fg",
  ])("has nothing of %s, which the kernel does not know", (option) => {
    expect(callFor(`hard,${option},nolock`).data).toBe("hard,nolock,vers=4.2,addr=192.0.2.1");
  });

  test.each(["mountport=892", "mountproto=tcp", "mountvers=3", "clientaddr=192.0.2.5", "retrans=3", "addrx=1"])(
    "has %s, which the kernel knows or judges",
    (option) => {
      expect(texts(option, "3")).toEqual([option]);
    },
  );

  // nfs(5): an alternative to mount.nfs -s, which has the kernel pass over options it does not know.
  test("has sloppy, which the kernel acts on", () => {
    expect(texts("sloppy,hard")).toEqual(["sloppy", "hard"]);
  });

  test("keeps the options in their order, also those given twice, whatever flags stand between them", () => {
    const options = "sec=krb5p,ro,rsize=1048576,proto=tcp6,noatime,port=2050,rsize=4096,nosharecache";
    expect(texts(options)).toEqual([
      "sec=krb5p",
      "rsize=1048576",
      "proto=tcp6",
      "port=2050",
      "rsize=4096",
      "nosharecache",
    ]);
  });

  test("keeps a comma between double quotes", () => {
    const context = 'context="system_u:object_r:nfs_t:s0:c1,c2"';
    expect(callFor(`${context},hard`).data).toBe(`${context},hard,vers=4.2,addr=192.0.2.1`);
  });
});

describe("mount.nfs", () => {
  test.each<[string, ExactVersion]>([
    ["x-nfs-init.helper", "4.2"],
    ["x-nfs-init.helper", "4.1"],
    ["x-nfs-init.helper", "4.0"],
    ["x-nfs-init.helper,nolock", "3"],
    ["x-nfs-init.helper,local_lock=all", "3"],
    ["", "3"],
    ["hard", "3"],
    ["lock", "3"],
    ["nolock,lock", "3"],
    ["nolock,hard,lock,soft", "3"],
    // These leave fcntl or flock locks to the server, by NLM, which needs rpc.statd.
    ["local_lock=none", "3"],
    ["local_lock=posix", "3"],
    ["local_lock=flock", "3"],
    ["local_lock=all,local_lock=none", "3"],
  ])("is wanted with '%s' in version %s", (options, version) => {
    expect(wantsHelper({ options: splitOptions(options) }, version)).toBe(true);
  });

  test.each<[string, ExactVersion]>([
    ["", "4.2"],
    ["hard", "4.1"],
    ["lock", "4.2"],
    ["lock", "4.0"],
    ["local_lock=none", "4.1"],
    ["nolock", "3"],
    ["lock,nolock", "3"],
    ["hard,nolock,soft", "3"],
    ["local_lock=all", "3"],
    ["local_lock=none,local_lock=all", "3"],
    ["nolock,x-nfs-init.helpers", "3"],
    ["x-helper", "4.2"],
  ])("is not wanted with '%s' in version %s", (options, version) => {
    expect(wantsHelper({ options: splitOptions(options) }, version)).toBe(false);
  });

  test("is not wanted by a share of which nothing is said", () => {
    const share = shareOf();
    expect((["4.2", "4.1", "4.0", "3"] as const).filter((version) => wantsHelper(share, version))).toEqual([]);
  });
});
