// Statuses as the tests of the reports need them.
import { readFileSync } from "node:fs";
import type { PublishedState } from "../../../src/report/state.ts";
import type { InstanceStatus, ShareStatus } from "../../../src/watch/status.ts";

/** A share that has been healthy from 2 s to 100 s on the boot-time clock. */
export function shareStatus(change: Partial<ShareStatus> = {}): ShareStatus {
  return {
    source: "nas:/export",
    target: "/mnt/data",
    realTarget: "/mnt/data",
    phase: "healthy",
    sinceMs: 2_000,
    version: "4.2",
    isOurs: true,
    nofail: false,
    reason: undefined,
    isLost: false,
    answeredMs: 99_000,
    probeMs: 4.25,
    space: { totalBytes: 1_000, freeBytes: 400, availableBytes: 300 },
    remounts: 0,
    remountedMs: undefined,
    awayMs: 0,
    ...change,
  };
}

/** An instance that started at 1 s, as it was at 100 s. */
export function instanceStatus(shares: readonly ShareStatus[], change: Partial<InstanceStatus> = {}): InstanceStatus {
  return {
    program: "1.2.3",
    role: "run",
    bootId: "boot",
    startedMs: 1_000,
    updatedMs: 100_000,
    staleAfterMs: 20_000,
    restarts: 0,
    restartedMs: undefined,
    shares,
    ...change,
  };
}

/** The same published by process 1 of the namespace "here". */
export function publishedState(shares: readonly ShareStatus[], change: Partial<PublishedState> = {}): PublishedState {
  return { schemaVersion: 1, ...instanceStatus(shares), pid: 1, pidNamespace: "here", ...change };
}

const fixtures = JSON.parse(readFileSync("test/fixtures/mountstats.json", "utf8")) as Readonly<Record<string, string>>;

/** A mountstats text of the lab's kernel. */
export function mountstatsText(version: "3" | "4.2"): string {
  return fixtures[`version ${version}`] ?? "";
}

/** Where the share of those texts is mounted. */
export const labTarget = "/lab/state/box/data";
