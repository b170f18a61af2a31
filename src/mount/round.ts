// A round of mount calls: one way to mount a share after the other, until one works or none is left.
import type { MountFailure, Prospect } from "../kinds/failure.ts";
import type { MountWay, ReadyServer } from "../kinds/mounting.ts";
import { mountingOf } from "../kinds/mountings.ts";
import type { Share } from "../shares/share.ts";
import { failed, type AttemptPorts, type AttemptResult } from "./attempt-ports.ts";
import { callMount, type CallPorts } from "./call.ts";
import { describeRefusedOption } from "./option-told.ts";
import { disbelieve } from "./proof.ts";
import { findRefusedOption, type OptionPorts } from "./refused-option.ts";

/** Where a share is mounted: what mount(2) is given, and the path that mountinfo will show. */
export interface MountPlace {
  readonly path: string;
  readonly seenAt: string;
}

/** Tries the ways to mount the share, the best first. */
export async function mountRound(
  ports: AttemptPorts,
  share: Share,
  place: MountPlace,
  ready: ReadyServer,
  attemptTimeoutMs: number,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const mounting = mountingOf(share);
  const failures: MountFailure[] = [];
  let refusedIn: MountWay | undefined;
  let hasLoadedModules = false;
  const ways = mounting.ways(share, ready.unspoken);
  for (let index = 0; index < ways.length;) {
    const way = ways[index];
    if (way === undefined) break;
    signal.throwIfAborted();
    ports.onMounting(share);
    const result = await callMount(callPorts(ports, share, ready), way, place.path, attemptTimeoutMs, signal);
    signal.throwIfAborted();
    const failure = result.kind === "failed" ? result.failure : undefined;
    if (failure === undefined || failure.prospect === "look") {
      const isOurs = failure === undefined;
      const doubt = await disbelieve(ports.mounter, share, place.seenAt, isOurs, attemptTimeoutMs);
      if (doubt === undefined) return { kind: "mounted", version: way.version, isOurs };
      if (failure === undefined) return failed(doubt);
      failures.push({ ...failure, prospect: "transient" });
    } else {
      if (failure.prospect === "unsupported" && !hasLoadedModules) {
        // Once a round: what the kernel does not know now it may know with its modules.
        hasLoadedModules = true;
        await ports.loadModules(mounting.modules);
        if (failure.cause === "ENODEV") continue;
      }
      failures.push(failure);
      if (failure.option === true) refusedIn ??= way;
      if (failure.unreachable === true || failure.everyVersion === true) break;
    }
    index += 1;
  }
  const isCutShort = failures.some(({ cutShort }) => cutShort === true);
  const summed = { ...summarize(failures), ...(isCutShort ? { cutShort: true } : {}) };
  const failure = mounting.withHint(share, summed);
  // Only where nothing but the options is in the way: another version may take them.
  if (failure.option !== true || refusedIn === undefined) return { kind: "failed", failure };
  const told = await tellRefusedOption(ports, share, ready, refusedIn, attemptTimeoutMs, signal);
  return { kind: "failed", failure: { ...failure, ...told } };
}

function callPorts(
  { clock, mounter, tell, serverAnswers, addresses }: AttemptPorts,
  share: Share,
  ready: ReadyServer,
): CallPorts {
  return {
    clock,
    mounter,
    onPending: (version, forMs) => tell({ kind: "pending", share, version, forMs }),
    serverAnswers: (signal) => serverAnswers(share, signal),
    addresses: (version, signal) => addresses(share, ready, version, signal),
  };
}

/** The option that is refused, and what to do about it; nothing where that cannot be found out. */
async function tellRefusedOption(
  ports: AttemptPorts,
  share: Share,
  ready: ReadyServer,
  way: MountWay,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Partial<MountFailure>> {
  const addresses = await ports.addresses(share, ready, way.version, signal);
  if (typeof addresses === "string") return {};
  const optionPorts: OptionPorts = {
    readOptions: (call, words) => ports.mounter.readOptions(call, words, timeoutMs),
    tryCalls: ports.tryCalls,
  };
  const refused = await findRefusedOption(optionPorts, share, way.version, way.call(addresses));
  return refused === undefined ? {} : describeRefusedOption(refused, share);
}

/** Sums up one round over several versions: hope in one of them is hope for the share. */
export function summarize(failures: readonly MountFailure[]): MountFailure {
  const byHope: readonly Prospect[] = ["ambiguous", "transient", "look", "unsupported", "permanent"];
  const settled = failures.find(({ prospect, everyVersion }) => prospect === "permanent" && everyVersion === true);
  if (settled !== undefined) return settled;
  for (const prospect of byHope) {
    const found = failures.find((failure) => failure.prospect === prospect);
    if (found !== undefined) return found;
  }
  return { prospect: "transient", reason: "the server speaks none of the versions the share may use" };
}
