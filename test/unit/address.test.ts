// What is an address: Node's own reading is the oracle.
import * as net from "node:net";
import { describe, expect, test } from "vitest";
import { isIP, isIPv4, isIPv6 } from "../../src/address.ts";
import { random } from "./fakes/random.ts";

const texts = [
  "",
  "0.0.0.0",
  "10.0.0.1",
  "255.255.255.255",
  "256.0.0.1",
  "1.2.3",
  "1.2.3.4.5",
  "01.2.3.4",
  "1.2.3.04",
  "1.2.3.4 ",
  " 1.2.3.4",
  "1.2.3.4\n",
  "1..2.3",
  "1.2.3.",
  ".1.2.3",
  "1.2.3.-4",
  "1.2.3.+4",
  "1.2.3.4e0",
  "0x1.2.3.4",
  "1.2.3.1000",
  "١.٢.٣.٤",
  "2130706433",
  "nas",
  "nas.local",
  "::",
  "::1",
  "1::",
  ":::",
  "::1::",
  "1::2::3",
  "1:2:3:4:5:6:7:8",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7::",
  "::2:3:4:5:6:7:8",
  "1::2:3:4:5:6:7:8",
  "1:2:3:4::5:6:7:8",
  ":1:2:3:4:5:6:7",
  ":1:2:3:4:5:6:7:8",
  "1:2:3:4:5:6:7:",
  "1:2:3:4:5:6:7:8:",
  "::1:",
  ":1::",
  "fe80::1",
  "FE80::ABCD",
  "fe80::12345",
  "fe80::g",
  "::ffff:1.2.3.4",
  "::1.2.3.4",
  "1:2:3:4:5:6:1.2.3.4",
  "1:2:3:4:5:6:7:1.2.3.4",
  "1:2:3:4:5:1.2.3.4",
  "::1.2.3.4:5",
  "1.2.3.4::",
  "1.2.3.4:5::",
  "::ffff:256.2.3.4",
  "::ffff:1.2.3",
  "::ffff:01.2.3.4",
  "::ffff:1.2.3.4.5",
  "fe80::1%eth0",
  "fe80::1%eth0.100",
  "fe80::1%br-lan",
  "fe80::1%1",
  "fe80::1%",
  "fe80::1%%",
  "fe80::1%eth0%eth1",
  "fe80::1%a/b",
  "fe80::1%a b",
  "%eth0",
  "1.2.3.4%eth0",
  "[::1]",
  "::1/64",
  "::-1",
  "::+1",
  ":: 1",
  "0000:0000::0000",
  "00000::",
];

describe("a text is an address or none, as Node has it", () => {
  test.each(texts)("%j", (text) => {
    expect(isIP(text)).toBe(net.isIP(text));
    expect(isIPv4(text)).toBe(net.isIPv4(text));
    expect(isIPv6(text)).toBe(net.isIPv6(text));
  });

  test("a hundred thousand others, made of what addresses are made of", () => {
    const { below, pick } = random(42);
    const parts = [
      "::",
      ":",
      ":",
      ".",
      "0",
      "1",
      "9",
      "12",
      "255",
      "256",
      "ffff",
      "F",
      "abcd",
      "10.0.0.1",
      "fe80",
      "%",
      "g",
    ];
    const found = { 0: 0, 4: 0, 6: 0 };
    for (let round = 0; round < 100_000; round++) {
      // Most have groups and separators in turn, so that many are right but for one thing.
      const separator = below(10) < 7 ? ":" : ".";
      const text = Array.from({ length: 1 + below(16) }, (_, index) =>
        index % 2 === 1 && below(20) < 17 ? separator : pick(parts),
      ).join("");
      const kind = isIP(text);
      if (kind !== net.isIP(text)) expect.fail(`${JSON.stringify(text)} is ${kind}, for Node ${net.isIP(text)}`);
      found[kind] += 1;
    }
    expect(Math.min(found[0], found[4], found[6])).toBeGreaterThan(100);
  });
});

test.each(["fe80::1%eth_0", "fe80::1%wlan@0", "fe80::1%größe"])(
  "%s has a zone, as an interface may be called",
  (text) => {
    expect(isIP(text)).toBe(6);
  },
);
