// The kernel's tables of addresses, interfaces and ways, frames of ARP, and segments: what a virtual address needs of this machine.
import * as native from "native";
import { arpProtocol } from "../export/vip/arp.ts";
import { encodeAdvertisement } from "../export/vip/neighbour.ts";
import { answerCollector, decodeMessages, withSequence, type Link, type NetlinkAnswer } from "../export/vip/netlink.ts";
import type { Segments } from "../export/vip/resets.ts";
import type { Frames, VipWorld } from "../export/vip/vip.ts";
import { errnoOf } from "../errors.ts";
import { clock } from "./clock.ts";
import { closing, preparedOrClosed } from "./opened.ts";

/** The kernel answers at once; a list of thousands of addresses takes milliseconds. */
const answerMs = 5_000;
/** As much as the kernel writes at once for a list (netlink(7)). */
const mostAnswerBytes = 32_768;
/** Ethernet's, with room to spare: longer ones hold no ARP. */
const mostFrameBytes = 128;
/** ETIMEDOUT, for a kernel that says nothing. */
const timedOut = 110;

export const vipWorld: VipWorld = {
  request,
  openFrames,
  openSegments,
  advertise,
  sleep: clock.sleep,
  random: clock.random,
};

let sequence = 0;

async function request(message: Uint8Array): Promise<NetlinkAnswer> {
  sequence += 1;
  const collect = answerCollector(sequence);
  const fd = native.socket(native.AF_NETLINK, native.SOCK_RAW, native.NETLINK_ROUTE);
  const { promise, resolve, reject } = Promise.withResolvers<NetlinkAnswer>();
  const timer = setTimeout(() => resolve({ kind: "error", errno: timedOut }), answerMs);
  try {
    native.watch(fd, native.POLLIN, () => {
      try {
        const answer = collect(decodeMessages(native.read(fd, mostAnswerBytes)));
        if (answer !== undefined) resolve(answer);
      } catch (error) {
        if (errnoOf(error) !== "EAGAIN") reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    native.send(fd, withSequence(message, sequence));
    return await promise;
  } finally {
    clearTimeout(timer);
    native.unwatch(fd);
    native.close(fd);
  }
}

function openFrames(interfaceIndex: number): Frames {
  // Without a protocol it gets nothing until it is bound to one interface.
  const fd = preparedOrClosed(native.socket(native.AF_PACKET, native.SOCK_RAW, 0), (socket) =>
    native.bind(socket, { interfaceIndex, protocol: arpProtocol }),
  );
  return {
    send: (frame) => void native.send(fd, frame),
    onFrame: (call) =>
      native.watch(fd, native.POLLIN, () => {
        let frame: Uint8Array;
        try {
          frame = native.read(fd, mostFrameBytes);
        } catch {
          // The interface has gone down (ENETDOWN): no frame comes that could speak against us.
          return;
        }
        call(frame);
      }),
    close: () => {
      native.unwatch(fd);
      native.close(fd);
    },
  };
}

/** The kernel computes the checksum of ICMPv6 (RFC 3542 section 3.1). */
function advertise(address: string, { name, hardware }: Link): void {
  closing(native.socket(native.AF_INET6, native.SOCK_RAW, native.IPPROTO_ICMPV6), (fd) => {
    // Neighbours believe no packet that may have come over a router (RFC 4861 section 7.1.2).
    native.setsockopt(fd, native.IPPROTO_IPV6, native.IPV6_MULTICAST_HOPS, 255);
    native.bind(fd, { address: onLink(address, name), port: 0 });
    native.sendto(fd, encodeAdvertisement(address, hardware), { address: `ff02::1%${name}`, port: 0 });
  });
}

/** An address that says on which link it is where it is one of many links (RFC 4007). */
function onLink(address: string, device: string): string {
  return address.startsWith("fe80:") ? `${address}%${device}` : address;
}

function openSegments(own: string, device: string): Segments {
  const family = own.includes(":") ? native.AF_INET6 : native.AF_INET;
  const fd = preparedOrClosed(native.socket(family, native.SOCK_RAW, native.IPPROTO_TCP), (socket) =>
    native.bind(socket, { address: onLink(own, device), port: 0 }),
  );
  return {
    send: (segment, client) => void native.sendto(fd, segment, { address: onLink(client, device), port: 0 }),
    close: () => native.close(fd),
  };
}
