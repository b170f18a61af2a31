// Finds the programs that nfs-init is measured beside: Debian's, out of the lab, or else the ones this machine has.

import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { bootLab } from "../test/support/lab/lab.ts";
import { prepareLab } from "../test/support/lab/packages.ts";

export interface Peer {
  readonly file: string;
  /** As it says itself. */
  readonly version: string;
}

const peers = ["tini", "dumb-init", "catatonit"] as const;

export type PeerName = (typeof peers)[number];

/** Where programs copied out of the lab are kept; git ignores it. */
const store = join(import.meta.dirname, "../.lab/peers");

/** Finds the peers that there are. Without the lab's Debian programs, the machine's own are taken. */
export async function findPeers(): Promise<Partial<Record<PeerName, Peer>>> {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const own = await copyFromLab().catch((error: unknown) => {
    process.stderr.write(
      `the machine's own programs are measured: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return undefined;
  });
  const found: Partial<Record<PeerName, Peer>> = {};
  for (const name of peers) {
    const files = [own, ...folders].filter((folder) => folder !== undefined).map((folder) => join(folder, name));
    const peer = await firstThatRuns(files);
    if (peer !== undefined) found[name] = peer;
  }
  return found;
}

async function firstThatRuns(files: readonly string[]): Promise<Peer | undefined> {
  for (const file of files) {
    if (!existsSync(file)) continue;
    const { all, failed } = await execa(file, ["--version"], {
      all: true,
      reject: false,
      timeout: 5000,
      forceKillAfterDelay: 100,
    });
    const version = /\d+(\.\d+)+/.exec(all)?.[0];
    if (!failed && version !== undefined) return { file, version };
  }
  return undefined;
}

/** Copies the peers out of the lab's root file system, once; the lab itself need not be unpacked for that. */
async function copyFromLab(): Promise<string> {
  const { image } = await prepareLab();
  const folder = join(store, basename(dirname(image)));
  if (existsSync(folder)) return folder;
  const lab = await bootLab();
  const fresh = `${folder}.${process.pid}`;
  try {
    mkdirSync(fresh, { recursive: true });
    for (const name of peers) {
      const file = join(fresh, name);
      writeFileSync(file, Buffer.from(await lab.sh(`base64 /usr/bin/${name}`), "base64"));
      chmodSync(file, 0o755);
    }
    renameSync(fresh, folder);
  } finally {
    await lab.stop();
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}
