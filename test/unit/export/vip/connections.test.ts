import { describe, expect, test } from "vitest";
import {
  connectionsIn,
  formatConnections,
  mostConnections,
  parseConnections,
  without,
} from "../../../../src/export/vip/connections.ts";

const served = { address: "10.77.0.99", ports: [2_049, 32_768] };
const served6 = { address: "2001:db8::9", ports: [2_049] };

// As Linux writes them: 10.77.0.99 is 0a 4d 00 63, 10.77.0.2 is 0a 4d 00 02, each read as a little-endian number.
const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const rest = "00000000:00000000 00:00000000 00000000     0        0 1234 1 0000000000000000 20 4 30 10 -1";
const line = (number: number, own: string, other: string, state: string) =>
  `${String(number).padStart(4)}: ${own} ${other} ${state} ${rest}`;
const table = (...lines: readonly string[]) => `${[head, ...lines].join("\n")}\n`;

describe("the established connections of a served port and address are found in a table of the kernel", () => {
  test("of IPv4, not those that are to another address or port, on their way, or to others as a client", () => {
    const text = table(
      line(0, "00000000:0801", "00000000:0000", "0A"),
      line(1, "63004D0A:0801", "02004D0A:030F", "01"),
      line(2, "63004D0A:8000", "03004D0A:03FF", "01"),
      line(3, "63004D0A:0801", "04004D0A:02BC", "06"),
      line(4, "63004D0A:0802", "05004D0A:02BC", "01"),
      line(5, "64004D0A:0801", "06004D0A:02BC", "01"),
      line(6, "02004D0A:030F", "63004D0A:0801", "01"),
      line(12_345, "63004D0A:0801", "0100000A:FFFF", "01"),
    );
    expect(connectionsIn(text, served)).toEqual([
      { port: 2_049, client: "10.0.0.1", clientPort: 65_535 },
      { port: 2_049, client: "10.77.0.2", clientPort: 783 },
      { port: 32_768, client: "10.77.0.3", clientPort: 1_023 },
    ]);
  });

  test("of IPv6, whose addresses are four numbers", () => {
    const [own, other] = ["B80D0120000000000000000009000000", "B80D0120000000000000000007000000"];
    expect(connectionsIn(table(line(0, `${own}:0801`, `${other}:030F`, "01")), served6)).toEqual([
      { port: 2_049, client: "2001:db8::7", clientPort: 783 },
    ]);
  });

  test("in the same order in whatever order the kernel has them", () => {
    const lines = ["02004D0A:030F", "03004D0A:030F", "02004D0A:0310"].map((other, number) =>
      line(number, "63004D0A:0801", other, "01"),
    );
    const found = connectionsIn(table(...lines), served);
    expect(found).toHaveLength(3);
    expect(connectionsIn(table(...lines.toReversed()), served)).toEqual(found);
  });

  test("up to a number that a host can write to", () => {
    const lines = Array.from({ length: mostConnections + 1 }, (_, number) =>
      line(number, "63004D0A:0801", `02004D0A:${(1_024 + number).toString(16).toUpperCase().padStart(4, "0")}`, "01"),
    );
    expect(connectionsIn(table(...lines), served)).toHaveLength(mostConnections);
  });

  test("whatever a table that is cut short ends with", () => {
    const whole = table(line(0, "63004D0A:0801", "02004D0A:030F", "01"));
    const needed = whole.indexOf(" 01 ") + 3;
    for (let length = 0; length < whole.length; length++)
      expect(connectionsIn(whole.slice(0, length), served)).toHaveLength(length < needed ? 0 : 1);
  });
});

describe("a file of connections", () => {
  const one = { port: 2_049, client: "10.77.0.2", clientPort: 783 };
  const other = { port: 32_768, client: "10.77.0.3", clientPort: 1_023 };
  const file = (...lines: readonly string[]) => ["nfs-init connections 7", ...lines, "end", ""].join("\n");

  test("is a line for each, and is read as it was written", () => {
    const text = file("10.77.0.99 2049 10.77.0.2 783", "10.77.0.99 32768 10.77.0.3 1023");
    expect(formatConnections(7, "10.77.0.99", [one, other])).toBe(text);
    expect(parseConnections(text, served)).toEqual({ sequence: 7, connections: [one, other] });
  });

  test("that was not written to its end, or is another one, is none", () => {
    const text = file("10.77.0.99 2049 10.77.0.2 783");
    for (let length = 0; length < text.length - 1; length++)
      expect(parseConnections(text.slice(0, length), served)).toBeUndefined();
    expect(parseConnections("nfs-init client records 7\nend\n", served)).toBeUndefined();
    expect(parseConnections("nfs-init connections x\nend\n", served)).toBeUndefined();
  });

  test.each([
    ["to another address", "10.77.0.98 2049 10.77.0.2 783"],
    ["to another port", "10.77.0.99 22 10.77.0.2 783"],
    ["from no port", "10.77.0.99 2049 10.77.0.2 0"],
    ["from a port that cannot be", "10.77.0.99 2049 10.77.0.2 65536"],
    ["from another family", "10.77.0.99 2049 2001:db8::7 783"],
    ["from loopback", "10.77.0.99 2049 127.0.0.1 783"],
    ["from nowhere", "10.77.0.99 2049 0.0.0.0 783"],
    ["from many", "10.77.0.99 2049 224.0.0.1 783"],
    ["from everybody", "10.77.0.99 2049 255.255.255.255 783"],
    ["from no address", "10.77.0.99 2049 10.77.0.256 783"],
    ["from a name", "10.77.0.99 2049 web 783"],
    ["with more words", "10.77.0.99 2049 10.77.0.2 783 1"],
    ["with nothing", ""],
  ])("says nothing by a line %s", (_what, written) => {
    expect(parseConnections(file(written, "10.77.0.99 2049 10.77.0.2 783"), served)?.connections).toEqual([one]);
  });

  test.each(["::1", "::", "ff02::1", "::ffff:10.0.0.1", "10.0.0.1", "fe80::1%eth0"])(
    "says nothing of IPv6 by a client %s",
    (client) => {
      expect(parseConnections(file(`2001:db8::9 2049 ${client} 783`), served6)?.connections).toEqual([]);
    },
  );

  test("is believed as far as a host can write to", () => {
    const lines = Array.from({ length: mostConnections + 1 }, (_, number) => `10.77.0.99 2049 10.77.0.2 ${number + 1}`);
    expect(parseConnections(file(...lines), served)?.connections).toHaveLength(mostConnections);
  });

  test("holds those that are lost: those of it that are not there now", () => {
    expect(without([one, other], [{ ...other }])).toEqual([one]);
    expect(without([one, other], [{ ...one, clientPort: 784 }])).toEqual([one, other]);
  });
});
