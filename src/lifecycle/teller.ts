// Where everybody tells what happens to shares: it is entered in the table, published on the board, and logged where a line is due.
import type { Clock } from "../clock.ts";
import type { Tell } from "../report/events.ts";
import { lineGate, logLinesOf } from "../report/log-lines.ts";
import type { Log } from "../report/log.ts";
import { questionOf, type ServerQuestion } from "../kinds/servers.ts";
import { enterEvent, type ManagedShares } from "./managed-share.ts";
import { sharesOf } from "../report/events.ts";

export interface TellerPorts {
  readonly log: Log;
  readonly board: { readonly tell: Tell };
  readonly clock: Pick<Clock, "nowMs">;
}

/** The time in the lines counts from now. */
export function teller({ log, board, clock }: TellerPorts, shares: ManagedShares): Tell {
  const startedMs = clock.nowMs();
  const isDue = lineGate();
  return (event) => {
    const nowMs = clock.nowMs();
    for (const share of sharesOf(event)) enterEvent(shares.of(share), event);
    board.tell(event);
    if (!isDue(event, nowMs)) return;
    for (const { level, message, fields } of logLinesOf(event, Math.round(nowMs - startedMs)))
      log(level, message, fields);
  };
}

/** Tells that a server cannot serve yet, for all shares that wait for it. */
export function tellNotReady(tell: Tell, shares: ManagedShares): (question: ServerQuestion, reason: string) => void {
  return (question, reason) => {
    const key = JSON.stringify(question);
    const waiting = shares.waiting().filter((share) => JSON.stringify(questionOf(share)) === key);
    tell({ kind: "server-not-ready", question, shares: waiting, reason });
  };
}

/** Each share that is not mounted yet with the last reason, a clause each. */
export function pendingReasons(shares: ManagedShares): readonly string[] {
  return shares
    .waiting()
    .map((share) => `${share.label} on ${share.target}: ${shares.of(share).reason ?? "no answer yet"}`);
}
