// The address that clients mount from and that moves with the service: what it needs of the machine, and taken when nobody has it.
import type { Clock } from "../../clock.ts";
import { isIP } from "../../address.ts";
import { errnoOf } from "../../errors.ts";
import type { Vip } from "./written.ts";
import type { ResetWorld } from "./resets.ts";
import { conflictIn, encodeProbe } from "./arp.ts";
import {
  decodeAddress,
  decodeLink,
  decodeRoute,
  encodeDeleteAddress,
  encodeGetLink,
  encodeGetRoute,
  encodeListAddresses,
  encodeNewAddress,
  type InterfaceAddress,
  type Link,
  type NetlinkAnswer,
} from "./netlink.ts";

/** Frames of ARP on one interface. */
export interface Frames {
  readonly send: (frame: Uint8Array) => void;
  readonly onFrame: (call: (frame: Uint8Array) => void) => void;
  readonly close: () => void;
}

export interface VipWorld extends ResetWorld, Pick<Clock, "random"> {
  /** rtnetlink. */
  readonly request: (message: Uint8Array) => Promise<NetlinkAnswer>;
  /** Throws the system's error. */
  readonly openFrames: (interfaceIndex: number) => Frames;
  /** Tells IPv6 neighbours that an address of ours is here (RFC 4861 section 7.2.6); throws the system's error. */
  readonly advertise: (address: string, link: Link) => void;
}

/** An address that is held. */
export interface HeldVip {
  readonly kind: "held";
  readonly interfaceIndex: number;
  readonly device: string;
  /** Another instance of ours has left it there, or somebody else has put it there for good, and then it stays. */
  readonly wasThere: "no" | "left" | "permanent";
}

export type VipTrouble =
  /** Another host has it. `hardware` is where it is. */
  | { readonly kind: "taken"; readonly hardware?: string }
  | { readonly kind: "no-device"; readonly device: string }
  /** No interface's network holds the address, and none is named. */
  | { readonly kind: "no-network" }
  | { readonly kind: "link-down"; readonly device: string }
  /** A capability is missing: NET_ADMIN to change addresses, NET_RAW to ask for others. */
  | { readonly kind: "not-permitted"; readonly capability: "NET_ADMIN" | "NET_RAW" }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * An address that nobody renews goes by itself, so that one whose server was killed, or cannot be reached any more, does not stand in
 * the way of the server that takes over.
 */
const lifetimeSeconds = 30;
/** Shorter than RFC 5227 has it for hosts that have time: a fail-over is to take less than ten seconds. */
const probes = { count: 3, spacingMs: 200, waitMs: 300 } as const;
/** Duplicate address detection of the kernel takes a second (RFC 4862 section 5.4), twice that where it is set so. */
const detection = { mostMs: 5_000, spacingMs: 100 } as const;

const errnos = { permission: 1, access: 13, noDevice: 19, noAddress: 99, notThere: 2, exists: 17 } as const;

/** Takes the address once, if nobody else has it. */
export async function takeVip(world: VipWorld, vip: Vip, signal: AbortSignal): Promise<HeldVip | VipTrouble> {
  const family = familyOf(vip);
  const there = (await listAddresses(world, family)).find(({ address }) => address === vip.address);
  const link = await findLink(world, vip, there);
  if ("kind" in link) return link;
  const isUsed = there !== undefined && !there.isTentative && !there.isDuplicate;
  if (isUsed && there.interfaceIndex === link.interfaceIndex) {
    if (there.isPermanent) return held(link, "permanent");
    return (await renew(world, vip, link.interfaceIndex)) ?? held(link, "left");
  }
  if (!link.isRunning) return { kind: "link-down", device: link.name };
  const conflict = family === 4 && link.hasArp ? await probe(world, vip.address, link, signal) : undefined;
  if (conflict !== undefined) return conflict;
  const trouble = await renew(world, vip, link.interfaceIndex);
  if (trouble !== undefined) return trouble;
  if (family === 4) return held(link, "no");
  try {
    return (await awaitDetection(world, vip, link, signal)) ?? held(link, "no");
  } catch (error) {
    await world.request(encodeDeleteAddress({ ...vip, interfaceIndex: link.interfaceIndex }));
    throw error;
  }
}

export function familyOf({ address }: Vip): 4 | 6 {
  return isIP(address) === 6 ? 6 : 4;
}

function held({ interfaceIndex, name }: Link, wasThere: HeldVip["wasThere"]): HeldVip {
  return { kind: "held", interfaceIndex, device: name, wasThere };
}

export async function listAddresses(world: VipWorld, family: 4 | 6): Promise<readonly InterfaceAddress[]> {
  const answer = await world.request(encodeListAddresses(family));
  return answer.kind === "error" ? [] : answer.messages.flatMap((message) => decodeAddress(message) ?? []);
}

async function findLink(
  world: VipWorld,
  { address, device }: Vip,
  there: InterfaceAddress | undefined,
): Promise<Link | VipTrouble> {
  if (device !== undefined) return (await getLink(world, device)) ?? { kind: "no-device", device };
  if (there !== undefined) return (await getLink(world, there.interfaceIndex)) ?? { kind: "no-network" };
  const answer = await world.request(encodeGetRoute(address));
  const [way] = answer.kind === "error" ? [] : answer.messages.flatMap((message) => decodeRoute(message) ?? []);
  if (way?.kind !== "direct") return { kind: "no-network" };
  return (await getLink(world, way.interfaceIndex)) ?? { kind: "no-network" };
}

export async function getLink(world: VipWorld, link: string | number): Promise<Link | undefined> {
  const answer = await world.request(encodeGetLink(link));
  return answer.kind === "error" ? undefined : answer.messages.flatMap((message) => decodeLink(message) ?? [])[0];
}

/** Asks three times whether another host has the address; who that is, or what stands in the way of asking. */
async function probe(
  world: VipWorld,
  address: string,
  link: Link,
  signal: AbortSignal,
): Promise<VipTrouble | undefined> {
  // Two that start at once are not to see each other's questions at once, too.
  await world.sleep(world.random() * probes.spacingMs, signal);
  const found = await askWho(
    world,
    address,
    link,
    probes,
    (frame) => conflictIn(frame, link.hardware, address),
    signal,
  );
  return typeof found === "string" ? { kind: "taken", hardware: found } : found;
}

export interface Asking {
  readonly count: number;
  readonly spacingMs: number;
  /** After the last question. */
  readonly waitMs: number;
}

/** Asks by ARP who has the address, until `isOther` gives the hardware of one who speaks against us; or what stands in the way of asking. */
export async function askWho(
  world: VipWorld,
  address: string,
  { interfaceIndex, hardware, name }: Link,
  { count, spacingMs, waitMs }: Asking,
  isOther: (frame: Uint8Array) => string | undefined,
  signal: AbortSignal,
): Promise<string | VipTrouble | undefined> {
  const frames = openFrames(world, interfaceIndex);
  if ("kind" in frames) return frames;
  try {
    let other: string | undefined;
    frames.onFrame((frame) => {
      other ??= isOther(frame);
    });
    for (let sent = 0; sent < count && other === undefined; sent++) {
      frames.send(encodeProbe(hardware, address));
      await world.sleep(sent === count - 1 ? waitMs : spacingMs, signal);
    }
    return other;
  } catch (error) {
    // The interface has gone down meanwhile, or takes no more at the moment.
    if (errnoOf(error) === undefined) throw error;
    return { kind: "link-down", device: name };
  } finally {
    frames.close();
  }
}

export function openFrames(world: VipWorld, interfaceIndex: number): Frames | VipTrouble {
  try {
    return world.openFrames(interfaceIndex);
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    if (code === "EPERM" || code === "EACCES") return { kind: "not-permitted", capability: "NET_RAW" };
    return { kind: "failed", reason: message };
  }
}

/** Adds the address, or lets it stay for longer; what went wrong. */
export async function renew(world: VipWorld, vip: Vip, interfaceIndex: number): Promise<VipTrouble | undefined> {
  const answer = await world.request(encodeNewAddress({ ...vip, interfaceIndex }, lifetimeSeconds));
  if (answer.kind === "answer") return undefined;
  const { errno } = answer;
  if (errno === errnos.permission || errno === errnos.access) return { kind: "not-permitted", capability: "NET_ADMIN" };
  if (errno === errnos.noDevice) return { kind: "no-device", device: vip.device ?? `interface ${interfaceIndex}` };
  return { kind: "failed", reason: `the kernel does not add the address (errno ${errno})` };
}

/** Waits until the kernel knows that no other host has an IPv6 address; takes it away where one has. */
async function awaitDetection(
  world: VipWorld,
  vip: Vip,
  { interfaceIndex }: Link,
  signal: AbortSignal,
): Promise<VipTrouble | undefined> {
  for (let waitedMs = 0; waitedMs < detection.mostMs; waitedMs += detection.spacingMs) {
    const now = (await listAddresses(world, 6)).find(
      (one) => one.address === vip.address && one.interfaceIndex === interfaceIndex,
    );
    if (now === undefined || now.isDuplicate) {
      await world.request(encodeDeleteAddress({ ...vip, interfaceIndex }));
      return { kind: "taken" };
    }
    if (!now.isTentative) return undefined;
    await world.sleep(detection.spacingMs, signal);
  }
  await world.request(encodeDeleteAddress({ ...vip, interfaceIndex }));
  return { kind: "failed", reason: "the kernel does not find out whether another host has the address" };
}
