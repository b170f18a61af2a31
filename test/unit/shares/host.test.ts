import { describe, expect, test } from "vitest";
import { explainHost, parseHost } from "../../../src/shares/host.ts";

describe("a host", () => {
  test.each([
    ["nas", "nas"],
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8::1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1%eth0"],
  ])("%s is %s", (text, host) => {
    expect(parseHost(text)).toBe(host);
  });

  test.each([
    "",
    "nas:2049",
    "nas/data",
    "[nas]",
    "[]",
    "-nas",
    "nas-",
    ".",
    "a..b",
    "nas ",
    "10.0.0",
    "1.2.3.4.",
    "größe",
    "[192.0.2.1]",
    "fe80::1",
    "[FE80::1]",
  ])("%j is none", (text) => {
    expect(parseHost(text)).toBeUndefined();
  });

  test.each([
    ["nas1:/a,nas2:/a", /more than one host/],
    ["nas1 nas2", /more than one host/],
    ["nas1,nas2", /more than one host/],
    ["http://nas", /the host alone: nas$/],
    ["https://nas:8443/x", /the host alone/],
    ["nfs://nas/exp", /NFS_HOST_MOUNT.*NFS_MOUNTS/],
    ["nas:/exp", /NFS_HOST=nas and NFS_HOST_MOUNT=\/exp/],
    ["nas/exp", /NFS_HOST_MOUNT/],
    ["/exp", /path.*NFS_HOST_MOUNT/],
    ["~/exp", /path/],
    ["//nas/exp", /CIFS/],
    [String.raw`\\nas\exp`, /CIFS/],
    ["nas:2049", /port=2049/],
    ["fe80::1", /interface.*fe80::1%eth0/],
    ["[fe80::1]", /interface.*fe80::1%eth0/],
  ])("%j is none, and the way out is said", (text, way) => {
    expect(parseHost(text)).toBeUndefined();
    expect(explainHost(text)).toMatch(way);
  });

  test.each(["größe", "-nas", "10.0.0.300", ""])("%j is none, without a guess", (text) => {
    expect(explainHost(text)).toBeUndefined();
  });
});
