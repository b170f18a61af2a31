// Children that make calls on paths, one after the other: a fork for each call would cost more than most of the calls.
import * as native from "native";
import { lineOf, outcomeOf, startChild, writeAll, type Child, type ChildAnswer, type Outcome } from "./children.ts";
import { messageOf } from "../errors.ts";

/** What can be called, by name; words and results are values that JSON knows. */
export type Calls = Readonly<Record<string, (...words: never[]) => unknown>>;

export interface CallWorkers<C extends Calls> {
  /**
   * Has a call made by a child that nobody else is waiting for. One that takes longer than `timeoutMs`, or until `signal` aborts, is
   * left behind with its child, which is killed.
   */
  readonly ask: <N extends keyof C & string>(
    name: N,
    words: Parameters<C[N]>,
    timeoutMs?: number,
    signal?: AbortSignal,
  ) => Promise<ChildAnswer<ReturnType<C[N]>>>;
  /** Ends the children that nobody is waiting for; settles when they are gone. */
  readonly dismiss: () => Promise<void>;
}

interface Worker {
  readonly child: Child<Outcome<unknown>>;
  readonly requests: number;
  isOver: boolean;
}

/** A child that was asked nothing for so long ends: calls come in bursts, at the start, at a loss and at the end. */
const idleMs = 500;

export function callWorkers<C extends Calls>(calls: C): CallWorkers<C> {
  const idle: Worker[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = (worker: Worker): void => {
    if (worker.isOver) return;
    worker.isOver = true;
    worker.child.stop();
    native.close(worker.requests);
    const index = idle.indexOf(worker);
    if (index !== -1) idle.splice(index, 1);
  };
  const dismiss = async (): Promise<void> => {
    clearTimeout(timer);
    const dismissed = idle.splice(0);
    for (const worker of dismissed) end(worker);
    await Promise.all(dismissed.map(({ child }) => child.ended));
  };
  const rest = (worker: Worker): void => {
    if (worker.isOver) return;
    idle.push(worker);
    clearTimeout(timer);
    timer = setTimeout(() => void dismiss(), idleMs);
  };
  return {
    dismiss,
    ask: async <N extends keyof C & string>(
      name: N,
      words: Parameters<C[N]>,
      timeoutMs?: number,
      signal?: AbortSignal,
    ) => {
      const worker = idle.pop() ?? tryWorker(calls, end);
      if ("kind" in worker) return worker;
      const stop = () => end(worker);
      const limit = timeoutMs === undefined ? undefined : setTimeout(stop, timeoutMs);
      signal?.addEventListener("abort", stop, { once: true });
      if (signal?.aborted === true) stop();
      else send(worker, name, words, stop);
      const answer = (await worker.child.next()) as Outcome<ReturnType<C[N]>> | undefined;
      clearTimeout(limit);
      signal?.removeEventListener("abort", stop);
      if (answer === undefined) end(worker);
      else rest(worker);
      return answer ?? { kind: "no-answer" };
    },
  };
}

/** A worker, or why none can be started. */
function tryWorker(
  calls: Calls,
  end: (worker: Worker) => void,
): Worker | Extract<ChildAnswer<never>, { kind: "not-started" }> {
  try {
    return startWorker(calls, end);
  } catch (error) {
    return { kind: "not-started", reason: messageOf(error) };
  }
}

function startWorker(calls: Calls, end: (worker: Worker) => void): Worker {
  const { readEnd, writeEnd } = native.pipe(0);
  try {
    const child = startChild<Outcome<unknown>>((tell) => serve(readEnd, calls, tell), [readEnd]);
    const worker: Worker = { child, requests: writeEnd, isOver: false };
    void child.ended.then(() => end(worker));
    return worker;
  } catch (error) {
    native.close(writeEnd);
    throw error;
  } finally {
    native.close(readEnd);
  }
}

function send({ requests }: Worker, name: string, words: readonly unknown[], onGone: () => void): void {
  try {
    writeAll(requests, lineOf([name, ...words]));
  } catch {
    // It was killed by somebody else.
    onGone();
  }
}

/** In the child: answers requests until no more can come. */
function serve(requests: number, calls: Calls, tell: (outcome: Outcome<unknown>) => void): void {
  let pending = "";
  for (;;) {
    const bytes = native.read(requests, requestBytes);
    if (bytes.byteLength === 0) return;
    const lines = (pending + native.decodeLatin1(bytes)).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      const [name, ...words] = JSON.parse(line) as [string, ...never[]];
      tell(outcomeOf(() => calls[name]?.(...words)));
    }
  }
}

const requestBytes = 8_192;
