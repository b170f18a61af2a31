import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createWorkers, type Worker } from "../../../src/host/processes.ts";
import type { WorkerRequest } from "../../../src/host/worker.ts";

// The system calls behind it are not to be had here.
vi.mock("../../../src/host/files.ts", () => ({ readMounts: () => [] }));

/** How a process is started, where a test has it fail; how Bun tells of it differs from one error to another. */
const spawn = vi.hoisted(() => vi.fn<() => unknown>());
vi.mock("node:child_process", () => ({ spawn }));

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
      isAlive: () => running.has(number),
      failure: () => undefined,
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

  test("end but for one that is alive", async () => {
    const { workers, running } = workersOf({ stuck: 0 });
    const { mounter } = workers;
    await Promise.all(["/1", "/2"].map((path) => mounter.statfs(path, 1_000)));
    // It was killed from outside.
    running.delete(2);
    workers.keepOne();
    expect(running).toEqual(new Set([1]));
    await mounter.statfs("/1", 1_000);
    expect(running).toEqual(new Set([1]));
  });

  test("end with those that still owe an answer where nobody is left to take it", async () => {
    const { workers, running } = workersOf({ stuck: 1 });
    void workers.mounter.statfs("/hangs", 60_000);
    await workers.mounter.statfs("/1", 1_000);
    workers.stop();
    expect(running).toEqual(new Set([1]));
    workers.stopAll();
    expect(running.size).toBe(0);
  });

  test("are none where none has been needed", () => {
    const { workers, running } = workersOf({ stuck: 0 });
    workers.keepOne();
    expect(running.size).toBe(0);
  });
});

describe("where no worker can be started", () => {
  const ways = [
    {
      title: "is thrown",
      reason: "spawn ENOMEM",
      fail: () => {
        throw new Error("spawn ENOMEM");
      },
    },
    {
      title: "is told by an event",
      reason: "spawn EAGAIN",
      fail: () => {
        const child = new EventEmitter();
        queueMicrotask(() => child.emit("error", new Error("spawn EAGAIN")));
        return child;
      },
    },
  ];
  test.each(ways)("and the reason $title, each request tells it, and none waits for ever", async ({ fail, reason }) => {
    spawn.mockImplementation(fail);
    const { mounter, writeAccess } = createWorkers();
    // More than may begin side by side.
    for (let count = 0; count < 10; count++) {
      const said = { kind: "no-answer", notStarted: reason };
      expect(await mounter.statfs("/mnt/data", 1_000)).toEqual(said);
      expect(await mounter.prepare("/mnt/data", undefined, 1_000)).toEqual(said);
      expect(await mounter.umount("/mnt/data", "lazy", 1_000)).toEqual(said);
      expect(await writeAccess("/mnt/data", undefined, 1_000)).toEqual(said);
      await expect(mounter.look("/mnt/data", false, 1_000)).rejects.toThrow(
        `no process can be started to look at the shares: ${reason}`,
      );
    }
  });
});
