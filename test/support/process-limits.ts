// Control groups of the test's own, to run nfs-init with little memory or few processes.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";

const root = "/sys/fs/cgroup";
const files = {
  memory: { v1: "memory.limit_in_bytes", v2: "memory.max" },
  pids: { v1: "pids.max", v2: "pids.max" },
} as const;

let made = 0;

/**
 * A prelude that puts nfs-init and all that comes from it into a group of this much memory in bytes, or of so many processes and
 * threads; undefined where this machine gives no such group away.
 */
export function limitedTo(controller: keyof typeof files, limit: number): string | undefined {
  const isV2 = existsSync(join(root, "cgroup.controllers"));
  const parent = isV2 ? root : join(root, controller);
  const group = join(parent, `nfs-init-test-${process.pid}-${made++}`);
  try {
    if (isV2) {
      const given = readFileSync(join(root, "cgroup.subtree_control"), "utf8").trim().split(" ");
      if (!given.includes(controller)) return undefined;
    }
    mkdirSync(group);
    onTestFinished(() => eventually("the group is empty", () => remove(group)).then(() => undefined));
    writeFileSync(join(group, files[controller][isV2 ? "v2" : "v1"]), `${limit}`);
  } catch {
    return undefined;
  }
  return `set -e; echo $$ >'${group}/cgroup.procs'; set +e`;
}

function remove(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch {
    return !existsSync(group);
  }
}
