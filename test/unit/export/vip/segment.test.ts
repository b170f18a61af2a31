import { expect, test } from "vitest";
import { encodeAcknowledgement } from "../../../../src/export/vip/segment.ts";
import { hex } from "../../fakes/server.ts";

// Put together by hand from RFC 9293 section 3.1: ports, both numbers, five words, ACK, window, checksum, urgent.
// 0801 + 030f + 5010 is 5b20, which the checksum has beside the addresses, the length (14) and the protocol (6).
test.each([
  // c000 + 0209 + c000 + 0207 + 14 + 6 + 5b20 = 1df4a, df4b with its carry, 20b4 is the complement.
  ["IPv4", "192.0.2.9", "192.0.2.7", "20 b4"],
  // 2001 + db8 + 9 + 2001 + db8 + 7 + 14 + 6 + 5b20 = b6bc.
  ["IPv6", "2001:db8::9", "2001:db8::7", "49 43"],
])("an acknowledgement of nothing goes from server to client by %s", (_name, server, client, checksum) => {
  const segment = encodeAcknowledgement({ address: server, port: 2_049 }, { address: client, port: 783 });
  expect([...segment]).toEqual([...hex(`08 01 03 0f 00 00 00 00 00 00 00 00 50 10 00 00 ${checksum} 00 00`)]);
});

test("the carry of a sum's carry counts, too", () => {
  // ffff + f000 + 0a01 + 0203 + 14 + 6 + 0801 + abd0 + 5010 = 2fffe; fffe + 2 = 10000; 0 + 1 = 1.
  const server = { address: "255.255.240.0", port: 0x0801 };
  const segment = encodeAcknowledgement(server, { address: "10.1.2.3", port: 0xabd0 });
  expect([...segment.subarray(16, 18)]).toEqual([0xff, 0xfe]);
});
