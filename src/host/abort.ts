// AbortController and AbortSignal, which the engine does not bring (DOM Standard, section 3).

type Listener = () => void;

interface ListenerOptions {
  readonly once?: boolean;
}

/** What time is told by, and what calls back after so many milliseconds. */
export interface AbortTimers {
  readonly nowMs: () => number;
  readonly setTimer: (ms: number, call: () => void) => number;
  readonly clearTimer: (timer: number) => void;
}

/** How many were aborted so far. */
let aborted = 0;

/**
 * A signal asks those it depends on whether it is aborted, and is told by them only while somebody listens to it: one that is
 * made for a single question and dropped leaves nothing behind on a signal that lives as long as the program.
 * Its time may be up between a look and the listener that is added after it: such a listener is called, in the next turn.
 */
class TimedSignal {
  readonly #timers: AbortTimers;
  #isAborted = false;
  #reason: unknown;
  /** When that was, and the how manieth it was. */
  #sinceMs = 0;
  #order = 0;
  readonly #sources: readonly TimedSignal[];
  readonly #dueMs: number | undefined;
  #timer = 0;
  /** By the function that was given, as removeEventListener(2) names it. */
  readonly #listeners = new Map<Listener, Listener>();
  readonly #onSource = () => this.#settle();

  constructor(timers: AbortTimers, sources: readonly TimedSignal[], timeoutMs: number | undefined) {
    this.#timers = timers;
    this.#sources = sources;
    this.#dueMs = timeoutMs === undefined ? undefined : this.#timers.nowMs() + timeoutMs;
    if (sources.some((source) => source.aborted)) this.#settle();
  }

  get aborted(): boolean {
    this.#settle();
    return this.#isAborted;
  }

  get reason(): unknown {
    this.#settle();
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.#reason;
  }

  addEventListener(_type: "abort", listener: Listener, { once = false }: ListenerOptions = {}): void {
    if (this.#isAborted || this.#listeners.has(listener)) return;
    const called = once
      ? () => {
          this.removeEventListener("abort", listener);
          listener();
        }
      : listener;
    this.#listeners.set(listener, called);
    if (this.#listeners.size === 1) this.#listen();
  }

  removeEventListener(_type: "abort", listener: Listener): void {
    if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#hush();
  }

  /** Aborts it, once: its controller's part. */
  fire(reason: unknown = abortError("AbortError", "This operation was aborted"), sinceMs = this.#timers.nowMs()): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.#sinceMs = sinceMs;
    this.#order = ++aborted;
    this.#hush();
    // One that an earlier one removes is not called; one that throws keeps no other from it.
    for (const [listener, called] of this.#listeners) {
      this.#listeners.delete(listener);
      try {
        called();
      } catch (error) {
        this.#timers.setTimer(0, () => {
          throw error;
        });
      }
    }
  }

  #settle(): void {
    if (this.#isAborted) return;
    if (this.#dueMs !== undefined && this.#timers.nowMs() >= this.#dueMs) {
      return this.fire(abortError("TimeoutError", "The operation was aborted due to timeout"), this.#dueMs);
    }
    // It may be that nobody has looked since several were: the first one counts.
    const [first] = this.#sources
      .filter((source) => source.aborted)
      .sort((one, other) => one.#sinceMs - other.#sinceMs || one.#order - other.#order);
    if (first !== undefined) this.fire(first.#reason, first.#sinceMs);
  }

  #listen(): void {
    for (const source of this.#sources) source.addEventListener("abort", this.#onSource);
    // Those that were told of before we listened call nobody any more.
    const dueMs = this.#sources.some((source) => source.#isAborted) ? 0 : this.#dueMs;
    if (dueMs !== undefined)
      this.#timer = this.#timers.setTimer(Math.max(0, dueMs - this.#timers.nowMs()), this.#onSource);
  }

  #hush(): void {
    for (const source of this.#sources) source.removeEventListener("abort", this.#onSource);
    this.#timers.clearTimer(this.#timer);
  }
}

/** Both classes, on these timers. */
export function abortClasses(timers: AbortTimers) {
  class Signal extends TimedSignal {
    constructor(sources: readonly Signal[] = [], timeoutMs?: number) {
      super(timers, sources, timeoutMs);
    }

    static any(sources: Iterable<Signal>): Signal {
      return new Signal([...sources]);
    }

    static timeout(ms: number): Signal {
      return new Signal([], ms);
    }
  }

  class Controller {
    readonly signal = new Signal();

    abort(reason?: unknown): void {
      this.signal.fire(reason);
    }
  }

  return { Controller, Signal };
}

function abortError(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
