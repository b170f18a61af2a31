// Signals by signalfd.
import * as native from "native";
import { check, equal, eventually, thrown } from "./report.ts";

/** All but KILL and STOP. */
const all = Array.from({ length: 64 }, (_, index) => index + 1).filter((signal) => signal !== 9 && signal !== 19);
const SIGCHLD = 17;

export const cases = {
  "signals that come before anybody asks for them wait": async () => {
    native.kill(native.getpid(), 15);
    native.kill(native.getpid(), 30);
    const told: number[] = [];
    native.onSignal((signal) => told.push(signal));
    await eventually(() => told.length >= 2, "both");
    equal(told, [15, 30]);
  },
  "each of the 62 signals that can be taken is told, with its sender": async () => {
    const told: number[] = [];
    native.onSignal((signal, pid) => {
      equal(pid, native.getpid());
      told.push(signal);
    });
    for (const signal of all) {
      // A stop and CONT take each other's place where they wait.
      native.kill(native.getpid(), signal);
      await eventually(() => told.includes(signal), `signal ${signal}`);
    }
    equal(told, all);
  },
  "real-time signals are counted": async () => {
    const told = new Map<number, number>();
    native.onSignal((signal) => told.set(signal, (told.get(signal) ?? 0) + 1));
    for (let signal = 32; signal <= 64; signal++)
      for (let time = 0; time < 5; time++) native.kill(native.getpid(), signal);
    await eventually(() => [...told.values()].reduce((sum, count) => sum + count, 0) === 33 * 5, "all");
    check(
      [...told.values()].every((count) => count === 5),
      "five of each",
    );
  },
  "SIGCHLD names the child": async () => {
    const told: string[] = [];
    native.onSignal((signal, pid) => told.push(`${signal} ${pid}`));
    const child = native.fork(() => {}, []);
    await eventually(() => told.length > 0, "SIGCHLD");
    equal(told, [`${SIGCHLD} ${child}`]);
  },
  "another callback takes the place of the first": async () => {
    const told: string[] = [];
    native.onSignal(() => told.push("first"));
    native.onSignal(() => told.push("second"));
    native.kill(native.getpid(), 10);
    await eventually(() => told.length > 0, "it came");
    equal(told, ["second"]);
  },
  "a write to a pipe that nobody reads is an error and no signal": async () => {
    const told: number[] = [];
    native.onSignal((signal) => told.push(signal));
    const { readEnd, writeEnd } = native.pipe(0);
    native.close(readEnd);
    for (let time = 0; time < 3; time++) {
      const error = thrown(() => native.write(writeEnd, new Uint8Array(1)));
      equal(error.message, "EPIPE: broken pipe, write");
    }
    native.kill(native.getpid(), 10);
    await eventually(() => told.length > 0, "the one that was sent");
    equal(told, [10]);
  },
  "a SIGPIPE that somebody sends is told all the same": async () => {
    const told: number[] = [];
    const { readEnd, writeEnd } = native.pipe(0);
    native.close(readEnd);
    native.kill(native.getpid(), 13);
    thrown(() => native.write(writeEnd, new Uint8Array(1)));
    native.onSignal((signal) => told.push(signal));
    await eventually(() => told.length > 0, "SIGPIPE");
    equal(told, [13]);
  },
};
