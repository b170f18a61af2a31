// The container inits that are measured side by side, and how each is told to run COMMAND.

import type { Absence, Competitor } from "./measurement.ts";
import { nfsInit, requireBinary } from "./lab-rig.ts";
import { findPeers } from "./peers.ts";
import type { PeerName } from "./peers.ts";

/** None of them runs as PID 1 here: tini is asked to adopt orphans, as the others do by themselves. */
const peerArguments: Readonly<Record<PeerName, readonly string[]>> = {
  tini: ["-s", "--"],
  "dumb-init": ["--"],
  catatonit: ["--"],
};

export interface Inits {
  /** nfs-init first, then the floor, which is no init at all. */
  readonly competitors: readonly Competitor[];
  readonly absent: readonly Absence[];
  /** The words that stand before COMMAND, by the competitor's name; none for the floor. */
  readonly prefixes: ReadonlyMap<string, readonly string[]>;
}

export async function findInits(): Promise<Inits> {
  requireBinary();
  const peers = await findPeers();
  const prefixes = new Map<string, readonly string[]>([
    ["nfs-init", [nfsInit, "--"]],
    ["exec", []],
  ]);
  const competitors: Competitor[] = [
    { name: "nfs-init", title: "nfs-init", role: "ours" },
    { name: "exec", title: "no init", role: "floor" },
  ];
  const absent: Absence[] = [];
  for (const [name, options] of Object.entries(peerArguments) as [PeerName, readonly string[]][]) {
    const peer = peers[name];
    if (peer === undefined) {
      absent.push({ name, reason: "there is no such program on this machine" });
      continue;
    }
    prefixes.set(name, [peer.file, ...options]);
    competitors.push({ name, title: name, role: "peer", version: peer.version });
  }
  return { competitors, absent, prefixes };
}
