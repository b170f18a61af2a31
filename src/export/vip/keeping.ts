// A virtual address while it is kept: waited for, announced, renewed, defended, lost to another host, given back.
import { anyOf } from "../../abort.ts";
import { encodeAnnouncement, hardwareText, holderIn } from "./arp.ts";
import type { ClientConnection } from "./connections.ts";
import { decodeLink, encodeDeleteAddress, encodeListLinks, type Link } from "./netlink.ts";
import { resetConnections, type ResetOutcome } from "./resets.ts";
import {
  askWho,
  familyOf,
  getLink,
  listAddresses,
  openFrames,
  renew,
  takeVip,
  type HeldVip,
  type VipTrouble,
  type VipWorld,
} from "./vip.ts";
import type { Vip } from "./written.ts";

export type VipEvent =
  /** It cannot be had now; told once for each new reason. */
  | { readonly kind: "waiting"; readonly trouble: VipTrouble }
  | { readonly kind: "held"; readonly held: HeldVip }
  /** It cannot be kept: the address will go. */
  | { readonly kind: "losing"; readonly trouble: VipTrouble }
  /** Another host, at this hardware address, has it as well; neighbours are told that it is here. */
  | { readonly kind: "contested"; readonly hardware: string };

export interface KeptVip {
  readonly held: HeldVip;
  /** Settles when it is another host's: it has been given up. */
  readonly lost: Promise<VipTrouble>;
  /** Tells neighbours again where the address is: for the moment from which the service answers. */
  readonly announce: () => Promise<void>;
  /** Makes clients connect anew whose connections were lost with the host before; see `resetConnections`. */
  readonly reset: (lost: () => Promise<readonly ClientConnection[]>) => Promise<ResetOutcome>;
  /** Gives it back, first of all on the way out. One that is there for good stays. */
  readonly release: () => Promise<void>;
}

const retryMs = 1_000;
const renewMs = 8_000;
const announcements = { count: 3, spacingMs: 250 } as const;
/** One question in 8 s is nothing on a network, and one that is lost is asked again. */
const question = { count: 1, spacingMs: 0, waitMs: 300 } as const;
/** Time for another host to hear that it is ours, and for one of two to be the first who gives it up. */
const defenceMs = 1_000;

/** How an address is kept. */
interface Keeping {
  readonly world: VipWorld;
  readonly vip: Vip;
  readonly onEvent: (event: VipEvent) => void;
  readonly signal: AbortSignal;
}

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
  const found = await takeWhenFree({ world, vip, onEvent, signal });
  if (found.kind !== "held") return found;
  onEvent({ kind: "held", held: found });
  const life = new AbortController();
  const keeping: Keeping = { world, vip, onEvent, signal: anyOf(signal, life.signal) };
  const isKept = found.wasThere !== "permanent";
  const lost = Promise.withResolvers<VipTrouble>();
  const kept = isKept ? keep(keeping, found).then(lost.resolve, throwUnless(keeping.signal)) : Promise.resolve();
  const announce = () => announceVip(keeping, found.device);
  await announce();
  const own = async () => new Set((await listAddresses(world, familyOf(vip))).map(({ address }) => address));
  return {
    held: found,
    lost: lost.promise,
    announce,
    reset: (connections) => resetConnections(world, { ...vip, ...found }, connections, own, keeping.signal),
    release: async () => {
      life.abort();
      await kept;
      if (isKept) await giveUp(keeping, found.device);
    },
  };
}

function throwUnless(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

/** The interface may have been made anew. */
async function giveUp({ world, vip }: Keeping, device: string): Promise<void> {
  const link = await getLink(world, device);
  if (link !== undefined) await world.request(encodeDeleteAddress({ ...vip, ...link }));
}

async function takeWhenFree({ world, vip, onEvent, signal }: Keeping): Promise<HeldVip | VipTrouble> {
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

/** Renews it again and again, and settles when another host has it. Rejects when the signal aborts. */
async function keep(keeping: Keeping, { device, wasThere }: HeldVip): Promise<VipTrouble> {
  const { world, vip, onEvent, signal } = keeping;
  // While nobody was here to keep it another host may have taken it.
  for (let pauseMs = wasThere === "left" ? 0 : renewMs; ; pauseMs = renewMs) {
    await world.sleep(pauseMs, signal);
    const link = await getLink(world, device);
    if (link?.isRunning !== true) {
      // It goes by itself, so that another host may have it whose neighbours can reach it.
      onEvent({ kind: "losing", trouble: { kind: "link-down", device } });
      const found = await takeAgain(keeping, device);
      if (found.kind !== "held") return found;
      onEvent({ kind: "held", held: found });
      await announceVip(keeping, device);
      continue;
    }
    const hardware = await rivalOf(keeping, link);
    if (hardware !== undefined) {
      await giveUp(keeping, device);
      return { kind: "taken", hardware };
    }
    // Where its time is over, this adds it anew.
    const trouble = await renew(world, vip, link.interfaceIndex);
    if (trouble !== undefined) onEvent({ kind: "losing", trouble });
  }
}

/** Once its interface can reach others again it is asked for as if it had never been ours. */
async function takeAgain(keeping: Keeping, device: string): Promise<HeldVip | VipTrouble> {
  const { world, vip, signal } = keeping;
  for (;;) {
    await world.sleep(retryMs * (0.5 + world.random()), signal);
    const link = await getLink(world, device);
    if (link?.isRunning !== true) continue;
    await giveUp(keeping, device);
    const found = await takeVip(world, { ...vip, device }, signal);
    if (found.kind !== "link-down" && found.kind !== "no-device") return found;
  }
}

/**
 * The hardware of another host that has the address, too, and still has it after it was told that it is ours (RFC 5227 section 2.4
 * (b)): two networks that were one before have become one again. Of two that ask the first one gives it up. For IPv6 the kernel asks
 * when an interface comes back.
 */
async function rivalOf(keeping: Keeping, link: Link): Promise<string | undefined> {
  const { world, vip, onEvent, signal } = keeping;
  if (familyOf(vip) === 6 || !link.hasArp) return undefined;
  const ask = async () => {
    // Another interface of ours may answer on the same network.
    const own = await ownHardware(world);
    const isOther = (frame: Uint8Array) => {
      const hardware = holderIn(frame, vip.address);
      return hardware === undefined || own.has(hardware) ? undefined : hardware;
    };
    const found = await askWho(world, vip.address, link, question, isOther, signal);
    return typeof found === "string" ? found : undefined;
  };
  const hardware = await ask();
  if (hardware === undefined) return undefined;
  onEvent({ kind: "contested", hardware });
  await announceVip(keeping, link.name);
  await world.sleep(defenceMs * (0.5 + world.random()), signal);
  return ask();
}

async function ownHardware(world: VipWorld): Promise<ReadonlySet<string>> {
  const answer = await world.request(encodeListLinks());
  const links = answer.kind === "error" ? [] : answer.messages.flatMap((message) => decodeLink(message) ?? []);
  return new Set(links.map(({ hardware }) => hardwareText(hardware)));
}

/** Three times, for a frame may be lost. One that cannot be sent is none: neighbours find the address by asking. */
async function announceVip({ world, vip, signal }: Keeping, device: string): Promise<void> {
  const link = await getLink(world, device);
  if (link === undefined) return;
  const isV6 = familyOf(vip) === 6;
  const frames = isV6 || !link.hasArp ? undefined : openFrames(world, link.interfaceIndex);
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
