// Time and chance of this machine.
import { bootTimeMs } from "native";
import type { Clock } from "../clock.ts";

export const clock: Clock = {
  nowMs: bootTimeMs,
  timeOfDayMs: Date.now,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const fail = () => {
        callOff();
        reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
      };
      const callOff = later(ms, () => {
        signal?.removeEventListener("abort", fail);
        resolve();
      });
      if (signal?.aborted === true) fail();
      else signal?.addEventListener("abort", fail, { once: true });
    }),
  later,
  timeout: (ms) => AbortSignal.timeout(ms),
  random: Math.random,
};

function later(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}
