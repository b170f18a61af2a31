// Bounds how many shares of one server are being established side by side, for as long as that server answers.
import type { Clock } from "../clock.ts";

/** The way in to one server, for one share. */
export interface Entry {
  /** The share is there, or was tried; it may be called repeatedly. */
  readonly leave: () => void;
  /** The server makes its shares wait: all of them may wait for it side by side. */
  readonly open: () => void;
}

/** Gives entry to a server, by its name; rejects with the reason of `signal` where that aborts before. */
export type ServerGates = (server: string, signal: AbortSignal) => Promise<Entry>;

/** Establishing a share takes some 65 kB while it goes on, and there is work for the processors with a few of them. */
const atOnce = 8;

/** Where no share has been done for so long the server makes them wait, and nobody may wait for another's sake. */
const patienceMs = 2_000;

interface Gate {
  readonly server: string;
  /** Those that are in, or wait to be. */
  present: number;
  inside: number;
  /** Until the last one has left. */
  isOpen: boolean;
  readonly waiting: Set<() => void>;
  /** Calls off the opening for want of patience. */
  callOff: () => void;
}

/** The gates of servers whose shares come or wait; one that nobody needs any more is forgotten. */
interface Gates {
  readonly later: Clock["later"];
  readonly byServer: Map<string, Gate>;
}

export function serverGates({ later }: Pick<Clock, "later">): ServerGates {
  const gates: Gates = { later, byServer: new Map() };
  return (server, signal) => {
    const gate = gates.byServer.get(server) ?? gateOf(server);
    gates.byServer.set(server, gate);
    gate.present += 1;
    return enter(gates, gate, signal);
  };
}

function gateOf(server: string): Gate {
  return { server, present: 0, inside: 0, isOpen: false, waiting: new Set(), callOff: () => {} };
}

/** One promise for each that waits and nothing more: there may be hundreds. */
function enter(gates: Gates, gate: Gate, signal: AbortSignal): Promise<Entry> {
  return new Promise((resolve, reject) => {
    const goIn = () => {
      gate.waiting.delete(goIn);
      signal.removeEventListener("abort", giveUp);
      gate.inside += 1;
      resolve(entryOf(gates, gate));
    };
    const giveUp = () => {
      gate.waiting.delete(goIn);
      forgetOne(gates, gate);
      reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    if (gate.isOpen || gate.inside < atOnce) return goIn();
    if (signal.aborted) return giveUp();
    gate.waiting.add(goIn);
    signal.addEventListener("abort", giveUp);
    if (gate.waiting.size === 1) bePatient(gates, gate);
  });
}

function entryOf(gates: Gates, gate: Gate): Entry {
  let isInside = true;
  return {
    leave: () => {
      if (!isInside) return;
      isInside = false;
      gate.inside -= 1;
      const [next] = gate.waiting;
      next?.();
      bePatient(gates, gate);
      forgetOne(gates, gate);
    },
    open: () => {
      if (isInside) open(gate);
    },
  };
}

function open(gate: Gate): void {
  gate.callOff();
  gate.isOpen = true;
  for (const goIn of gate.waiting) goIn();
}

function bePatient({ later }: Gates, gate: Gate): void {
  gate.callOff();
  gate.callOff = gate.waiting.size > 0 ? later(patienceMs, () => open(gate)) : () => {};
}

function forgetOne({ byServer }: Gates, gate: Gate): void {
  gate.present -= 1;
  if (gate.waiting.size === 0) gate.callOff();
  if (gate.present === 0) byServer.delete(gate.server);
}
