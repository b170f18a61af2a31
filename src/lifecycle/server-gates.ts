// Bounds how many shares of one server are being established side by side, for as long as that server answers.
import type { Clock } from "../clock.ts";

/** The way in to one server, for one share. */
export interface Entry {
  /** The share is there, or was tried; it may be called repeatedly. */
  readonly leave: () => void;
  /** The server makes its shares wait: all of them may wait for it side by side. */
  readonly open: () => void;
}

/** Gives entry to a server, by its name. */
export type ServerGates = (server: string) => Promise<Entry>;

/** Establishing a share takes some 65 kB while it goes on, and there is work for the processors with a few of them. */
const atOnce = 8;

/** Where no share has been done for so long the server makes them wait, and nobody may wait for another's sake. */
const patienceMs = 5_000;

interface Gate {
  inside: number;
  /** Until the last one has left. */
  isOpen: boolean;
  readonly waiting: (() => void)[];
  /** Calls off the opening for want of patience. */
  callOff: () => void;
}

export function serverGates({ later }: Pick<Clock, "later">): ServerGates {
  const gates = new Map<string, Gate>();
  const gateOf = (server: string): Gate => {
    const gate = gates.get(server) ?? { inside: 0, isOpen: false, waiting: [], callOff: () => {} };
    gates.set(server, gate);
    return gate;
  };
  const open = (gate: Gate): void => {
    gate.callOff();
    gate.isOpen = true;
    gate.inside += gate.waiting.length;
    for (const enter of gate.waiting.splice(0)) enter();
  };
  const bePatient = (gate: Gate): void => {
    gate.callOff();
    if (gate.waiting.length > 0) gate.callOff = later(patienceMs, () => open(gate));
  };
  const leave = (server: string, gate: Gate): void => {
    const enter = gate.waiting.shift();
    bePatient(gate);
    if (enter !== undefined) return enter();
    gate.inside -= 1;
    if (gate.inside === 0) gates.delete(server);
  };
  return async (server) => {
    const gate = gateOf(server);
    if (gate.isOpen || gate.inside < atOnce) gate.inside += 1;
    else {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (gate.waiting.push(resolve) === 1) bePatient(gate);
      await promise;
    }
    let isInside = true;
    return {
      leave: () => {
        if (isInside) leave(server, gate);
        isInside = false;
      },
      open: () => {
        if (isInside) open(gate);
      },
    };
  };
}
