// What is worth knowing about the machine that figures come from: its size and its versions, not its name.

import { cpus, loadavg, release } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly kernel: string;
  readonly node: string;
  /** The Bun that nfs-init was compiled with. */
  readonly bun: string;
  /** Load average of the last minute, as the measurement began. */
  readonly load: number;
}

const bun = join(import.meta.dirname, "../../node_modules/.bin/bun");

export async function describeMachine(): Promise<Machine> {
  const { stdout } = await execa(bun, ["--version"]);
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? "unknown",
    kernel: release().split("-")[0] ?? "",
    node: process.versions.node,
    bun: stdout.trim(),
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
