// What is worth knowing about the machine that figures come from: its size and its versions, not its name.

import { cpus, loadavg, release } from "node:os";
import { engineLabel } from "../scripts/native/pins.ts";

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly kernel: string;
  readonly node: string;
  /** The engine and the C library in nfs-init. Results of older versions have the runtime of then, Bun. */
  readonly engine?: string;
  readonly bun?: string;
  /** Load average of the last minute, as the measurement began. */
  readonly load: number;
}

export function describeMachine(): Machine {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? "unknown",
    kernel: release().split("-")[0] ?? "",
    node: process.versions.node,
    engine: engineLabel,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
