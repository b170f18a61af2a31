// Looks at mount points in batches: one worker serves all that answer, and one that hangs gets a worker of its own.
import type { Worker } from "./processes.ts";
import type { WorkerReply, WorkerRequest } from "./worker.ts";

type LookRequest = Extract<WorkerRequest, { do: "look" }>;

interface Look {
  readonly request: LookRequest;
  readonly timeoutMs: number;
  readonly resolve: (reply: WorkerReply | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** Who lends workers. */
export interface WorkerPool {
  readonly take: () => Worker;
  readonly giveBack: (worker: Worker) => void;
}

/** The replies to one batch fit into a pipe: a worker that had to wait for us could not be told from one that hangs. */
const mostInBatch = 100;
/** Nobody sees what becomes of the shares until a worker has started: one that hangs in its start gives way to another. */
const longestStartMs = 30_000;
/** A look that takes longer is not waited for by those behind it; on a slow machine, which takes longer to start a worker, more. */
function patienceMs(workerStartMs: number): number {
  return Math.min(2_000, Math.max(200, 2 * workerStartMs));
}

/** Gives the function that looks. All that is asked for in one turn of the event loop goes to a worker in one batch. */
export function batchedLooks({ take, giveBack }: WorkerPool) {
  let waiting: Look[] = [];

  const run = async (batch: readonly Look[]): Promise<void> => {
    const worker = take();
    const start = await within(worker.started, longestStartMs);
    const startMs = worker.isAlive() && start.kind === "in-time" ? start.value : undefined;
    if (startMs === undefined) {
      worker.stop();
      // That says nothing of the shares.
      const why = worker.failure() ?? "it has not started in time";
      for (const { reject } of batch) reject(new Error(`no process can be started to look at the shares: ${why}`));
      return;
    }
    const replies = batch.map(({ request }) => worker.ask(request));
    for (const [index, look] of batch.entries()) {
      const reply = await within(replies[index], Math.min(patienceMs(startMs), look.timeoutMs));
      const rest = batch.slice(index + 1);
      if (reply.kind === "late") {
        if (rest.length > 0) void run(rest);
        const late = await within(replies[index], look.timeoutMs);
        const answer = late.kind === "late" ? undefined : late.value;
        look.resolve(answer);
        // It hangs, or goes on with what others look at by now.
        if (answer === undefined || rest.length > 0) worker.stop();
        else giveBack(worker);
        return;
      }
      look.resolve(reply.value);
      if (reply.value === undefined) {
        // It was killed.
        if (rest.length > 0) void run(rest);
        return;
      }
    }
    giveBack(worker);
  };

  return (request: LookRequest, timeoutMs: number): Promise<WorkerReply | undefined> =>
    new Promise((resolve, reject) => {
      if (waiting.push({ request, timeoutMs, resolve, reject }) > 1) return;
      queueMicrotask(() => {
        const all = waiting;
        waiting = [];
        for (let start = 0; start < all.length; start += mostInBatch) void run(all.slice(start, start + mostInBatch));
      });
    });
}

type Timely<T> = { readonly kind: "in-time"; readonly value: T } | { readonly kind: "late" };

/** The value of a promise, if it comes within a time. */
function within<T>(promise: Promise<T> | undefined, ms: number): Promise<Timely<T | undefined>> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ kind: "late" }), ms);
    void Promise.resolve(promise).then((value) => {
      clearTimeout(timer);
      resolve({ kind: "in-time", value });
    });
  });
}
