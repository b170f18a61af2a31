// What the measurements in the lab have in common.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { bootLab } from "../test/support/lab/lab.ts";
import type { Lab } from "../test/support/lab/lab.ts";
import type { Absence, Competitor, Rig, Trial } from "./measurement.ts";

/** NFS_INIT_BINARY names another binary to measure. */
export const nfsInit = process.env["NFS_INIT_BINARY"] ?? join(import.meta.dirname, "../dist/nfs-init");

/** The competitors' scripts, as the lab sees them. */
export const peerFolder = "/lab/project/bench/peers";

export function requireBinary(): void {
  if (!existsSync(nfsInit)) throw new Error(`cannot measure ${nfsInit}: it is not there; run \`npm run build\` first`);
}

export async function readVersions(lab: Lab): Promise<Record<string, string>> {
  const [kernel = "", helper = ""] = (await lab.sh("uname -r; mount.nfs -V")).split("\n");
  return { "the lab's Linux": kernel, "nfs-utils": /\d+(\.\d+)+/.exec(helper)?.[0] ?? helper };
}

export interface LabRig {
  readonly competitors: readonly Competitor[];
  /** The lab's, where it is not the usual. */
  readonly memory?: string;
  /** The lab switches itself off after this time. */
  readonly lifetimeMs: number;
  /** Makes a lab ready that has just been booted. */
  readonly prepare?: (lab: Lab) => Promise<void>;
  /** Looks, once, at those that never reach what is measured. */
  readonly observe?: (lab: Lab) => Promise<readonly Absence[]>;
  readonly run: (lab: Lab, trial: Trial) => Promise<number>;
}

/** Puts an executable of ours into the lab. */
export async function installProgram(lab: Lab, file: string, program: Buffer): Promise<void> {
  await lab.sh(`base64 -d >${file} <<<${program.toString("base64")}; chmod +x ${file}`);
}

/** Boots a lab for a measurement. */
export async function openLabRig({ competitors, memory, lifetimeMs, prepare, observe, run }: LabRig): Promise<Rig> {
  requireBinary();
  const lab = await bootLab({ binary: nfsInit, lifetimeMs, ...(memory === undefined ? {} : { memory }) });
  try {
    await prepare?.(lab);
    const setting = await readVersions(lab);
    const absent = (await observe?.(lab)) ?? [];
    return { competitors, absent, setting, run: (trial) => run(lab, trial), close: () => lab.stop() };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}
