import { describe, expect, test } from "vitest";
import {
  addressBytes,
  attachedNetworks,
  explainClient,
  fits,
  formatNetwork,
  isFarNetwork,
  isIn,
  networksMeet,
  parseClient,
  type Network,
  type Surroundings,
} from "../../../src/export/clients.ts";

function networkOf(word: string): Network {
  const client = parseClient(word);
  if (client?.kind !== "network") throw new Error(`${word} is no network`);
  return client.network;
}

const nowhere: Surroundings = { attached: [], resolve: () => [] };

describe("a client", () => {
  test.each([
    ["*", { kind: "any" }],
    ["10.1.2.3", { kind: "network", network: { bytes: [10, 1, 2, 3], prefix: 32 } }],
    ["10.0.0.0/8", { kind: "network", network: { bytes: [10, 0, 0, 0], prefix: 8 } }],
    ["10.0.0.0/255.240.0.0", { kind: "network", network: { bytes: [10, 0, 0, 0], prefix: 12 } }],
    ["0.0.0.0/0", { kind: "network", network: { bytes: [0, 0, 0, 0], prefix: 0 } }],
    ["nas.example.org", { kind: "name", name: "nas.example.org" }],
    ["web-1", { kind: "name", name: "web-1" }],
  ])("%s is understood", (word, client) => {
    expect(parseClient(word)).toEqual(client);
  });

  test.each([
    "10.0.0.0/33",
    "10.0.0/8",
    "10.0.0.256",
    "10.0.0.0/255.0.255.0",
    "a/b",
    "@group",
    "*.example.org",
    "-x",
    "",
  ])("%j is none", (word) => {
    expect(parseClient(word)).toBeUndefined();
  });

  test.each([
    ["@hosts", "netgroup"],
    ["*.example.org", "wildcards"],
    ["gss/krb5", "Kerberos"],
  ])("that is %s is explained", (word, reason) => {
    expect(explainClient(word)).toContain(reason);
  });

  test.each([
    ["10.1.2.3", "10.0.0.0/8", true],
    ["11.1.2.3", "10.0.0.0/8", false],
    ["10.0.0.127", "10.0.0.0/25", true],
    ["10.0.0.128", "10.0.0.0/25", false],
    ["::ffff:10.1.2.3", "10.0.0.0/8", true],
    ["fd00::1:2", "fd00::/16", true],
    ["fd01::1:2", "fd00::/16", false],
    ["fe80::1%eth0", "fe80::/10", true],
    ["1.2.3.4", "*", true],
    ["nonsense", "*", false],
  ])("%s is in %s: %s", (address, word, isInside) => {
    const client = parseClient(word);
    expect(client !== undefined && fits(client, address, nowhere) > 0).toBe(isInside);
  });

  test("by name fits each address of the name", () => {
    const around = { attached: [], resolve: (name: string) => (name === "web" ? ["10.0.0.7", "fd00::7"] : []) };
    const web = { kind: "name", name: "web" } as const;
    expect(fits(web, "10.0.0.7", around)).toBeGreaterThan(0);
    expect(fits(web, "fd00:0:0:0:0:0:0:7", around)).toBeGreaterThan(0);
    expect(fits(web, "10.0.0.8", around)).toBe(0);
  });

  test("that is narrower fits better", () => {
    const fit = (word: string) => {
      const client = parseClient(word);
      return client === undefined ? 0 : fits(client, "10.0.0.7", { attached: [], resolve: () => ["10.0.0.7"] });
    };
    const order = ["*", "10.0.0.0/8", "10.0.0.0/24", "10.0.0.7", "web"].map(fit);
    expect(order).toEqual(order.toSorted((one, other) => one - other));
    expect(new Set(order).size).toBe(5);
  });
});

describe("an address", () => {
  test.each([
    ["::1", [...Array.from({ length: 15 }, () => 0), 1]],
    ["::", Array.from({ length: 16 }, () => 0)],
    ["fe80::a:1", [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0, 1]],
    ["::ffff:1.2.3.4", [1, 2, 3, 4]],
    ["1.2.3", undefined],
  ])("%s has its bytes", (text, bytes) => {
    expect(addressBytes(text)).toEqual(bytes);
  });

  test("of another family is in no network", () => {
    expect(isIn([10, 0, 0, 1], { bytes: Array.from({ length: 16 }, () => 0), prefix: 0 })).toBe(false);
  });
});

describe("two networks", () => {
  test.each([
    ["10.0.0.0/8", "10.1.2.3", true],
    ["10.1.2.3", "10.0.0.0/8", true],
    ["10.0.0.0/24", "10.0.1.0/24", false],
    ["0.0.0.0/0", "172.17.0.5/16", true],
    ["10.0.1.7/23", "10.0.0.0/24", true],
    ["::/0", "10.0.0.0/8", false],
    ["fd00::/8", "fd12::7/64", true],
  ])("%s and %s meet: %s", (one, other, meet) => {
    expect(networksMeet(networkOf(one), networkOf(other))).toBe(meet);
    expect(networksMeet(networkOf(other), networkOf(one))).toBe(meet);
  });

  test.each([
    ["127.0.0.0/8", false],
    ["::1", false],
    ["169.254.0.0/16", false],
    ["fe80::1/64", false],
    ["febf::/64", false],
    ["172.17.0.0/16", true],
    ["fd00::/64", true],
    ["fec0::/64", true],
    ["169.253.0.0/16", true],
  ])("%s holds others than this machine and its link: %s", (text, isFar) => {
    expect(isFarNetwork(networkOf(text))).toBe(isFar);
  });
});

describe("the attached networks", () => {
  // As Linux prints them: a default route, two networks, one of them behind a gateway.
  const route = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth1\t0000000A\t0100A8C0\t0003\t0\t0\t0\t000000FF\t0\t0\t0
`;

  test("are those without a gateway, and this machine itself", () => {
    expect(attachedNetworks(route, "").map(formatNetwork)).toEqual([
      "127.0.0.0/8",
      "0:0:0:0:0:0:0:1",
      "192.168.0.0/24",
    ]);
  });

  test("do not hold the world where the default route has no gateway", () => {
    const direct = "eth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n";
    expect(attachedNetworks(direct, "").map(formatNetwork)).toEqual(["127.0.0.0/8", "0:0:0:0:0:0:0:1"]);
  });

  test("of IPv6 are those of the addresses", () => {
    const ifInet6 = "fd000000000000000000000000000007 02 40 00 80     eth0\n";
    expect(attachedNetworks("", ifInet6).map(formatNetwork)).toContain("fd00:0:0:0:0:0:0:7/64");
  });
});
