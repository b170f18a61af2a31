import { describe, expect, test } from "vitest";
import { matchClient } from "../../../src/doctor/export-match.ts";

describe("a client is named", () => {
  test.each<[string, readonly string[], string]>([
    ["by a list without entries", [], "192.0.2.7"],
    ["by *", ["*"], "192.0.2.7"],
    ["by its address", ["192.0.2.6", "192.0.2.7"], "192.0.2.7"],
    ["by a network with a prefix", ["192.0.2.0/24"], "192.0.2.7"],
    ["by a network with a mask", ["192.0.2.0/255.255.255.0"], "192.0.2.7"],
    ["by a network whose address has bits beyond its prefix", ["192.0.2.9/28"], "192.0.2.7"],
    ["by the network of all", ["0.0.0.0/0"], "192.0.2.7"],
    ["by its address of IPv6, written otherwise", ["2001:DB8:0:0::7"], "2001:db8::7"],
    ["by a network of IPv6", ["2001:db8::/32"], "2001:db8:5::7"],
    ["by IPv4 where it comes in IPv6 clothes", ["192.0.2.0/24"], "::ffff:192.0.2.7"],
    ["by a link-local address with a zone", ["fe80::/10"], "fe80::1%eth0"],
    ["beside a name", ["nas.example", "192.0.2.7"], "192.0.2.7"],
  ])("%s", (_, clients, address) => {
    expect(matchClient(clients, address).kind).toBe("named");
  });
});

describe("a client is not named", () => {
  test.each<[string, readonly string[], string]>([
    ["by another address", ["192.0.2.99"], "192.0.2.7"],
    ["by an address that begins alike", ["192.0.2.70"], "192.0.2.7"],
    ["by another network", ["198.51.100.0/24"], "192.0.2.7"],
    ["just outside a network", ["192.0.2.8/29"], "192.0.2.7"],
    ["by another network with a mask", ["198.51.100.0/255.255.255.0"], "192.0.2.7"],
    ["by a network of the other family", ["2001:db8::/32"], "192.0.2.7"],
    ["by another network of IPv6", ["2001:db8:1::/48"], "2001:db8:2::7"],
  ])("%s", (_, clients, address) => {
    expect(matchClient(clients, address)).toEqual({ kind: "not-named" });
  });
});

describe("only the server can tell", () => {
  test.each([
    "nas.example",
    "*.example",
    "client?",
    "@trusted",
    "192.0.*.*",
    "gss/krb5",
    "192.0.2.0/33",
    "192.0.2.0/255.0.255.0",
    "192.0.2.0/few",
    "192.0.2.0/",
  ])("of %s", (entry) => {
    expect(matchClient(["198.51.100.1", entry], "192.0.2.7")).toEqual({ kind: "cannot-tell", entries: [entry] });
  });
});
