// Looks at mount points in batches: one child looks at all that answer, and one that hangs has its child to itself.
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Look } from "./ports.ts";

/** A path, and whether the look writes there as well. */
export interface LookRequest {
  readonly path: string;
  readonly write: boolean;
}

type Seen = Exclude<Look, { kind: "no-answer" }>;

/** A child that looks at one path after another, and tells of each. */
export interface Looker {
  /** What it saw next; undefined where it has ended. */
  readonly next: () => Promise<Seen | undefined>;
  readonly stop: () => void;
}

interface Asked {
  readonly request: LookRequest;
  readonly timeoutMs: number;
  readonly resolve: (look: Look) => void;
  readonly reject: (error: Error) => void;
}

/** The answers to one batch fit into a pipe: a child that had to wait for us could not be told from one that hangs. */
const mostInBatch = 100;
/** A look that takes longer is not waited for by those behind it. */
const patienceMs = 200;

/**
 * Gives the function that looks. All that is asked for in one turn of the event loop is looked at by one child; it rejects where
 * `start` throws, for which the shares are not to blame.
 */
export function batchedLooks(clock: Pick<Clock, "later">, start: (requests: readonly LookRequest[]) => Looker) {
  let waiting: Asked[] = [];

  const run = async (batch: readonly Asked[]): Promise<void> => {
    let looker: Looker;
    try {
      looker = start(batch.map(({ request }) => request));
    } catch (error) {
      const reason = `no process can be started to look at the shares: ${messageOf(error)}`;
      for (const { reject } of batch) reject(new Error(reason));
      return;
    }
    for (const [index, asked] of batch.entries()) {
      const rest = () => batch.slice(index + 1);
      const isLast = index === batch.length - 1;
      const coming = looker.next();
      const soonMs = Math.min(patienceMs, asked.timeoutMs);
      const soon = await inTime(clock, soonMs, coming);
      if (soon.kind === "late") {
        if (!isLast) void run(rest());
        const late = await inTime(clock, asked.timeoutMs - soonMs, coming);
        // It hangs, or goes on with what others look at by now.
        looker.stop();
        return asked.resolve((late.kind === "in-time" ? late.value : undefined) ?? { kind: "no-answer" });
      }
      asked.resolve(soon.value ?? { kind: "no-answer" });
      if (soon.value === undefined) {
        // It was killed.
        if (!isLast) void run(rest());
        return;
      }
    }
    looker.stop();
  };

  return (request: LookRequest, timeoutMs: number): Promise<Look> =>
    new Promise((resolve, reject) => {
      if (waiting.push({ request, timeoutMs, resolve, reject }) > 1) return;
      void Promise.resolve().then(() => {
        const all = waiting;
        waiting = [];
        for (let first = 0; first < all.length; first += mostInBatch) void run(all.slice(first, first + mostInBatch));
      });
    });
}

type Timely<T> = { readonly kind: "in-time"; readonly value: T } | { readonly kind: "late" };

/** The value of a promise, if it comes within a time. */
function inTime<T>({ later }: Pick<Clock, "later">, ms: number, promise: Promise<T>): Promise<Timely<T>> {
  return new Promise((resolve) => {
    const callOff = later(ms, () => resolve({ kind: "late" }));
    void promise.then((value) => {
      callOff();
      resolve({ kind: "in-time", value });
    });
  });
}
