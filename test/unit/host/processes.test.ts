import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createWorkers, type Worker } from "../../../src/host/processes.ts";
import type { WorkerRequest } from "../../../src/host/worker.ts";

// The system calls behind it are not to be had here.
vi.mock("../../../src/host/files.ts", () => ({ readMounts: () => [] }));

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Workers of which the first `stuck` never start and the others answer at once; the paths that those were asked for. */
function workersOf({ stuck }: { readonly stuck: number }) {
  let count = 0;
  const answered: string[] = [];
  const start = (): Worker => {
    count += 1;
    const hangs = count <= stuck;
    return {
      isAlive: () => true,
      started: hangs ? new Promise(() => {}) : Promise.resolve(10),
      ask: (request: WorkerRequest) => {
        if (hangs) return new Promise(() => {});
        if ("path" in request) answered.push(request.path);
        return Promise.resolve({ kind: "done" });
      },
      stop: () => {},
    };
  };
  return { workers: createWorkers(start), answered };
}

describe("workers that hang in their start", () => {
  test("hold up what is asked for beside them for some seconds only", async () => {
    const { workers, answered } = workersOf({ stuck: 8 });
    for (let index = 1; index <= 9; index++) void workers.mounter.statfs(`/${index}`, 1_000);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(answered).toEqual([]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(answered).toEqual(["/9"]);
  });
});
