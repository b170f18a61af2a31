// The address that clients mount from and that moves with the service: taken when nobody has it, kept, announced, given back.
import { anyOf } from "../../abort.ts";
import type { Clock } from "../../clock.ts";
import { isIP } from "../../address.ts";
import type { Vip } from "./written.ts";
import type { ClientConnection } from "./connections.ts";
import { resetConnections, type ResetOutcome, type ResetWorld } from "./resets.ts";
import { conflictIn, encodeAnnouncement, encodeProbe } from "./arp.ts";
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
const renewMs = 8_000;
/** Shorter than RFC 5227 has it for hosts that have time: a fail-over is to take less than ten seconds. */
const probes = { count: 3, spacingMs: 200, waitMs: 300 } as const;
const announcements = { count: 3, spacingMs: 250 } as const;
/** Duplicate address detection of the kernel takes a second (RFC 4862 section 5.4), twice that where it is set so. */
const detection = { mostMs: 5_000, spacingMs: 100 } as const;

const errnos = { permission: 1, access: 13, noDevice: 19, noAddress: 99, notThere: 2, exists: 17 } as const;

/** Takes the address once, if nobody else has it. */
export async function takeVip(world: VipWorld, vip: Vip, signal: AbortSignal): Promise<HeldVip | VipTrouble> {
  const family = familyOf(vip);
  const there = (await listAddresses(world, family)).find(({ address }) => address === vip.address);
  const link = await findLink(world, vip, there);
  if ("kind" in link) return link;
  if (there !== undefined && there.interfaceIndex === link.interfaceIndex) {
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

function familyOf({ address }: Vip): 4 | 6 {
  return isIP(address) === 6 ? 6 : 4;
}

function held({ interfaceIndex, name }: Link, wasThere: HeldVip["wasThere"]): HeldVip {
  return { kind: "held", interfaceIndex, device: name, wasThere };
}

async function listAddresses(world: VipWorld, family: 4 | 6): Promise<readonly InterfaceAddress[]> {
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

async function getLink(world: VipWorld, link: string | number): Promise<Link | undefined> {
  const answer = await world.request(encodeGetLink(link));
  return answer.kind === "error" ? undefined : answer.messages.flatMap((message) => decodeLink(message) ?? [])[0];
}

/** Asks three times whether another host has the address; who that is, or what stands in the way of asking. */
async function probe(
  world: VipWorld,
  address: string,
  { interfaceIndex, hardware }: Link,
  signal: AbortSignal,
): Promise<VipTrouble | undefined> {
  const frames = openFrames(world, interfaceIndex);
  if ("kind" in frames) return frames;
  try {
    let other: string | undefined;
    frames.onFrame((frame) => {
      other ??= conflictIn(frame, hardware, address);
    });
    // Two that start at once are not to see each other's questions at once, too.
    await world.sleep(world.random() * probes.spacingMs, signal);
    for (let sent = 0; sent < probes.count && other === undefined; sent++) {
      frames.send(encodeProbe(hardware, address));
      await world.sleep(sent === probes.count - 1 ? probes.waitMs : probes.spacingMs, signal);
    }
    return other === undefined ? undefined : { kind: "taken", hardware: other };
  } finally {
    frames.close();
  }
}

function openFrames(world: VipWorld, interfaceIndex: number): Frames | VipTrouble {
  try {
    return world.openFrames(interfaceIndex);
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    if (code === "EPERM" || code === "EACCES") return { kind: "not-permitted", capability: "NET_RAW" };
    return { kind: "failed", reason: message };
  }
}

/** Adds the address, or lets it stay for longer; what went wrong. */
async function renew(world: VipWorld, vip: Vip, interfaceIndex: number): Promise<VipTrouble | undefined> {
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

export type VipEvent =
  /** It cannot be had now; told once for each new reason. */
  | { readonly kind: "waiting"; readonly trouble: VipTrouble }
  | { readonly kind: "held"; readonly held: HeldVip }
  /** It cannot be kept: the address will go. */
  | { readonly kind: "losing"; readonly trouble: VipTrouble };

export interface KeptVip {
  readonly held: HeldVip;
  /** Tells neighbours again where the address is: for the moment from which the service answers. */
  readonly announce: () => Promise<void>;
  /** Makes clients connect anew whose connections were lost with the host before; see `resetConnections`. */
  readonly reset: (lost: () => Promise<readonly ClientConnection[]>) => Promise<ResetOutcome>;
  /** Gives it back, first of all on the way out. One that is there for good stays. */
  readonly release: () => Promise<void>;
}

const retryMs = 1_000;

/**
 * Waits until nobody else has the address, takes it, tells the neighbours and keeps it. A trouble that stays, such as a missing
 * capability, is returned at once.
 */
export async function keepVip(
  world: VipWorld,
  vip: Vip,
  onEvent: (event: VipEvent) => void,
  signal: AbortSignal,
): Promise<KeptVip | VipTrouble> {
  const found = await takeWhenFree(world, vip, onEvent, signal);
  if (found.kind !== "held") return found;
  onEvent({ kind: "held", held: found });
  const life = new AbortController();
  const alive = anyOf(signal, life.signal);
  const renewing = found.wasThere === "permanent" ? Promise.resolve() : renewUntil(world, vip, found, onEvent, alive);
  const announce = () => announceVip(world, vip, found, alive);
  await announce();
  const family = familyOf(vip);
  const own = async () => new Set((await listAddresses(world, family)).map(({ address }) => address));
  return {
    held: found,
    announce,
    reset: (lost) => resetConnections(world, { ...vip, ...found }, lost, own, alive),
    release: async () => {
      life.abort();
      await renewing;
      if (found.wasThere !== "permanent") await world.request(encodeDeleteAddress({ ...vip, ...found }));
    },
  };
}

async function takeWhenFree(
  world: VipWorld,
  vip: Vip,
  onEvent: (event: VipEvent) => void,
  signal: AbortSignal,
): Promise<HeldVip | VipTrouble> {
  let told = "";
  for (;;) {
    const found = await takeVip(world, vip, signal);
    if (found.kind !== "taken" && found.kind !== "link-down") return found;
    const reason = JSON.stringify(found);
    if (reason !== told) onEvent({ kind: "waiting", trouble: found });
    told = reason;
    signal.throwIfAborted();
    await world.sleep(retryMs * (0.5 + world.random()), signal);
  }
}

async function renewUntil(
  world: VipWorld,
  vip: Vip,
  { interfaceIndex }: HeldVip,
  onEvent: (event: VipEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await world.sleep(renewMs, signal).catch(() => {});
    if (signal.aborted) return;
    const trouble = await renew(world, vip, interfaceIndex);
    if (trouble !== undefined) onEvent({ kind: "losing", trouble });
  }
}

/** Three times, for a frame may be lost. One that cannot be sent is none: neighbours find the address by asking. */
async function announceVip(world: VipWorld, vip: Vip, { interfaceIndex }: HeldVip, signal: AbortSignal): Promise<void> {
  const link = await getLink(world, interfaceIndex);
  if (link === undefined) return;
  const isV6 = isIP(vip.address) === 6;
  const frames = isV6 || !link.hasArp ? undefined : openFrames(world, interfaceIndex);
  if (frames !== undefined && "kind" in frames) return;
  try {
    for (let sent = 0; sent < announcements.count && !signal.aborted; sent++) {
      if (sent > 0) await world.sleep(announcements.spacingMs, signal).catch(() => {});
      if (isV6) world.advertise(vip.address, link);
      frames?.send(encodeAnnouncement(link.hardware, vip.address));
    }
  } catch {
    // As said.
  } finally {
    frames?.close();
  }
}
