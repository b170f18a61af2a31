// Waits until a server could serve: asks again and again at the pace of pace.ts, and tells when the reason changes.
import { anyOf, within } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { again, done, untilDone } from "./again.ts";
import { probePace } from "./pace.ts";
import type { ServerQuestion } from "../kinds/servers.ts";
import type { Readiness } from "../kinds/server.ts";

export interface WaitPorts {
  readonly clock: Clock;
  /** One round of questions to the server; settles when `signal` aborts. Not every round need ask rpcbind for an unusual port. */
  readonly ask: (question: ServerQuestion, signal: AbortSignal, asksRpcbind: boolean) => Promise<Readiness>;
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

/** The same for all who ask a server the same. */
export function serverKey(question: ServerQuestion): string {
  return JSON.stringify(question);
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
    const ready = waitFor(ports, question, tell, attemptTimeoutMs, anyOf(signal, life.signal)).finally(forget);
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
      const key = serverKey(question);
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

function waitFor(
  ports: WaitPorts,
  question: ServerQuestion,
  tell: (reason: string) => void,
  attemptTimeoutMs: number,
  signal: AbortSignal,
): Promise<Ready> {
  const { clock } = ports;
  let reason = "";
  let roundsLeft = 0;
  let askedMs = 0;
  const round = async () => {
    const asksRpcbind = roundsLeft === 0 || clock.nowMs() - askedMs >= rpcbind.everyMs;
    if (asksRpcbind) askedMs = clock.nowMs();
    roundsLeft = (asksRpcbind ? rpcbind.rounds : roundsLeft) - 1;
    const asked = within(clock, attemptTimeoutMs, signal);
    const readiness = await ports.ask(question, asked, asksRpcbind);
    if (readiness.kind === "ready") return done(readiness);
    signal.throwIfAborted();
    // The reason of a round that asks less may differ although nothing has changed.
    if (readiness.isPartial !== true) reason = readiness.reason;
    tell(reason);
    return again;
  };
  return untilDone(clock, round, probePace(clock), signal);
}
