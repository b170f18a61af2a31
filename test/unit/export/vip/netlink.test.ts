import { describe, expect, test } from "vitest";
import { addressBytes, addressText } from "../../../../src/export/vip/address-bytes.ts";
import { encodeAdvertisement } from "../../../../src/export/vip/neighbour.ts";
import {
  answerCollector,
  decodeAddress,
  decodeLink,
  decodeMessages,
  decodeRoute,
  encodeDeleteAddress,
  encodeGetLink,
  encodeGetRoute,
  encodeListAddresses,
  encodeNewAddress,
  withSequence,
} from "../../../../src/export/vip/netlink.ts";
import { hex } from "../../fakes/server.ts";

// The messages are put together by hand from the structures of linux/netlink.h, if_addr.h, if_link.h and rtnetlink.h.
const change = { interfaceIndex: 3, address: "192.0.2.9", prefixLength: 24 };

describe("what the kernel is told and asked", () => {
  test.each([
    [
      "an address is added or renewed: ifaddrmsg, IFA_LOCAL, IFA_ADDRESS, IFA_CACHEINFO",
      encodeNewAddress(change, 30),
      `3c 00 00 00  14 00  05 05  00 00 00 00  00 00 00 00
       02 18 00 00  03 00 00 00
       08 00 02 00  c0 00 02 09
       08 00 01 00  c0 00 02 09
       14 00 06 00  1e 00 00 00  1e 00 00 00  00 00 00 00  00 00 00 00`,
    ],
    [
      "an address is taken away",
      encodeDeleteAddress({ ...change, address: "2001:db8::9", prefixLength: 64 }),
      `40 00 00 00  15 00  05 00  00 00 00 00  00 00 00 00
       0a 40 00 00  03 00 00 00
       14 00 02 00  20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09
       14 00 01 00  20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09`,
    ],
    [
      "all addresses are listed",
      encodeListAddresses(6),
      "18 00 00 00 16 00 01 03 00 00 00 00 00 00 00 00 0a 00 00 00 00 00 00 00",
    ],
    [
      "an interface is asked for by name: ifinfomsg, IFLA_IFNAME",
      encodeGetLink("eth0"),
      `2c 00 00 00  12 00  05 00  00 00 00 00  00 00 00 00
       00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
       09 00 03 00  65 74 68 30 00 00 00 00`,
    ],
    [
      "an interface is asked for by number",
      encodeGetLink(3),
      "20 00 00 00 12 00 05 00 00 00 00 00 00 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00 00 00 00 00",
    ],
    [
      "the way to an address: rtmsg, RTA_DST",
      encodeGetRoute("192.0.2.9"),
      `24 00 00 00  1a 00  05 00  00 00 00 00  00 00 00 00
       02 20 00 00 00 00 00 00 00 00 00 00
       08 00 01 00  c0 00 02 09`,
    ],
  ])("%s", (_name, message, expected) => {
    expect([...message]).toEqual([...hex(expected)]);
  });

  test("a request has its number", () => {
    const message = encodeListAddresses(4);
    expect([...withSequence(message, 0x01020304).subarray(8, 12)]).toEqual([4, 3, 2, 1]);
    expect([...message.subarray(8, 12)]).toEqual([0, 0, 0, 0]);
  });
});

const message = (type: number, body: string) => ({ type, sequence: 1, body: hex(body) });

describe("what the kernel says", () => {
  test("several messages come at once, padded to four bytes; what is cut short ends them", () => {
    const bytes = hex(`11 00 00 00 14 00 02 00 07 00 00 00 00 00 00 00 aa 00 00 00
      10 00 00 00 03 00 02 00 08 00 00 00 00 00 00 00
      20 00 00 00 14 00 02 00 09 00 00 00 00 00 00 00`);
    expect(decodeMessages(bytes)).toEqual([
      { type: 20, sequence: 7, body: Uint8Array.of(0xaa) },
      { type: 3, sequence: 8, body: new Uint8Array(0) },
    ]);
    expect(decodeMessages(hex("00 00 00 00 14 00 02 00 07 00 00 00 00 00 00 00"))).toEqual([]);
  });

  test("an answer is over with its last message, an acknowledgement, or an error", () => {
    const one = { type: 20, sequence: 5, body: new Uint8Array(8) };
    const other = { ...one, sequence: 4 };
    const end = (type: number, body: string) => ({ type, sequence: 5, body: hex(body) });
    const listed = answerCollector(5);
    expect(listed([one, other])).toBeUndefined();
    expect(listed([one, end(3, "00 00 00 00")])).toEqual({ kind: "answer", messages: [one, one] });
    expect(answerCollector(5)([end(2, "00 00 00 00")])).toEqual({ kind: "answer", messages: [] });
    expect(answerCollector(5)([end(2, "ef ff ff ff")])).toEqual({ kind: "error", errno: 17 });
  });

  test.each([
    [
      "one for good",
      "02 18 80 00 03 00 00 00  08 00 01 00 c0 00 02 09  08 00 02 00 c0 00 02 09  08 00 08 00 80 00 00 00",
      { address: "192.0.2.9", prefixLength: 24, isTentative: false, isDuplicate: false, isPermanent: true },
    ],
    [
      "one of a point-to-point link, whose other side is not ours",
      "02 20 00 00 03 00 00 00  08 00 01 00 c0 00 02 01  08 00 02 00 c0 00 02 09",
      { address: "192.0.2.9", prefixLength: 32, isTentative: false, isDuplicate: false, isPermanent: false },
    ],
    [
      "one that another host has too, told by the wide flags alone",
      "0a 40 00 00 03 00 00 00  14 00 01 00 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09  08 00 08 00 48 00 00 00",
      { address: "2001:db8::9", prefixLength: 64, isTentative: true, isDuplicate: true, isPermanent: false },
    ],
  ])("an address: %s", (_name, body, expected) => {
    expect(decodeAddress(message(20, body))).toEqual({ interfaceIndex: 3, ...expected });
  });

  test.each([
    ["Ethernet that is up and has a carrier", "01 00", "43 10 01 00", { isRunning: true, hasArp: true }],
    ["without a carrier", "01 00", "03 10 00 00", { isRunning: false, hasArp: true }],
    ["with a carrier and down", "01 00", "02 10 01 00", { isRunning: false, hasArp: true }],
    ["without ARP", "01 00", "c3 10 01 00", { isRunning: true, hasArp: false }],
    ["no Ethernet", "04 03", "43 10 01 00", { isRunning: true, hasArp: false }],
  ])("an interface: %s", (_name, type, bits, expected) => {
    const attributes = "09 00 03 00 65 74 68 30 00 00 00 00  0a 00 01 00 02 00 00 00 00 01 00 00";
    expect(decodeLink(message(16, `00 00 ${type} 03 00 00 00 ${bits} 00 00 00 00 ${attributes}`))).toEqual({
      interfaceIndex: 3,
      name: "eth0",
      hardware: hex("02 00 00 00 00 01"),
      ...expected,
    });
  });

  test.each([
    ["directly", "02 20 00 00 fe 00 00 01 00 00 00 00  08 00 04 00 03 00 00 00", { kind: "direct", interfaceIndex: 3 }],
    [
      "over a gateway",
      "02 20 00 00 fe 00 00 01 00 00 00 00  08 00 04 00 03 00 00 00  08 00 05 00 c0 00 02 01",
      { kind: "gateway", interfaceIndex: 3 },
    ],
    ["to this machine", "02 20 00 00 ff 00 00 02 00 00 00 00  08 00 04 00 01 00 00 00", { kind: "own" }],
    ["nowhere", "02 20 00 00 fe 00 00 07 00 00 00 00", { kind: "other" }],
  ])("the way to an address leads %s", (_name, body, expected) => {
    expect(decodeRoute(message(24, body))).toEqual(expected);
  });

  test("what is none, or lies about its length, is passed over", () => {
    const short = hex("02 18");
    for (const decode of [decodeAddress, decodeLink, decodeRoute]) {
      expect(decode({ type: 99, sequence: 1, body: new Uint8Array(64) })).toBeUndefined();
      for (const type of [16, 20, 24]) expect(decode({ type, sequence: 1, body: short })).toBeUndefined();
    }
    expect(decodeAddress(message(20, "02 18 00 00 03 00 00 00  ff 00 02 00 c0 00 02 09"))).toBeUndefined();
    expect(decodeAddress(message(20, "02 18 00 00 03 00 00 00  00 00 02 00 c0 00 02 09"))).toBeUndefined();
    expect(decodeAddress(message(20, "02 18 00 00 03 00 00 00  06 00 02 00 c0 00 00 00"))).toBeUndefined();
  });
});

describe("addresses", () => {
  test.each([
    ["192.0.2.9", "c0 00 02 09", undefined],
    ["::", "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", undefined],
    ["::1", "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01", undefined],
    ["2001:db8::", "20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 00", undefined],
    ["2001:db8:0:1::2", "20 01 0d b8 00 00 00 01 00 00 00 00 00 00 00 02", undefined],
    ["1:0:0:2::3", "00 01 00 00 00 00 00 02 00 00 00 00 00 00 00 03", undefined],
    ["1::2:0:0:3:4", "00 01 00 00 00 00 00 02 00 00 00 00 00 03 00 04", undefined],
    // RFC 5952 section 4.2.2: one zero alone is written.
    ["1:0:2:3:4:5:6:7", "00 01 00 00 00 02 00 03 00 04 00 05 00 06 00 07", undefined],
    ["10:0:0:1::", "00 10 00 00 00 00 00 01 00 00 00 00 00 00 00 00", undefined],
    ["FE80::A%eth0", "fe 80 00 00 00 00 00 00 00 00 00 00 00 00 00 0a", "fe80::a"],
    ["::ffff:192.0.2.9", "00 00 00 00 00 00 00 00 00 00 ff ff c0 00 02 09", "::ffff:c000:209"],
  ])("%s", (text, bytes, written) => {
    expect([...addressBytes(text)]).toEqual([...hex(bytes)]);
    expect(addressText(hex(bytes))).toBe(written ?? text);
  });

  test("what is none throws", () => {
    for (const text of ["", "nas", "192.0.2", "1::2::3"]) expect(() => addressBytes(text)).toThrow(RangeError);
  });
});

test("a neighbour advertisement overrides what neighbours know (RFC 4861 section 4.4)", () => {
  expect([...encodeAdvertisement("2001:db8::9", hex("02 00 00 00 00 01"))]).toEqual([
    ...hex(`88 00 00 00 20 00 00 00  20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09  02 01 02 00 00 00 00 01`),
  ]);
  expect(encodeAdvertisement("2001:db8::9", new Uint8Array(0))).toHaveLength(24);
});
