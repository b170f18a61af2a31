// What a running nfs-init publishes, as the process tests see it, and states left by instances that never were.
import { chmodSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PublishedState } from "../../src/report/state.ts";
import { eventually } from "./eventually.ts";
import { nofailShare, start, type Place, type Running } from "./process.ts";

/** Where the instances of a test's directory publish. */
export function statePath(directory: string): string {
  return join(directory, "state", "state.json");
}

export function readState(directory: string): PublishedState | undefined {
  try {
    return JSON.parse(readFileSync(statePath(directory), "utf8")) as PublishedState;
  } catch {
    return undefined;
  }
}

/** Waits for a state that an instance has published. */
export function published(
  directory: string,
  matches: (state: PublishedState) => boolean = () => true,
): Promise<PublishedState> {
  return eventually("a published state", () => {
    const state = readState(directory);
    return state !== undefined && matches(state) ? state : undefined;
  });
}

/** Short times, so that no test waits for the defaults: a state is too old after 800 ms. */
export const quick = { NFS_WATCH_INTERVAL: "200ms", NFS_WATCH_TIMEOUT: "200ms" };

/** nfs-init with one share that never comes; COMMAND runs until its stdin ends. */
export function startPublishing(
  place: Place,
  directory: string,
  env: Readonly<Record<string, string>> = {},
  prelude?: string,
): Running {
  return start({
    args: ["--", "sh", "-c", "echo started; cat"],
    place,
    env: { ...nofailShare(directory), ...quick, ...env },
    ownMounts: true,
    ...(prelude === undefined ? {} : { prelude }),
  });
}

/** Now, on the boot-time clock. */
export function bootTimeMs(): number {
  return Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1_000;
}

/** Writes a state of a healthy share as an instance of another pid namespace would have; gives its directory. */
export function leaveState(directory: string, change: Partial<PublishedState> = {}): string {
  const nowMs = bootTimeMs();
  const state = {
    schemaVersion: 1,
    program: "0.0.0",
    role: "run",
    bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    startedMs: nowMs - 5_000,
    updatedMs: nowMs,
    staleAfterMs: 60_000,
    restarts: 0,
    shares: [
      {
        source: "nas:/export",
        target: "/mnt/data",
        realTarget: "/mnt/data",
        phase: "healthy",
        sinceMs: nowMs - 4_000,
        version: "4.2",
        isOurs: true,
        nofail: false,
        isLost: false,
        answeredMs: nowMs,
        probeMs: 2,
        remounts: 0,
        awayMs: 0,
      },
    ],
    pid: 1,
    pidNamespace: "pid:[1]",
    ...change,
  };
  const stateDir = join(directory, "state");
  mkdirSync(stateDir, { recursive: true });
  chmodSync(stateDir, 0o755);
  writeFileSync(statePath(directory), `${JSON.stringify(state)}\n`);
  return stateDir;
}

/** The pid namespace of the tests. */
export function ownPidNamespace(): string {
  return readlinkSync("/proc/self/ns/pid");
}
