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
  /** Those that are in, or wait to be. */
  present: number;
  inside: number;
  /** Until the last one has left. */
  isOpen: boolean;
  readonly waiting: Set<() => void>;
  /** Calls off the opening for want of patience. */
  callOff: () => void;
}

export function serverGates({ later }: Pick<Clock, "later">): ServerGates {
  const gates = new Map<string, Gate>();
  const enterNext = (gate: Gate): void => {
    const [enter] = gate.waiting;
    if (enter === undefined) return;
    gate.inside += 1;
    enter();
  };
  const open = (gate: Gate): void => {
    gate.callOff();
    gate.isOpen = true;
    while (gate.waiting.size > 0) enterNext(gate);
  };
  const bePatient = (gate: Gate): void => {
    gate.callOff();
    gate.callOff = gate.waiting.size > 0 ? later(patienceMs, () => open(gate)) : () => {};
  };
  const forget = (server: string, gate: Gate): void => {
    gate.present -= 1;
    if (gate.waiting.size === 0) gate.callOff();
    if (gate.present === 0) gates.delete(server);
  };
  const comeIn = async (gate: Gate, signal: AbortSignal): Promise<void> => {
    if (gate.isOpen || gate.inside < atOnce) {
      gate.inside += 1;
      return;
    }
    const turn = turnIn(gate.waiting, signal);
    if (gate.waiting.size === 1) bePatient(gate);
    await turn;
  };
  return async (server, signal) => {
    const gate: Gate = gates.get(server) ?? {
      present: 0,
      inside: 0,
      isOpen: false,
      waiting: new Set(),
      callOff: () => {},
    };
    gates.set(server, gate);
    gate.present += 1;
    try {
      await comeIn(gate, signal);
    } catch (error) {
      forget(server, gate);
      throw error;
    }
    let isInside = true;
    return {
      leave: () => {
        if (!isInside) return;
        isInside = false;
        gate.inside -= 1;
        enterNext(gate);
        bePatient(gate);
        forget(server, gate);
      },
      open: () => {
        if (isInside) open(gate);
      },
    };
  };
}

/** Settles when it is let in by what it adds to `waiting`, or rejects with the reason of `signal`. */
function turnIn(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      waiting.delete(enter);
      reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    const enter = () => {
      waiting.delete(enter);
      signal.removeEventListener("abort", giveUp);
      resolve();
    };
    if (signal.aborted) return giveUp();
    waiting.add(enter);
    signal.addEventListener("abort", giveUp, { once: true });
  });
}
