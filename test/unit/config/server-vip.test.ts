import { describe, expect, test } from "vitest";
import { vip } from "../../../src/config/export-values.ts";
import { withServerAliases } from "../../../src/config/server-aliases.ts";

describe("the virtual address of other images", () => {
  test.each([
    [{ VIP: "10.0.0.9", NIC_NAME: "eth1" }, "10.0.0.9/32@eth1"],
    [{ VIP: "10.0.0.9/24" }, "10.0.0.9/24"],
    [{ VIP: "2001:db8::9", NIC_NAME: "eth1" }, "2001:db8::9/128@eth1"],
    [{ VIP: "10.0.0.9", NFS_SERVER_VIP: "10.0.0.8/24" }, "10.0.0.8/24"],
    [{ NIC_NAME: "eth1" }, undefined],
    [{ VIP: " " }, undefined],
  ])("%j", (environment, expected) => {
    expect(withServerAliases(environment)["NFS_SERVER_VIP"]).toBe(expected);
  });
});

test("what stands there is an address, its prefix, and perhaps an interface", () => {
  expect(vip.parse("10.0.0.9/24@eth0")).toEqual({ address: "10.0.0.9", prefixLength: 24, device: "eth0" });
  expect(vip.parse("10.0.0.9")).toBeUndefined();
});
