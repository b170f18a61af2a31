// What programs expect of a JavaScript world and the engine leaves to its host: timers, text, abort signals, random numbers.
import { bootTimeMs, clearTimer, decodeUtf8, encodeUtf8, getrandom, setTimer } from "native";
import { abortClasses } from "./abort.ts";

const { Controller, Signal } = abortClasses({ nowMs: bootTimeMs, setTimer, clearTimer });

class Encoder {
  encode(text = ""): Uint8Array {
    return encodeUtf8(text);
  }
}

interface DecoderOptions {
  readonly fatal?: boolean;
  readonly ignoreBOM?: boolean;
}

class Decoder {
  readonly #isFatal: boolean;
  readonly #keepsMark: boolean;

  constructor(_label = "utf-8", { fatal = false, ignoreBOM = false }: DecoderOptions = {}) {
    this.#isFatal = fatal;
    this.#keepsMark = ignoreBOM;
  }

  decode(bytes: Uint8Array = new Uint8Array()): string {
    const text = decodeUtf8(bytes, this.#isFatal);
    return !this.#keepsMark && text.startsWith("\uFEFF") ? text.slice(1) : text;
  }
}

/** A timer as programs keep it: a number that they may also call, since nothing here waits for a timer at the end. */
class Timer {
  id = 0;
  unref(): this {
    return this;
  }
  ref(): this {
    return this;
  }
}

function setTimeout<Args extends readonly unknown[]>(call: (...args: Args) => void, ms = 0, ...args: Args): Timer {
  const timer = new Timer();
  timer.id = setTimer(Math.max(0, ms), () => call(...args));
  return timer;
}

function setInterval(call: () => void, ms: number): Timer {
  const timer = new Timer();
  const again = () => {
    timer.id = setTimer(ms, again);
    call();
  };
  timer.id = setTimer(ms, again);
  return timer;
}

function clearTimeout(timer: Timer | undefined): void {
  if (timer !== undefined) clearTimer(timer.id);
}

const crypto = {
  getRandomValues: <T extends Uint8Array | Uint32Array>(array: T): T => {
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(getrandom(array.byteLength));
    return array;
  },
};

// commander's errors ask for a stack without their own constructor; here it is made with the error.
Object.assign(Error, { captureStackTrace: () => {} });
Object.assign(globalThis, {
  AbortController: Controller,
  AbortSignal: Signal,
  TextDecoder: Decoder,
  TextEncoder: Encoder,
  clearInterval: clearTimeout,
  clearTimeout,
  crypto,
  performance: { now: bootTimeMs },
  queueMicrotask: (call: () => void) => void Promise.resolve().then(call),
  setInterval,
  setTimeout,
});
