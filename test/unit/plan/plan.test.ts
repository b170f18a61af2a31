import { foreignLinesOn, fstabEntryOf, planMounts, type PlanFacts } from "../../../src/plan/plan.ts";
import { isShareOf } from "../../../src/kinds/kinds.ts";
import { describe, expect, test } from "vitest";
import type { Environment } from "../../../src/config/config.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";
import { configOf, emptyMachine, planOf, shareOf } from "../fakes/shares.ts";

const two: Environment = { NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/one", NFS_2_MOUNT_POINT: "/two" };
const one: Environment = { NFS_HOST: "nas", NFS_HOST_MOUNT: "/export", NFS_MOUNT_POINT: "/data" };

function problemsOf(environment: Environment, facts: Partial<PlanFacts> = {}): readonly string[] {
  const result = planMounts(configOf(environment), { ...emptyMachine, ...facts });
  return result.kind === "problems" ? result.problems : [];
}

describe("a plan", () => {
  test("of no shares is empty", () => {
    expect(planOf({}).shares).toEqual([]);
  });

  test("keeps shares in their order where none lies below another", () => {
    const { shares } = planOf({
      NFS_HOST: "nas",
      NFS_2_MOUNT_POINT: "/z",
      NFS_1_MOUNT_POINT: "/a",
      NFS_MOUNTS: "nas:/m /m",
    });
    expect(shares.map(({ target, parent }) => [target, parent])).toEqual([
      ["/a", undefined],
      ["/z", undefined],
      ["/m", undefined],
    ]);
  });

  test("has the nearest share above each, which comes first", () => {
    const { shares } = planOf({
      NFS_HOST: "nas",
      NFS_1_MOUNT_POINT: "/a/b/c",
      NFS_2_MOUNT_POINT: "/a",
      NFS_3_MOUNT_POINT: "/a/b",
      NFS_4_MOUNT_POINT: "/ab",
    });
    expect(shares.map(({ target, parent }) => [target, parent?.target])).toEqual([
      ["/a", undefined],
      ["/a/b", "/a"],
      ["/a/b/c", "/a/b"],
      ["/ab", undefined],
    ]);
  });

  // As many as an environment can name: what takes the square of it runs into the test's time limit.
  test("of very many shares takes no longer for each than one of few", () => {
    const numbers = Array.from({ length: 20_000 }, (_, index) => index);
    const targets = Object.fromEntries(
      numbers.map((index) => [`NFS_${index}_MOUNT_POINT`, `/m/${index % 100}/${index}`]),
    );
    const { shares } = planOf({ NFS_HOST: "nas", NFS_MOUNT_POINT: "/m", ...targets });
    expect(shares).toHaveLength(20_001);
    expect(shares.at(-1)?.parent?.target).toBe("/m");
    // A second alone, and minutes where each share is held against each other one.
  }, 60_000);

  test("finds the share above by real paths", () => {
    const texts: Readonly<Record<string, string>> = { "/links": "/real" };
    const { shares } = planOf(
      { NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/links/a/sub", NFS_2_MOUNT_POINT: "/real/a" },
      { readLink: (path) => texts[path] },
    );
    expect(shares.map(({ target, realTarget, parent }) => [target, realTarget, parent?.realTarget])).toEqual([
      ["/real/a", "/real/a", undefined],
      ["/links/a/sub", "/real/a/sub", "/real/a"],
    ]);
  });

  test("does not follow a link that another share will hide", () => {
    // /one is going to be covered by a share, so what lies in the local directory leads nowhere.
    const texts: Readonly<Record<string, string>> = { "/one/sub": "/elsewhere" };
    const { shares } = planOf(
      { NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/one", NFS_2_MOUNT_POINT: "/one/sub/x" },
      { readLink: (path) => texts[path] },
    );
    expect(shares.map(({ realTarget, parent }) => [realTarget, parent?.realTarget])).toEqual([
      ["/one", undefined],
      ["/one/sub/x", "/one"],
    ]);
  });

  test("names a share as mountinfo will", () => {
    expect(shareOf({ NFS_HOST: "2001:db8::1", NFS_HOST_MOUNT: "/x y" }).label).toBe("[2001:db8::1]:/x y");
  });

  test("keeps the target as it was written for the fstab line", () => {
    const [share] = planOf(one, { readLink: (path) => (path === "/data" ? "/srv" : undefined) }).shares;
    expect(share?.realTarget).toBe("/srv");
    expect(share === undefined ? undefined : fstabEntryOf(share)).toEqual({
      source: "nas:/export",
      target: "/data",
      fstype: "nfs",
      options: "hard,nolock",
      freq: 0,
      passno: 0,
    });
  });
});

describe("a plan is refused", () => {
  test("for a target that the system needs, by name", () => {
    const [problem] = problemsOf({ ...one, NFS_MOUNT_POINT: "/etc" });
    expect(problem).toMatch(/^NFS_MOUNT_POINT: \/etc cannot be a mount point: /);
  });

  test("for a target that leads to one, with both names", () => {
    const [problem] = problemsOf(one, { readLink: (path) => (path === "/data" ? "/proc/sys" : undefined) });
    expect(problem).toContain("/data (/proc/sys) cannot be a mount point");
  });

  test("for a target whose links run in circles", () => {
    const [problem] = problemsOf(one, { readLink: (path) => (path === "/data" ? "/data" : undefined) });
    expect(problem).toMatch(/\/data cannot be a mount point: .*circles/);
  });

  test("for the same target twice, with the names of both", () => {
    const [problem, ...more] = problemsOf({ NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/a", NFS_2_MOUNT_POINT: "/a/" });
    expect(more).toEqual([]);
    expect(problem).toMatch(/^NFS_2_MOUNT_POINT: .*NFS_1_MOUNT_POINT is the same directory/);
  });

  test("for two names of one directory", () => {
    const [problem] = problemsOf(two, { readLink: (path) => (path === "/two" ? "one" : undefined) });
    expect(problem).toMatch(/^NFS_2_MOUNT_POINT: \/two \(\/one\) .*NFS_1_MOUNT_POINT/);
  });

  test("for every target at once", () => {
    expect(
      problemsOf({ NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/etc", NFS_2_MOUNT_POINT: "/ok", NFS_MOUNTS: "nas:/x /proc" }),
    ).toEqual([
      expect.stringContaining("NFS_1_MOUNT_POINT: /etc"),
      expect.stringContaining("NFS_MOUNTS line 1: /proc"),
    ]);
  });

  test("for the state directory", () => {
    expect(problemsOf({ ...one, NFS_MOUNT_POINT: "/run/nfs-init" })[0]).toContain("NFS_STATE_DIR");
  });

  test("for the state directory under another name", () => {
    const readLink = (path: string) => (path === "/var/run" ? "/run" : undefined);
    const env = { ...one, NFS_STATE_DIR: "/var/run/state", NFS_MOUNT_POINT: "/var/run/state" };
    expect(problemsOf(env, { readLink })[0]).toContain("NFS_STATE_DIR");
    expect(problemsOf({ ...env, NFS_MOUNT_POINT: "/run/state" }, { readLink })[0]).toContain("NFS_STATE_DIR");
  });

  test("for a target that carries a foreign share", () => {
    const [problem] = problemsOf(one, { mounts: [nfsMount("other:/x", "/data")] });
    expect(problem).toMatch(/other:\/x is mounted there, and not by nfs-init/);
  });

  test("for a target that carries a foreign share although an earlier instance mounted another there", () => {
    const facts = { mounts: [nfsMount("other:/x", "/data")], owned: new Map([["/data", "nas:/old"]]) };
    expect(problemsOf(one, facts)[0]).toContain("other:/x is mounted there");
  });

  test("for a target in an emptyDir that propagates to the host", () => {
    const root = "/var/lib/kubelet/pods/3c/volumes/kubernetes.io~empty-dir/shares";
    const mounts = [localMount("/data", { root, optional: ["shared:30"] })];
    expect(problemsOf({ ...one, NFS_MOUNT_POINT: "/data/x" }, { mounts })[0]).toContain("emptyDir");
  });
});

describe("a plan accepts a target", () => {
  test.each<[string, Partial<PlanFacts>]>([
    ["that carries the same share", { mounts: [nfsMount("nas:/export", "/data")] }],
    [
      "that carries another share of an earlier instance",
      { mounts: [nfsMount("nas:/old", "/data")], owned: new Map([["/data", "nas:/old"]]) },
    ],
    ["that carries a local file system", { mounts: [localMount("/data")] }],
    [
      "that once carried a foreign share, below a local one",
      { mounts: [nfsMount("other:/x", "/data"), localMount("/data")] },
    ],
    ["beside a foreign share", { mounts: [nfsMount("other:/x", "/data2"), nfsMount("other:/x", "/data/sub")] }],
  ])("%s", (_, facts) => {
    expect(problemsOf(one, facts)).toEqual([]);
  });
});

describe("a mounted file system", () => {
  const share = shareOf();
  test.each([
    ["of the same source is the share", nfsMount("nas:/export", "/mnt/data"), true],
    ["of the same source is the share in version 3", nfsMount("nas:/export", "/mnt/data", { fstype: "nfs" }), true],
    ["of another path is not", nfsMount("nas:/export2", "/mnt/data"), false],
    ["of a path below is not", nfsMount("nas:/export/sub", "/mnt/data"), false],
    ["of another server is not", nfsMount("nas2:/export", "/mnt/data"), false],
    ["of another type is not", localMount("/mnt/data", { source: "nas:/export" }), false],
    ["of an automounter is not", localMount("/mnt/data", { fstype: "autofs", source: "nas:/export" }), false],
  ])("%s", (_, mount, expected) => {
    expect(isShareOf(mount, share)).toBe(expected);
  });

  const byAddress = shareOf({ NFS_HOST: "192.0.2.1" });
  test.each([
    ["at the share's address, by name, is the share", nfsMount("nas:/export", "/x"), true],
    ["at another address is not", nfsMount("nas:/export", "/x", { superOptions: ["addr=192.0.2.10"] }), false],
    ["at the share's address on another path is not", nfsMount("nas:/other", "/x"), false],
    ["on a longer path is not", nfsMount("nas:/a/export", "/x"), false],
    ["on a longer path with a colon is not", nfsMount("nas:/a:/export", "/x"), false],
  ])("%s", (_, mount, expected) => {
    expect(isShareOf(mount, byAddress)).toBe(expected);
  });
});

test("foreign lines on our targets are found, by the target's name and by its real path", () => {
  const plan = planOf(two, { readLink: (path) => (path === "/two" ? "/srv/two" : undefined) });
  const text = [
    "# nas:/c /one nfs",
    "nas:/old /one nfs defaults 0 0",
    "/dev/sdb1 /srv/two ext4 rw 0 2",
    "nas:/x /three nfs rw",
    "nas:/y /one/sub nfs rw",
  ].join("\n");
  expect(foreignLinesOn(plan, text).map(({ share, source }) => [share.target, source])).toEqual([
    ["/one", "nas:/old"],
    ["/two", "/dev/sdb1"],
  ]);
});
