// One answer of a server for all who ask it the same at about the same time: volumes are waited for by themselves, whatever server they have.
import type { Clock } from "../clock.ts";
import type { Readiness } from "../kinds/server.ts";
import type { WaitPorts } from "./wait.ts";

/** Below the shortest pause between two rounds of one who waits (pace.ts). */
const freshMs = 200;

export function sharedAsk({ nowMs }: Pick<Clock, "nowMs">, ask: WaitPorts["ask"]): WaitPorts["ask"] {
  const answers = new Map<string, { readonly readiness: Readiness; readonly atMs: number }>();
  return async (question, signal, asksRpcbind) => {
    const key = JSON.stringify([question, asksRpcbind]);
    const known = answers.get(key);
    if (known !== undefined && nowMs() - known.atMs < freshMs) return known.readiness;
    const readiness = await ask(question, signal, asksRpcbind);
    answers.delete(key);
    // What was cut short says nothing of the server.
    if (signal.aborted) return readiness;
    for (const [one, { atMs }] of answers) if (nowMs() - atMs >= freshMs) answers.delete(one);
    answers.set(key, { readiness, atMs: nowMs() });
    return readiness;
  };
}
