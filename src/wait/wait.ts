// Waits until a server could serve: asks again and again at the pace of pace.ts, and tells when the reason changes.
import { probePauseMs } from "./pace.ts";
import type { Readiness, ServerQuestion } from "./readiness.ts";

export interface WaitPorts {
  /** One round of questions to the server; settles when `signal` aborts. Not every round need ask rpcbind for an unusual port. */
  readonly ask: (question: ServerQuestion, signal: AbortSignal, asksRpcbind: boolean) => Promise<Readiness>;
  /** Milliseconds that never jump. */
  readonly nowMs: () => number;
  /** Settles after a while, or rejects when `signal` aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told after every round that was not ready. */
  readonly tell: (question: ServerQuestion, reason: string) => void;
}

export type Ready = Extract<Readiness, { kind: "ready" }>;

/** Waits for servers; questions that are equal are asked once, however many shares wait for the answer. */
export interface ServerWaiter {
  /**
   * Settles when the server is ready; rejects when the waiter's signal aborts. Each round that was not calls `notYet`. Who needs
   * the answer no longer aborts `unneeded`: the server is asked while somebody does.
   */
  readonly ready: (question: ServerQuestion, notYet: () => void, unneeded?: AbortSignal) => Promise<Ready>;
}

export function serverWaiter(ports: WaitPorts, attemptTimeoutMs: number, signal: AbortSignal): ServerWaiter {
  interface Asking {
    readonly ready: Promise<Ready>;
    readonly notYet: Set<() => void>;
    readonly stop: () => void;
  }
  const pending = new Map<string, Asking>();
  const begin = (key: string, question: ServerQuestion): Asking => {
    const notYet = new Set<() => void>();
    const life = new AbortController();
    const tell = (reason: string) => {
      ports.tell(question, reason);
      for (const waiter of notYet) waiter();
    };
    const forget = () => {
      if (pending.get(key) === asking) pending.delete(key);
    };
    const ready = waitFor(ports, question, tell, attemptTimeoutMs, AbortSignal.any([signal, life.signal])).finally(
      forget,
    );
    const stop = () => {
      forget();
      life.abort(new Error("nobody waits for the answer any more"));
    };
    const asking = { ready, notYet, stop };
    pending.set(key, asking);
    return asking;
  };
  return {
    ready: (question, notYet, unneeded) => {
      const key = JSON.stringify(question);
      const asking = pending.get(key) ?? begin(key, question);
      asking.notYet.add(notYet);
      const leave = () => {
        if (asking.notYet.delete(notYet) && asking.notYet.size === 0) asking.stop();
      };
      unneeded?.addEventListener("abort", leave, { once: true });
      return asking.ready;
    },
  };
}

/**
 * One question to rpcbind is ten packets, a refusal by port 2049 two: few servers of version 3 have another port. So it is asked
 * in one round of so many, and in each that begins this long after the last that did: a silent server makes a round long.
 */
const rpcbind = { rounds: 8, everyMs: 10_000 } as const;

async function waitFor(
  { ask, nowMs, sleep }: WaitPorts,
  question: ServerQuestion,
  tell: (reason: string) => void,
  attemptTimeoutMs: number,
  signal: AbortSignal,
): Promise<Ready> {
  const startedMs = nowMs();
  let reason = "";
  let roundsLeft = 0;
  let askedMs = startedMs;
  for (;;) {
    const asksRpcbind = roundsLeft === 0 || nowMs() - askedMs >= rpcbind.everyMs;
    if (asksRpcbind) askedMs = nowMs();
    roundsLeft = (asksRpcbind ? rpcbind.rounds : roundsLeft) - 1;
    signal.throwIfAborted();
    const asked = AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)]);
    const readiness = await ask(question, asked, asksRpcbind);
    if (readiness.kind === "ready") return readiness;
    signal.throwIfAborted();
    // The reason of a round that asks less may differ although nothing has changed; of version 4 it says the same.
    if (asksRpcbind || question.version4) reason = readiness.reason;
    tell(reason);
    await sleep(probePauseMs(nowMs() - startedMs, Math.random()), signal);
  }
}
