import { isSameOrBelow } from "../../../src/shares/paths.ts";
import { targetRefusal, resolveTarget, type ReadLink } from "../../../src/plan/target.ts";
import { describe, expect, test } from "vitest";
import { localMount, nfsMount } from "../fakes/mounts.ts";

const stateDir = "/run/nfs-init";

/** Symbolic links by path; a look at a path of `never` fails the test. */
function links(texts: Readonly<Record<string, string>>, never: readonly string[] = []): ReadLink {
  return (path) => {
    if (never.some((one) => isSameOrBelow(path, one))) throw new Error(`${path} was looked at`);
    return texts[path];
  };
}

describe("the real path of a target", () => {
  test.each([
    ["a path without links", "/mnt/data", {}, "/mnt/data"],
    ["the root", "/", {}, "/"],
    ["an absolute link", "/data/sub", { "/data": "/srv/real" }, "/srv/real/sub"],
    ["a relative link", "/mnt/data/sub", { "/mnt/data": "other" }, "/mnt/other/sub"],
    ["a relative link upwards", "/mnt/a/b/sub", { "/mnt/a/b": "../../srv" }, "/srv/sub"],
    ["a link above the root", "/mnt/data", { "/mnt": "../../../srv" }, "/srv/data"],
    ["links to links", "/a/x", { "/a": "/b", "/b": "c", "/c": "/d/./e" }, "/d/e/x"],
    ["a link to the root", "/a/etc", { "/a": "/" }, "/etc"],
    ["a link below what a link leads to", "/a/b", { "/a": "/srv", "/srv/b": "/proc" }, "/proc"],
    ["the link at the end of the path", "/mnt/data", { "/mnt/data": "/proc/sys" }, "/proc/sys"],
    ["a link with slashes to spare", "/a//b/", { "/a": "//srv///x/" }, "/srv/x/b"],
  ] as const)("is found through %s", (_, target, texts, real) => {
    expect(resolveTarget(target, [], links(texts))).toBe(real);
  });

  test.each([
    ["itself", { "/a": "/a" }],
    ["one that leads back", { "/a": "/b/x", "/b": "/a" }],
    ["one that grows", { "/a": "a/a" }],
  ])("is none where a link leads to %s", (_, texts) => {
    expect(resolveTarget("/a/data", [], links(texts))).toBeUndefined();
  });

  test("is found through as many links as the kernel follows, and through no more", () => {
    const chain = (length: number) =>
      links(Object.fromEntries(Array.from({ length }, (_, index) => [`/l${index}`, `/l${index + 1}`])));
    expect(resolveTarget("/l0/data", [], chain(40))).toBe("/l40/data");
    expect(resolveTarget("/l0/data", [], chain(41))).toBeUndefined();
  });

  test("is found without a look at or below a mounted share", () => {
    const mounts = [localMount("/"), nfsMount("nas:/a", "/mnt/share")];
    const readLink = links({ "/mnt/share/sub": "/proc" }, ["/mnt/share"]);
    expect(resolveTarget("/mnt/share/sub/deep", mounts, readLink)).toBe("/mnt/share/sub/deep");
    expect(resolveTarget("/mnt/share", mounts, readLink)).toBe("/mnt/share");
  });

  test("is found without a look at a share that a link leads to", () => {
    const mounts = [nfsMount("nas:/a", "/mnt/share", { fstype: "nfs" })];
    const readLink = links({ "/data": "/mnt/share/x" }, ["/mnt/share"]);
    expect(resolveTarget("/data/y", mounts, readLink)).toBe("/mnt/share/x/y");
  });

  test("is found without a look at a mount below a share", () => {
    const mounts = [nfsMount("nas:/a", "/mnt/share"), localMount("/mnt/share/tmp", { fstype: "tmpfs" })];
    const readLink = links({}, ["/mnt/share"]);
    expect(resolveTarget("/mnt/share/tmp/x", mounts, readLink)).toBe("/mnt/share/tmp/x");
  });

  test("is found without a look at a mount point, which can only be a directory", () => {
    const readLink: ReadLink = (path) => {
      if (path === "/mnt/disk") throw new Error("was looked at");
      return path === "/mnt/disk/link" ? "/srv" : undefined;
    };
    expect(resolveTarget("/mnt/disk/link/x", [localMount("/mnt/disk")], readLink)).toBe("/srv/x");
  });

  test("is found through links beside a share", () => {
    const mounts = [nfsMount("nas:/a", "/mnt/share")];
    expect(resolveTarget("/mnt/shared/x", mounts, links({ "/mnt/shared": "/srv" }, ["/mnt/share"]))).toBe("/srv/x");
    // A link may lead through a share and out of it again.
    const texts = { "/a": "/mnt/share/../b", "/mnt/b": "/proc" };
    expect(resolveTarget("/a", mounts, links(texts, ["/mnt/share"]))).toBe("/proc");
  });
});

describe("a target", () => {
  test.each([
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
    "/var/run",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib64",
    "/bin/x",
    "/boot/x",
    "/dev/shm",
    "/lib/modules",
    "/lib64/x",
    "/proc/1/root",
    "/proc/sys",
    "/sbin/x",
    "/sys/fs/cgroup",
    "/usr/bin/x",
    "/usr/sbin/x",
    "/usr/lib/x/y",
    "/usr/lib64/x",
    "/run/nfs-init",
    "/run/nfs-init/targets",
  ])("may not be %s", (target) => {
    expect(targetRefusal(target, [], stateDir)).toBeDefined();
  });

  test.each([
    "/data",
    "/mnt",
    "/mnt/data",
    "/srv/x",
    "/home",
    "/opt",
    "/tmp",
    "/root/x",
    "/binary",
    "/devices",
    "/etc/letsencrypt",
    "/procurement",
    "/run/data",
    "/run/nfs-init-data",
    "/runs",
    "/systems/x",
    "/usr/local",
    "/usr/local/bin",
    "/usr/share/nginx/html",
    "/usr/src/app",
    "/var/lib/postgresql/data",
    "/var/www",
    "/var/lock",
    "/var/run/app",
  ])("may be %s", (target) => {
    expect(targetRefusal(target, [], stateDir)).toBeUndefined();
  });

  test.each(["/state", "/state/nfs", "/state/nfs/targets"])("may not be %s where that holds the state", (target) => {
    expect(targetRefusal(target, [], "/state/nfs")).toContain("NFS_STATE_DIR");
  });

  const emptyDir = "/var/lib/kubelet/pods/3c/volumes/kubernetes.io~empty-dir/data";
  const shared = localMount("/data", { root: emptyDir, optional: ["shared:30", "master:1"] });
  test.each([
    ["is", "/data"],
    ["lies in", "/data/sub/deep"],
  ])("may not be what %s an emptyDir that propagates to the host", (_, target) => {
    const mounts = [localMount("/"), shared];
    expect(targetRefusal(target, mounts, stateDir)).toMatch(/emptyDir.*hostPath/);
  });

  test("may not lie in a subdirectory of such an emptyDir", () => {
    const mounts = [localMount("/data", { root: `${emptyDir}/sub`, optional: ["shared:30"] })];
    expect(targetRefusal("/data/x", mounts, stateDir)).toContain("emptyDir");
  });

  test.each([
    ["an emptyDir that does not propagate", [localMount("/data", { root: emptyDir, optional: ["master:30"] })]],
    ["an emptyDir that is private", [localMount("/data", { root: emptyDir })]],
    ["a hostPath that propagates", [localMount("/data", { root: "/srv/shares", optional: ["shared:30"] })]],
    ["another mount in that emptyDir", [shared, localMount("/data/sub", { optional: ["shared:31"] })]],
    ["a volume on top of that emptyDir", [shared, localMount("/data", { optional: ["shared:31"] })]],
    ["a neighbour of that emptyDir", [localMount("/dat", { root: emptyDir, optional: ["shared:30"] })]],
  ])("may lie in %s", (_, mounts) => {
    expect(targetRefusal("/data/sub/x", [localMount("/"), ...mounts], stateDir)).toBeUndefined();
  });
});

test.each([
  ["/a", "/a", true],
  ["/a/b", "/a", true],
  ["/ab", "/a", false],
  ["/a", "/a/b", false],
  ["/a", "/", true],
  ["/", "/", true],
])("%s is or lies below %s: %s", (path, directory, expected) => {
  expect(isSameOrBelow(path, directory)).toBe(expected);
});
