import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createWorkers, type Worker } from "../../../src/host/processes.ts";
import type { WorkerRequest } from "../../../src/host/worker.ts";

// The system calls behind it are not to be had here.
vi.mock("../../../src/host/files.ts", () => ({ readMounts: () => [] }));

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Workers of which the first `stuck` never start and the others answer at once; the paths that those were asked for, and the workers that run. */
function workersOf({ stuck }: { readonly stuck: number }) {
  let count = 0;
  const answered: string[] = [];
  const running = new Set<number>();
  const start = (): Worker => {
    count += 1;
    const number = count;
    const hangs = number <= stuck;
    running.add(number);
    return {
      isAlive: () => true,
      started: hangs ? new Promise(() => {}) : Promise.resolve(10),
      ask: (request: WorkerRequest) => {
        if (hangs) return new Promise(() => {});
        if ("path" in request) answered.push(request.path);
        return Promise.resolve({ kind: "done" });
      },
      stop: () => {
        running.delete(number);
      },
    };
  };
  return { workers: createWorkers(start), answered, running };
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

describe("idle workers", () => {
  test("end but for one, which goes on to look", async () => {
    const { workers, running } = workersOf({ stuck: 0 });
    const { mounter } = workers;
    await Promise.all(["/1", "/2"].map((path) => mounter.statfs(path, 1_000)));
    expect(running).toEqual(new Set([1, 2]));
    workers.keepOne();
    expect(running.size).toBe(1);
    const kept = [...running];
    await mounter.look("/1", false, 1_000);
    expect([...running]).toEqual(kept);
    workers.stop();
    expect(running.size).toBe(0);
  });

  test("are none where none has been needed", () => {
    const { workers, running } = workersOf({ stuck: 0 });
    workers.keepOne();
    expect(running.size).toBe(0);
  });
});
