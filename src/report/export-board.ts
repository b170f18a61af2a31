// The board of `serve`: how the exports are, as others are told.
import { workBetween, type RecentWork, type ServerUse } from "../export/use.ts";
import type { Space } from "../mount/ports.ts";
import type { ExportStatus, InstanceStatus } from "../watch/status.ts";
import type { BoardNews, InstanceFacts } from "./board.ts";

export interface ExportBoard {
  /** What the last question to an export gave; `reason` where it is not served, or takes no file. */
  readonly asked: (path: string, phase: "served" | "not-served", reason?: string) => void;
  /** Who uses the server, and how much room each export has, by its path. */
  readonly used: (use: ServerUse, spaces: ReadonlyMap<string, Space>) => void;
  readonly current: () => InstanceStatus;
  /** Has `tell` called after each question. */
  readonly subscribe: (tell: (news: BoardNews) => void) => void;
}

/** A board on which every export is about to be served. `nowMs` is the boot-time clock. */
export function createExportBoard(nowMs: () => number, facts: InstanceFacts, paths: readonly string[]): ExportBoard {
  const exports = new Map<string, ExportStatus>(
    paths.map((path) => [path, { path, phase: "starting", sinceMs: nowMs(), reason: undefined }]),
  );
  let use: ServerUse | undefined;
  let recentWork: RecentWork | undefined;
  let usedMs = 0;
  const listeners: ((news: BoardNews) => void)[] = [];
  return {
    asked: (path, phase, reason) => {
      const before = exports.get(path);
      // Until it has been served for once it has not failed.
      if (before === undefined || (before.phase === "starting" && phase === "not-served")) return;
      const isSame = before.phase === phase;
      exports.set(path, { ...before, phase, sinceMs: isSame ? before.sinceMs : nowMs(), reason });
      for (const listener of listeners) listener(isSame && before.reason === reason ? "look" : "change");
    },
    used: (next, spaces) => {
      recentWork = use && workBetween(use, next, nowMs() - usedMs);
      use = next;
      usedMs = nowMs();
      for (const [path, one] of exports) exports.set(path, { ...one, space: spaces.get(path) });
      for (const listener of listeners) listener("look");
    },
    current: () => ({
      ...facts,
      restarts: 0,
      restartedMs: undefined,
      updatedMs: nowMs(),
      shares: [],
      exports: [...exports.values()],
      use,
      recentWork,
    }),
    subscribe: (listener) => {
      listeners.push(listener);
    },
  };
}
