import { describe, expect, test } from "vitest";
import { conflictIn, encodeAnnouncement, encodeProbe } from "../../../../src/export/vip/arp.ts";
import { hex } from "../../fakes/server.ts";

const own = hex("02 00 00 00 00 01");
const other = "02 00 00 00 00 02";
const address = "192.0.2.9";
const head = "ff ff ff ff ff ff 02 00 00 00 00 01 08 06 00 01 08 00 06 04 00 01 02 00 00 00 00 01";

test("a probe names the address as its target alone (RFC 5227 section 2.1.1)", () => {
  expect([...encodeProbe(own, address)]).toEqual([...hex(`${head} 00 00 00 00  00 00 00 00 00 00 c0 00 02 09`)]);
});

test("an announcement names it as sender and target (RFC 5227 section 2.3)", () => {
  expect([...encodeAnnouncement(own, address)]).toEqual([...hex(`${head} c0 00 02 09  00 00 00 00 00 00 c0 00 02 09`)]);
});

/** A frame of another host. */
const frame = (operation: number, sender: string, target: string, hardware = other) =>
  hex(
    `ff ff ff ff ff ff ${hardware} 08 06 00 01 08 00 06 04 00 0${operation} ${hardware} ${sender} 00 00 00 00 00 00 ${target}`,
  );
const [ours, nobody, theirs] = ["c0 00 02 09", "00 00 00 00", "c0 00 02 07"];

describe("another host has the address, or is about to take it", () => {
  test.each([
    ["it answers for it", frame(2, ours, nobody)],
    ["it asks for somebody with it", frame(1, ours, theirs)],
    ["it announces it", frame(1, ours, ours)],
    ["it asks whether anybody has it, as we do", frame(1, nobody, ours)],
    [
      "the frame is padded to the least of Ethernet",
      Uint8Array.from([...frame(2, ours, nobody), ...new Uint8Array(18)]),
    ],
  ])("%s", (_name, bytes) => {
    expect(conflictIn(bytes, own, address)).toBe("02:00:00:00:00:02");
  });
});

describe("nothing speaks against it", () => {
  test.each([
    ["our own question comes back", encodeProbe(own, address)],
    ["our own announcement comes back", encodeAnnouncement(own, address)],
    ["a host wants to speak to it", frame(1, theirs, ours)],
    ["others are about something else", frame(2, theirs, nobody)],
    ["a host asks for another address without claiming it", frame(1, nobody, theirs)],
    ["a frame is cut short", frame(2, ours, nobody).subarray(0, 41)],
    ["it is no ARP of Ethernet and IPv4", frame(2, ours, nobody).with(15, 6)],
    ["it is another operation", frame(3, ours, nobody)],
  ])("%s", (_name, bytes) => {
    expect(conflictIn(Uint8Array.from(bytes), own, address)).toBeUndefined();
  });
});
