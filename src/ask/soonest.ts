// A connection by the first of several tries that is made: one alone may be long in noticing that a server has come up.
import { anyOf } from "../abort.ts";
import type { Clock } from "../clock.ts";
import type { Connection } from "../rpc/transport.ts";

/** After this time a connection that is still being made is given company by a fresh one. */
const freshMs = 1_000;
/** So many are being made at most: a server that is farther away than this many seconds is out of reach. */
const mostTries = 2;

/**
 * Rejects with the first failure of a try that was not given up. The kernel repeats an unanswered SYN after 1, 3, 7 and 15 s (tcp(7),
 * tcp_syn_retries): a server that comes up in between would be noticed seconds late by one try alone.
 */
export async function soonest(
  { later }: Pick<Clock, "later">,
  once: (signal: AbortSignal) => Promise<Connection>,
  signal: AbortSignal,
): Promise<Connection> {
  const { promise: made, resolve, reject } = Promise.withResolvers<Connection>();
  const tries: AbortController[] = [];
  let first: AbortController | undefined;
  let callOff = () => {};
  const start = () => {
    callOff = later(freshMs, start);
    const life = new AbortController();
    tries.push(life);
    if (tries.length > mostTries) tries.shift()?.abort();
    once(anyOf(signal, life.signal)).then(
      (connection) => {
        if (first !== undefined) return connection.close();
        first = life;
        resolve(connection);
      },
      (error: unknown) => {
        if (!life.signal.aborted) reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  };
  start();
  try {
    return await made;
  } finally {
    callOff();
    for (const life of tries) if (life !== first) life.abort();
  }
}
