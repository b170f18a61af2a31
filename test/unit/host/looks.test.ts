import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { batchedLooks } from "../../../src/host/looks.ts";
import type { Worker } from "../../../src/host/processes.ts";
import type { WorkerReply } from "../../../src/host/worker.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const answers: WorkerReply = {
  kind: "answers",
  isWritable: true,
  space: { totalBytes: 1, freeBytes: 1, availableBytes: 1 },
};

/** Workers that answer one question after the other, each after the time its path names: `/150` after 150 ms, `/hangs` never. */
function pool({ startMs }: { readonly startMs: number }) {
  const taken: Worker[] = [];
  const stopped: Worker[] = [];
  const start = (): Worker => {
    let isAlive = true;
    const started = new Promise<number>((resolve) => {
      setTimeout(resolve, startMs, startMs);
    });
    let last: Promise<unknown> = started;
    const worker: Worker = {
      isAlive: () => isAlive,
      failure: () => undefined,
      started,
      ask: (request) => {
        const path = "path" in request ? request.path : "";
        const reply = last.then(
          () =>
            new Promise<WorkerReply>((resolve) => {
              if (path !== "/hangs") setTimeout(resolve, Number(path.slice(1)), answers);
            }),
        );
        last = reply;
        return reply;
      },
      stop: () => {
        isAlive = false;
        stopped.push(worker);
      },
    };
    return worker;
  };
  const idle: Worker[] = [];
  const look = batchedLooks({
    take: () => {
      const worker = idle.pop() ?? start();
      taken.push(worker);
      return worker;
    },
    giveBack: (worker) => idle.push(worker),
  });
  return { look, taken, stopped, idle };
}

/** Looks at all paths in one turn; when each was answered, in milliseconds. */
async function times({ look }: ReturnType<typeof pool>, paths: readonly string[], timeoutMs = 5_000) {
  const beganMs = Date.now();
  const all = paths.map(async (path) => {
    const reply = await look({ do: "look", path, write: false }, timeoutMs);
    return { kind: reply?.kind, ms: Date.now() - beganMs };
  });
  await vi.advanceTimersByTimeAsync(20_000);
  return Promise.all(all);
}

describe("looks that are asked for together", () => {
  test("are made by one worker, which is kept", async () => {
    const workers = pool({ startMs: 10 });
    const seen = await times(workers, ["/5", "/5", "/5"]);
    expect(seen.map(({ ms }) => ms)).toEqual([15, 20, 25]);
    expect(workers.taken).toHaveLength(1);
    expect(workers.idle).toEqual(workers.taken);
  });

  test("do not wait for one that hangs: it keeps its worker until its time is over, and that is stopped", async () => {
    const workers = pool({ startMs: 10 });
    const [before, hangs, behind] = await times(workers, ["/5", "/hangs", "/5"]);
    expect(before).toEqual({ kind: "answers", ms: 15 });
    expect(hangs?.kind).toBeUndefined();
    expect(hangs?.ms).toBeGreaterThanOrEqual(5_000);
    expect(behind?.kind).toBe("answers");
    expect(behind?.ms).toBeLessThan(300);
    expect(workers.stopped).toEqual([workers.taken[0]]);
  });

  test("do not call for another worker where the machine is slow and not the share", async () => {
    const slow = ["/300", "/300", "/300"];
    const machine = pool({ startMs: 400 });
    await times(machine, slow);
    expect(machine.taken).toHaveLength(1);
    const shares = pool({ startMs: 10 });
    await times(shares, slow);
    expect(shares.taken.length).toBeGreaterThan(1);
  });

  test("end at their own time", async () => {
    const workers = pool({ startMs: 10 });
    const [only] = await times(workers, ["/hangs"], 700);
    expect(only?.kind).toBeUndefined();
    expect(only?.ms).toBeGreaterThanOrEqual(700);
    expect(only?.ms).toBeLessThan(1_500);
  });

  test("fail where the worker hangs in its start, which is stopped: the next ones get another", async () => {
    const workers = pool({ startMs: 100_000 });
    const hanging = Promise.allSettled(
      ["/5", "/6"].map((path) => workers.look({ do: "look", path, write: false }, 5_000)),
    );
    await vi.advanceTimersByTimeAsync(40_000);
    expect((await hanging).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(workers.stopped).toEqual(workers.taken);
    void workers.look({ do: "look", path: "/5", write: false }, 5_000).catch(() => {});
    await vi.advanceTimersByTimeAsync(0);
    expect(workers.taken).toHaveLength(2);
  });
});
