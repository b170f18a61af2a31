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

function setTimeout<Args extends readonly unknown[]>(call: (...args: Args) => void, ms = 0, ...args: Args): number {
  return setTimer(Math.max(0, ms), () => call(...args));
}

function clearTimeout(timer: number | undefined): void {
  if (timer !== undefined) clearTimer(timer);
}

const crypto = {
  getRandomValues: <T extends Uint8Array | Uint32Array>(array: T): T => {
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(getrandom(array.byteLength));
    return array;
  },
};

Object.assign(globalThis, {
  AbortController: Controller,
  AbortSignal: Signal,
  TextDecoder: Decoder,
  TextEncoder: Encoder,
  clearTimeout,
  crypto,
  performance: { now: bootTimeMs },
  setTimeout,
});
