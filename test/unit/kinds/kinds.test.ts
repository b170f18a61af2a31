import { describe, expect, test } from "vitest";
import { isShareMount, isShareOf, kindOf, kinds, labelOf, readSource } from "../../../src/kinds/kinds.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";
import { shareOf } from "../fakes/shares.ts";

describe("a source", () => {
  test("is of the kind that takes it", () => {
    expect(readSource("nas:/data?x")).toMatchObject({ kind: "nfs", source: { host: "nas", path: "/data?x" } });
  });

  test("that no kind takes is refused with what one looks like", () => {
    expect(readSource("nas")).toEqual({ problem: "it has no host and path" });
  });
});

describe("a mount", () => {
  const share = shareOf();

  test("of a share is known as one, of whichever kind", () => {
    expect(isShareMount(nfsMount("nas:/export", "/mnt/data"))).toBe(true);
    expect(isShareMount(localMount("/mnt/data"))).toBe(false);
  });

  test.each([
    ["its source", nfsMount("nas:/export", "/mnt/data"), true],
    ["another path of its server", nfsMount("nas:/other", "/mnt/data"), false],
    ["another server", nfsMount("nas2:/export", "/mnt/data"), false],
    ["a local file system", localMount("/mnt/data"), false],
  ])("is this share where it is of %s", (_, mount, isThis) => {
    expect(isShareOf(mount, share)).toBe(isThis);
  });

  test("is named by its kind", () => {
    expect(labelOf(share)).toBe(share.label);
    expect(kindOf(share)).toBe(kinds.nfs);
  });
});

describe("a kind", () => {
  const all = Object.entries(kinds);
  const hosts: Readonly<Record<string, string>> = { efs: "fs-0123abcd" };

  test.each(all)("takes its own sources as it writes them: %s", (name, { sources }) => {
    const source = { host: hosts[name] ?? "nas", path: "/export" };
    expect(readSource(sources.format(source))).toMatchObject({ kind: name, source });
  });
});
