// The platforms that are released.
import type { Cpu } from "../native/pins.ts";

export interface Target {
  /** As in `nfs-init-linux-x64`. */
  readonly name: string;
  readonly cpu: Cpu;
}

export const targets: readonly Target[] = [
  { name: "linux-x64", cpu: "x64" },
  { name: "linux-arm64", cpu: "arm64" },
];

/** The executable of a target, in dist. */
export function executableName(target: Target): string {
  return `nfs-init-${target.name}`;
}
